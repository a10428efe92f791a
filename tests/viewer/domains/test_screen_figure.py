"""The figure of what is on screen, against the layers that are."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Picture

from napari_trsmi import add_boundaries, add_domains
from napari_trsmi.viewer.domains.coloring import by_confidence
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.viewer.domains.screen_figure import Screen, layers_left_out


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def domains(viewer, make_result):
    result = make_result()
    known = replace(result, record={**result.record, "micrometres_per_unit": 2.0})
    layer = add_domains(viewer, known)
    viewer.reset_view()
    return domain_layer(layer)


def pixels(figure):
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    return np.asarray(Picture.open(drawn).convert("RGB")).astype(int)


def color_at(figure, x, y):
    """The colour that a figure has at a place of the world."""
    image = pixels(figure)
    axes = figure.axes[0]
    column, up = axes.transData.transform((x, y))
    return image[image.shape[0] - 1 - round(up), round(column)]


def test_spots_have_their_colours_where_they_lie(viewer, domains):
    viewer.layers[0].visible = False  # the picture
    domains.layer.opacity = 1
    figure = Screen.of(viewer, domains).figure()
    for spot in (0, 25, 59):
        x, y = domains.edits.result().coordinates[spot]
        expected = np.rint(255 * domains.layer.face_color[spot, :3])
        np.testing.assert_allclose(color_at(figure, x, y), expected, atol=3)


def test_the_view_is_what_is_on_screen(viewer, domains):
    viewer.scene.camera.center = (60, 70)
    viewer.scene.camera.zoom = 8
    axes = Screen.of(viewer, domains).figure().axes[0]
    height, width = viewer.canvas.size
    assert axes.get_xlim() == pytest.approx((70 - width / 16, 70 + width / 16))
    assert axes.get_ylim() == pytest.approx((60 + height / 16, 60 - height / 16))


def test_a_picture_lies_as_its_layer_does(viewer, make_result):
    """Turned by a quarter, and shifted: a red corner is where napari shows it."""
    data = np.zeros((20, 30, 3), np.uint8)
    data[:6, :6] = (255, 0, 0)
    image = viewer.add_image(data, rgb=True, scale=[2, 2], rotate=90, translate=(5, 60))
    viewer.reset_view()
    figure = Screen.of(viewer, None).figure()
    row, column = image.data_to_world((2.5, 2.5))
    assert color_at(figure, column, row)[0] > 200
    row, column = image.data_to_world((12, 20))
    np.testing.assert_allclose(color_at(figure, column, row), 0, atol=3)


def test_it_has_a_legend_of_what_is_seen_and_boundaries(viewer, domains):
    add_boundaries(viewer, domains.layer)
    domains.edits.rename("1", "Cortex $x$")
    domains.edits.set_visible(["2"], False)
    figure = Screen.of(viewer, domains).figure()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["Cortex $x$", "3"]
    kinds = [type(part).__name__ for part in figure.axes[0].collections]
    assert "LineCollection" in kinds
    assert len(Screen.of(viewer, domains).parts) == 3


def test_a_colour_bar_takes_the_legends_place(viewer, domains):
    domains.color_by(by_confidence(domains.edits.result()))
    figure = Screen.of(viewer, domains).figure()
    assert not figure.legends
    assert figure.axes[1].get_ylabel() == "confidence"


def test_the_scale_bar_is_in_micrometres(viewer, domains):
    figure = Screen.of(viewer, domains).figure()
    axes = figure.axes[0]
    (bar,) = axes.lines
    said = axes.texts[0].get_text()
    assert said.endswith(" µm")
    assert np.ptp(bar.get_xdata()) * 2 == pytest.approx(float(said.split()[0]))


def test_vectors_stay_vectors(viewer, domains):
    drawn = BytesIO()
    Screen.of(viewer, domains).figure().savefig(drawn, format="svg")
    assert drawn.getvalue().count(b"<path") > 60  # a path a spot


def test_what_cannot_be_drawn_is_named(viewer, domains):
    viewer.add_labels(np.zeros((9, 9), int), name="cells")
    assert layers_left_out(Screen.of(viewer, domains)).startswith("Not drawn: cells")
    viewer.layers["cells"].visible = False
    assert layers_left_out(Screen.of(viewer, domains)) == ""

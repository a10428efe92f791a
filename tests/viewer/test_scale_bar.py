import unicodedata
from dataclasses import replace

import numpy as np
import pytest

from napari_trsmi import add_domains
from napari_trsmi.viewer.scale_bar import show_scale_bar


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


def known(result, micrometres):
    return replace(result, record={**result.record, "micrometres_per_unit": micrometres})


def visual(viewer):
    """What draws the bar."""
    canvas = viewer.window._qt_viewer.canvas
    return canvas._viewer_overlay_to_visual[viewer.canvas.overlays["scale_bar"]][0]


def test_it_counts_micrometres_where_the_scale_is_known(viewer, make_result):
    add_domains(viewer, known(make_result(), 2.0))
    bar = viewer.canvas.overlays["scale_bar"]
    assert bar.visible
    assert bar.micrometres == pytest.approx(2)
    text = visual(viewer).node.text.text
    number, unit = text.split()
    assert unicodedata.normalize("NFKC", unit) == unicodedata.normalize("NFKC", "µm")
    # a unit of the world, a pixel of the spots' frame, is two micrometres
    world = visual(viewer)._current_length / viewer.scene.camera.zoom
    assert 2 * world == pytest.approx(float(number), rel=1e-3)


def test_a_picture_of_another_scale_changes_nothing(viewer, make_result):
    image = viewer.add_image(np.zeros((60, 80, 3), np.uint8), rgb=True, scale=[2, 2])
    result = make_result(image_scale=0.5)
    add_domains(viewer, known(result, 3.0), image=image)
    assert viewer.canvas.overlays["scale_bar"].micrometres == pytest.approx(3)


def test_it_counts_pixels_where_the_scale_is_unknown(viewer, make_result):
    add_domains(viewer, make_result())
    bar = viewer.canvas.overlays["scale_bar"]
    assert bar.visible
    assert bar.micrometres is None
    assert not visual(viewer).node.text.text.endswith("m")


def test_a_bar_that_was_turned_off_stays_off(viewer, make_result):
    add_domains(viewer, known(make_result(), 2.0))
    viewer.canvas.overlays["scale_bar"].visible = False
    add_domains(viewer, known(make_result(), 4.0))
    show_scale_bar(viewer)
    assert not viewer.canvas.overlays["scale_bar"].visible
    assert viewer.canvas.overlays["scale_bar"].micrometres == pytest.approx(4)

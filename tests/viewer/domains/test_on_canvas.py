import pytest

from napari_trsmi import add_domains
from napari_trsmi.viewer.domains.coloring import by_confidence
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.viewer.domains.on_canvas import CanvasLegend


@pytest.fixture
def shown(make_napari_viewer, make_result):
    viewer = make_napari_viewer()
    domains = domain_layer(add_domains(viewer, make_result()))
    legend = CanvasLegend(viewer)
    legend.show(domains)
    return viewer, domains, legend


def chips(viewer):
    overlays = viewer.canvas.overlays
    own = [overlays[key] for key in sorted(overlays) if key.startswith("trsmi")]
    return [chip.text.strip() for chip in own if chip.visible]


def test_a_chip_a_domain_in_its_colour(shown):
    viewer, domains, legend = shown
    assert chips(viewer) == ["1", "2", "3"]
    domains.edits.recolor("2", "#ffee00")
    domains.edits.rename("2", "Stroma")
    legend.show(domains)
    chip = viewer.canvas.overlays["trsmi_legend_01"]
    assert chip.text.strip() == "Stroma"
    assert tuple(chip.box_color[:3]) == pytest.approx((1, 238 / 255, 0))
    assert tuple(chip.color[:3]) == (0, 0, 0)  # black is read on yellow


def test_hidden_and_merged_domains_have_none(shown):
    viewer, domains, legend = shown
    domains.edits.set_visible(["1"], False)
    legend.show(domains)
    assert chips(viewer) == ["2", "3"]
    domains.edits.merge(["2", "3"])
    legend.show(domains)
    assert len(chips(viewer)) == 1


def test_a_colour_bar_where_numbers_give_the_colours(shown):
    viewer, domains, legend = shown
    coloring = by_confidence(domains.edits.result()).with_colormap("magma")
    before = domains.layer.face_color.copy()
    domains.color_by(coloring)
    colors = domains.layer.face_color.copy()
    assert not (colors == before).all()
    legend.show(domains)
    assert domains.layer.face_colorbar.visible
    assert domains.layer.face_contrast_limits == (coloring.low, coloring.high)
    assert (domains.layer.face_color == colors).all()
    assert chips(viewer) == ["confidence"]
    domains.color_by(None)
    legend.show(domains)
    assert not domains.layer.face_colorbar.visible
    assert chips(viewer) == ["1", "2", "3"]


def test_nothing_is_left_when_it_goes(shown):
    viewer, domains, legend = shown
    domains.color_by(by_confidence(domains.edits.result()))
    legend.show(domains)
    legend.show(None)
    assert chips(viewer) == []
    assert not domains.layer.face_colorbar.visible


def test_many_domains_are_counted(make_napari_viewer, make_result):
    viewer = make_napari_viewer()
    domains = domain_layer(add_domains(viewer, make_result(n_spots=60, n_domains=9)))
    for spot, name in zip(domains.edits.result().domains.index[:20], range(100, 120), strict=True):
        domains.edits.assign([spot], str(name))
    CanvasLegend(viewer).show(domains)
    assert len(chips(viewer)) == 25
    assert chips(viewer)[-1] == "and 5 more"

"""A window that is saved and opened again: all that was in it, where it was."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from PIL import Image

from napari_trsmi import integrate, load_sections
from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.errors import InputError, OutputError
from napari_trsmi.spots.landmarks import fit_landmarks
from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.domains.adding import add_domains
from napari_trsmi.viewer.domains.coloring import by_feature
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.viewer.registration import REGISTRATION, written_on
from napari_trsmi.viewer.section.layers import spots_data
from napari_trsmi.viewer.section.opening import open as open_section
from napari_trsmi.viewer.session.opening import look, open_session
from napari_trsmi.viewer.session.saving import save_session


@pytest.fixture
def section():
    return simulate(
        n_spots=60,
        modalities=("rna", "protein"),
        n_features={"rna": 60, "protein": 8},
        image=False,
    )


def reopened(path):
    viewer = ViewerModel()
    opened = open_session(viewer, path)
    return viewer, opened.notes, opened.outlined


def test_a_run_comes_back_with_names_colours_and_what_is_hidden(make_result, section, tmp_path):
    viewer = ViewerModel()
    result = make_result(n_domains=4)
    points = add_domains(viewer, result, name="run")
    domains = domain_layer(points)
    domains.edits.rename("2", "tumour")
    domains.edits.recolor("tumour", "#123456")
    domains.edits.merge(["3", "4"])
    domains.edits.set_visible(["1"], False)
    domains.draw_as("rings")
    domains.enlarge(1.5)
    points.opacity = 0.4
    points.translate = (3, 5)
    assert domains.edits.unsaved
    path = save_session(viewer, tmp_path / "work")
    assert path.name == "work.trsmi"
    assert not domains.edits.unsaved

    again, notes, _ = reopened(path)
    assert notes == []
    assert [layer.name for layer in again.layers] == ["Tissue", "run"]
    np.testing.assert_array_equal(again.layers["Tissue"].data, viewer.layers["Tissue"].data)
    layer = again.layers["run"]
    shown = domain_layer(layer)
    assert shown.edits.names == domains.edits.names
    assert shown.edits.colors == domains.edits.colors
    pd.testing.assert_series_equal(result_of(layer).domains, result_of(points).domains)
    np.testing.assert_array_equal(shown.edits.shown, domains.edits.shown)
    assert (shown.style, shown.enlarged, layer.opacity) == ("rings", 1.5, 0.4)
    np.testing.assert_array_equal(layer.translate, (3, 5))
    np.testing.assert_allclose(layer.size, points.size)


@pytest.mark.parametrize("inside", [False, True])
def test_tables_by_reference_or_inside(section, tmp_path, inside):
    table = section.modalities[0].table.copy()
    table.obsm["spatial"] = section.coordinates
    table.obs["region"] = pd.Categorical(["a", "b"] * 30)
    table.write_h5ad(tmp_path / "rna.h5ad")
    viewer = ViewerModel()
    (points,) = open_section(viewer, tmp_path / "rna.h5ad")
    points.opacity = 0.3
    path = save_session(viewer, tmp_path / "work.trsmi", tables_inside=inside)
    assert bool(list(path.glob("*.h5ad"))) is inside

    again, notes, _ = reopened(path)
    assert notes == []
    (layer,) = again.layers
    assert layer.opacity == 0.3
    before, after = dataset_of(points), dataset_of(layer)
    assert list(after.spots) == list(before.spots)
    np.testing.assert_array_equal(after.coordinates, before.coordinates)
    difference = after.modalities[0].table.X != before.modalities[0].table.X
    assert difference.nnz == 0
    assert list(after.annotations["region"]) == list(before.annotations["region"])
    assert after.digests == before.digests

    table.X[0, 0] += 1
    table.write_h5ad(tmp_path / "rna.h5ad")
    again, notes, _ = reopened(path)
    assert bool(again.layers) is inside
    if not inside:
        assert "rna.h5ad has changed since the session was saved" in notes[0]
        (tmp_path / "rna.h5ad").unlink()
        assert "no file" in reopened(path)[1][0]


def test_what_spots_are_coloured_by_and_which_are_selected_comes_back(
    make_result, section, tmp_path
):
    viewer = ViewerModel()
    domains = domain_layer(add_domains(viewer, make_result(), dataset=section, name="run"))
    gene = str(section.modalities[0].table.var_names[3])
    coloring = by_feature(section, "rna", gene, log=True).with_colormap("magma")
    domains.color_by(coloring)
    domains.select_spots(np.array([4, 7]))
    again, notes, _ = reopened(save_session(viewer, tmp_path / "work.trsmi"))
    assert notes == []
    shown = domain_layer(again.layers["run"])
    assert shown.coloring.feature == coloring.feature
    assert (shown.coloring.label, shown.coloring.colormap) == (coloring.label, "magma")
    np.testing.assert_array_equal(shown.coloring.values, coloring.values)
    np.testing.assert_array_equal(again.layers["run"].face_color, viewer.layers["run"].face_color)
    assert shown.selected().tolist() == [4, 7]


def test_how_a_picture_was_registered_comes_back(tmp_path):
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((9, 9)), name="dapi")
    places = [(0, 0), (8, 0), (8, 8)]
    written = fit_landmarks(places, np.array(places) * 2).written()
    layer.metadata = {REGISTRATION: written}
    again, _, _ = reopened(save_session(viewer, tmp_path / "work.trsmi"))
    assert written_on(again.layers["dapi"]) == written


def test_a_smaller_canvas_shows_as_much_of_the_tissue(tmp_path):
    viewer = ViewerModel()
    viewer.add_points([[1, 2]])
    viewer.canvas.size = (600, 800)
    viewer.scene.camera.zoom = 4
    path = save_session(viewer, tmp_path / "work.trsmi")
    again = ViewerModel()
    again.canvas.size = (300, 600)
    opened = open_session(again, path)
    look(again, opened.view)
    assert again.scene.camera.zoom == 2


def test_tables_from_no_file_go_inside_once(section, make_result, tmp_path):
    viewer = ViewerModel()
    viewer.add_layer(Layer.create(*spots_data(section, "spots")))
    path = save_session(viewer, tmp_path / "work.trsmi")
    assert len(list(path.glob("tables-*.h5ad"))) == 2  # a file a modality
    again, notes, _ = reopened(path)
    assert notes == []
    kinds = [modality.kind for modality in dataset_of(again.layers[0]).modalities]
    assert kinds == [modality.kind for modality in section.modalities]


def test_what_was_drawn_and_the_view_come_back(tmp_path):
    viewer = ViewerModel()
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (30, 40), dtype=np.uint8)
    viewer.add_image(pixels, name="dapi", colormap="blue", contrast_limits=(5, 90), scale=(2, 2))
    painted = (pixels > 200).astype(np.uint8)
    viewer.add_labels(painted, name="brush", features={"name": ["", "gland"]})
    square = np.array([[0, 0], [0, 9], [9, 9], [9, 0]])
    viewer.add_shapes(
        [square, square + 5],
        shape_type=["polygon", "ellipse"],
        features={"classification": ["Tumour", "Stroma"], "size": [1.5, 2.5]},
        edge_color=["red", "blue"],
        name="regions",
    )
    viewer.add_shapes(name="none yet")
    viewer.add_points([[1, 2], [3, 4]], features={"n": [1, 2]}, symbol=["disc", "star"], name="p")
    viewer.layers["dapi"].visible = False
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, 7, 8), 3.5
    viewer.theme = "light"
    viewer.layers.selection.active = viewer.layers["brush"]
    path = save_session(viewer, tmp_path / "work.trsmi")

    again, notes, _ = reopened(path)
    assert notes == []
    assert [layer.name for layer in again.layers] == [layer.name for layer in viewer.layers]
    for name in ("dapi", "brush", "p"):
        np.testing.assert_array_equal(again.layers[name].data, viewer.layers[name].data)
    dapi, regions = again.layers["dapi"], again.layers["regions"]
    assert (dapi.visible, dapi.colormap.name, dapi.contrast_limits) == (False, "blue", [5, 90])
    np.testing.assert_array_equal(dapi.scale, (2, 2))
    assert regions.shape_type == ["polygon", "ellipse"]
    for one, other in zip(regions.data, viewer.layers["regions"].data, strict=True):
        np.testing.assert_allclose(one, other)
    pd.testing.assert_frame_equal(
        regions.features, viewer.layers["regions"].features, check_dtype=False
    )
    np.testing.assert_array_equal(regions.edge_color, viewer.layers["regions"].edge_color)
    assert list(again.layers["p"].symbol) == list(viewer.layers["p"].symbol)
    assert (again.scene.camera.zoom, again.scene.camera.center) == (3.5, (0, 7, 8))
    assert again.theme == "light"
    assert again.layers.selection.active.name == "brush"


@pytest.mark.usefixtures("installed_plugins")
def test_a_picture_in_a_file_is_opened_from_there(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "he.png")
    viewer = ViewerModel()
    (layer,) = viewer.open(tmp_path / "he.png", plugin="napari")
    layer.name, layer.opacity, layer.scale = "H&E", 0.5, (3, 3)
    path = save_session(viewer, tmp_path / "work.trsmi")
    assert not list(path.glob("*.npz"))
    again, notes, _ = reopened(path)
    assert notes == []
    (shown,) = again.layers
    assert (shown.name, shown.opacity) == ("H&E", 0.5)
    np.testing.assert_array_equal(shown.data, pixels)
    np.testing.assert_array_equal(shown.scale, (3, 3))
    Image.fromarray(255 - pixels).save(tmp_path / "he.png")
    _, notes, _ = reopened(path)
    assert "he.png has changed since the session was saved" in notes[0]


def test_a_session_is_replaced_whole_or_not_at_all(tmp_path, make_result, monkeypatch):
    viewer = ViewerModel()
    viewer.add_points([[1, 2]], name="first")
    path = save_session(viewer, tmp_path / "work.trsmi")
    viewer.layers[0].name = "second"
    monkeypatch.setattr(json, "dumps", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_session(viewer, path)
    monkeypatch.undo()
    assert reopened(path)[0].layers[0].name == "first"
    assert [left.name for left in tmp_path.iterdir()] == ["work.trsmi"]
    save_session(viewer, path)
    assert reopened(path)[0].layers[0].name == "second"
    (tmp_path / "other.trsmi").mkdir()
    with pytest.raises(OutputError, match="no session"):
        save_session(viewer, tmp_path / "other.trsmi")


def test_what_is_no_session_says_so(tmp_path):
    with pytest.raises(InputError, match="is no session"):
        open_session(ViewerModel(), tmp_path)
    viewer = ViewerModel()
    viewer.add_points([[1, 2]], name="first")
    path = save_session(viewer, tmp_path / "work.trsmi")
    with pytest.raises(InputError, match="This window has layers"):
        open_session(viewer, path)
    record = json.loads((path / "session.json").read_text())
    (path / "session.json").write_text(json.dumps({**record, "version": 99}))
    with pytest.raises(InputError, match="another version"):
        open_session(ViewerModel(), path)
    (path / "session.json").write_text(json.dumps({**record, "layers": [{"kind": "points"}]}))
    with pytest.raises(InputError, match="is damaged"):
        open_session(ViewerModel(), path)
    np.save(path / "layer-0.npz", np.array([object()]), allow_pickle=True)  # never unpickled
    (path / "layer-0.npz.npy").rename(path / "layer-0.npz")
    (path / "session.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="is damaged"):
        open_session(ViewerModel(), path)


def test_a_run_of_several_sections_comes_back_with_its_tables(make_sections, tmp_path):
    made = make_sections()
    loaded = load_sections({"a": made["a"], "b": {"rna": made["b"]["rna"]}})
    run = integrate(loaded, n_domains=3, all_scales=False, n_components=10, spatial_neighbors=4)
    viewer = ViewerModel()
    add_domains(viewer, run, dataset=loaded.stacked(), name="run")
    again, notes, _ = reopened(save_session(viewer, tmp_path / "work"))
    assert notes == []
    layer = again.layers["run"]
    assert result_of(layer).section_names == ("a", "b")
    np.testing.assert_allclose(layer.data, viewer.layers["run"].data)
    before, after = dataset_of(viewer.layers["run"]), dataset_of(layer)
    np.testing.assert_array_equal(
        after.modalities[1].values_of(0), before.modalities[1].values_of(0)
    )  # not a number where it was not measured

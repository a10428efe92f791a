"""A picture laid onto spots by clicks in a real window, and kept with the run."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import affine_transform

from napari_trsmi import add_domains, read_result
from napari_trsmi.output.results import write_result
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.viewer.plane import Plane
from napari_trsmi.viewer.registration import registration_of
from napari_trsmi.viewer.run.places import places_of_points
from napari_trsmi.widgets.landmarks.dock import LandmarksDock

PLACES = np.array([(22, 20), (128, 22), (126, 62), (24, 60), (70, 41)], dtype=float)  # x, y


def on_picture(xy, angle=17.0, scale=1.6, shift=(60.0, 15.0)):
    """Where a place among the spots is on the picture, column and row."""
    a = np.deg2rad(angle)
    turn = scale * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return xy @ turn.T + shift


@pytest.fixture
def picture():
    """A picture of a smooth pattern, turned, scaled and shifted against the spots."""
    rows, columns = np.mgrid[:240, :300].astype(float)
    a = np.deg2rad(-17.0)
    back = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) / 1.6
    x, y = np.einsum("ij,jrc->irc", back, np.stack([columns - 60, rows - 15]))
    grey = 127 + 60 * np.sin(x / 9) + 60 * np.sin(y / 7)
    return np.repeat(grey[..., np.newaxis], 3, axis=2).astype(np.uint8)


@pytest.fixture
def dock(make_napari_viewer, make_result, picture, qtbot):
    viewer = make_napari_viewer()
    viewer.add_image(picture, rgb=True, name="H&E")
    result = make_result(image_scale=None)
    result.record["micrometres_per_unit"] = 2.0
    layer = add_domains(viewer, result)
    dock = LandmarksDock(viewer)
    viewer.window.add_dock_widget(dock, name=dock.menu_name)
    dock.layer = layer
    yield dock
    qtbot.waitUntil(lambda: not (dock.looking.busy or dock.kept.drawing.busy), timeout=30_000)


def click(dock, xy, *, wrong=None):
    """Set a pair as clicks do: on whichever layer is asked for, in its own coordinates."""
    layers = dock._viewer.layers
    for name, place in (("Landmarks among the spots", xy), ("Landmarks on the picture", None)):
        layer = layers[name]
        assert layers.selection.active is layer
        assert layer.mode == "add"
        at = on_picture(np.asarray(xy)) if place is None else np.asarray(xy)
        layer.add((at if wrong is None or place is not None else at + wrong)[::-1])


def set_pairs(dock, **wrong):
    dock.start.click()
    for number, place in enumerate(PLACES):
        click(dock, place, wrong=wrong.get(f"pair_{number}"))


def test_layers_are_chosen_and_what_comes_next_is_said(dock):
    assert dock.spots.layer is dock.layer
    assert dock.picture.layer.name == "H&E"
    dock.start.click()
    assert dock.message.text() == "Pair 1: click the place among the spots."
    dock._viewer.layers["Landmarks among the spots"].add((20, 20))
    assert dock.message.text() == "Pair 1: click the place on the picture."
    assert not dock.lay.isEnabled()


def test_five_pairs_move_the_picture_onto_the_spots(dock, qtbot):
    set_pairs(dock)
    assert dock.table.rowCount() == 5
    assert dock.table.horizontalHeaderItem(1).text() == "Off (µm)"
    dock.lay.click()
    plane = Plane.of(dock.picture.layer)
    rng = np.random.default_rng(0)
    anywhere = rng.uniform(20, 120, (50, 2))
    shown = plane.to_world(on_picture(anywhere)[:, ::-1])[:, ::-1]
    np.testing.assert_allclose(shown, anywhere, atol=0.05)
    qtbot.waitUntil(lambda: "every export" in dock.message.text(), timeout=30_000)


def test_the_run_and_its_files_keep_it(dock, qtbot, tmp_path, picture):
    set_pairs(dock)
    dock.lay.click()
    edits = domain_layer(dock.layer).edits
    qtbot.waitUntil(lambda: edits.result().image is not None, timeout=30_000)
    assert edits.unsaved
    kept = edits.result()
    back = read_result(write_result(kept, tmp_path / "run.h5ad"))
    written = back.record["registration"]
    assert written == json.loads(json.dumps(written))
    np.testing.assert_allclose(written["matrix"], registration_of(dock.picture.layer).matrix)
    np.testing.assert_array_equal(back.image.pixels, kept.image.pixels)
    # the picture, seen where the spots are, is the pattern that the spots lie on
    x, y = np.meshgrid(np.arange(30, 110), np.arange(25, 60))
    expected = 127 + 60 * np.sin(x / 9) + 60 * np.sin(y / 7)
    scale = np.diag([back.image.scale] * 2)
    seen = affine_transform(
        back.image.pixels[..., 0].astype(float),
        scale,
        (25 * scale[0, 0], 30 * scale[0, 0]),
        output_shape=x.shape,
        order=1,
    )
    assert np.abs(seen - expected).mean() < 3


def test_undo_goes_back_step_by_step(dock, qtbot):
    before = np.array(dock.picture.layer.affine.affine_matrix)
    set_pairs(dock)
    dock.lay.click()
    edits = domain_layer(dock.layer).edits
    qtbot.waitUntil(lambda: edits.result().image is not None, timeout=30_000)
    dock.undo.click()
    np.testing.assert_allclose(dock.picture.layer.affine.affine_matrix, before)
    assert registration_of(dock.picture.layer) is None
    assert edits.result().image is None
    dock.undo.click()
    assert dock.table.rowCount() == 4
    assert dock.message.text() == "Pair 5: click the place on the picture."
    for _ in range(9):
        dock.undo.click()
    assert not dock.undo.isEnabled()
    assert len(dock._viewer.layers["Landmarks among the spots"].data) == 0


def test_the_wrong_pair_is_named(dock):
    set_pairs(dock, pair_3=np.array((25, -18)))
    assert dock.table.text_at(3, 0) == "4 ⚠"
    assert "Pair 4 does not go with the others" in dock.worst.text()
    dock.table.selectRow(3)
    dock.remove.click()
    assert dock.table.rowCount() == 4
    assert "⚠" not in dock.worst.text()


def test_a_mark_that_napari_deletes_takes_its_partner_along(dock):
    set_pairs(dock)
    layer = dock._viewer.layers["Landmarks on the picture"]
    layer.selected_data = {1}
    layer.remove_selected()
    assert len(dock._viewer.layers["Landmarks among the spots"].data) == 4
    assert dock.table.rowCount() == 4
    dock.undo.click()
    assert dock.table.rowCount() == 5


def test_a_later_run_lies_in_the_frame_of_the_spots(dock, section, qtbot):
    """The picture is drawn anew for the run; coordinates stay as they were."""
    set_pairs(dock)
    dock.lay.click()
    names, xy = dock.layer.features["spot"], dock.layer.data[:, ::-1]
    places = places_of_points(dock.layer, names, dock.picture.layer, coordinates=xy)
    assert places.coordinates is xy
    assert places.picture.registration is not None
    tissue = places.picture.tissue()
    assert tissue.registration == places.picture.registration
    result = domain_layer(dock.layer).edits.result()

    run = replace(result, image=tissue)
    again = add_domains(dock._viewer, run, image=dock.picture.layer)
    shown = Plane.of(again).to_world(again.data)
    np.testing.assert_allclose(shown, Plane.of(dock.layer).to_world(dock.layer.data), atol=1e-6)


def test_marks_leave_with_the_dock(dock):
    dock.start.click()
    assert "Landmarks on the picture" in dock._viewer.layers
    dock.start.click()
    assert "Landmarks on the picture" not in dock._viewer.layers
    assert dock._viewer.layers.selection.active is dock.layer


def test_a_turn_is_offered_and_moves_the_picture(make_napari_viewer, make_result, qtbot):
    viewer = make_napari_viewer()
    pixels = np.full((90, 160, 3), 255, dtype=np.uint8)
    pixels[14:66, 14:136] = (190, 70, 140)  # under all spots
    viewer.add_image(np.rot90(pixels), rgb=True, name="H&E")
    add_domains(viewer, make_result(image_scale=None))
    dock = LandmarksDock(viewer)
    viewer.window.add_dock_widget(dock, name=dock.menu_name)
    qtbot.waitUntil(lambda: "%" in dock.tissue.text(), timeout=30_000)
    assert "With the picture turned by a quarter to the right, 100% would." in dock.tissue.text()
    dock.turn.click()
    qtbot.waitUntil(
        lambda: dock.tissue.text() == "100% of the spots lie on the picture's tissue.",
        timeout=30_000,
    )
    qtbot.waitUntil(lambda: not dock.kept.drawing.busy, timeout=30_000)


def second_place(xy):
    """Where a place among the spots is on a second stain, which is mirrored and turned."""
    return on_picture(np.asarray(xy) * (-1, 1), angle=-38.0, scale=0.9, shift=(190.0, 70.0))


@pytest.mark.parametrize("onto", ["the spots", "H&E"])
def test_a_second_stain_is_kept_beside_the_first(
    make_napari_viewer, make_result, picture, qtbot, tmp_path, onto
):
    """Pairs on two pictures, of which the first lies on the spots; the second is mirrored."""
    viewer = make_napari_viewer()
    result = make_result(image_scale=0.5)
    result.record["micrometres_per_unit"] = 2.0
    layer = add_domains(viewer, result)
    first = next(known for known in viewer.layers if known.name == "Tissue")
    first.name = "H&E"
    stain = np.random.default_rng(0).integers(0, 255, (220, 240, 3), dtype=np.uint8)
    viewer.add_image(stain, rgb=True, name="Ki67")
    dock = LandmarksDock(viewer)
    viewer.window.add_dock_widget(dock, name=dock.menu_name)
    assert dock.picture.layer.name == "Ki67"
    if onto == "H&E":
        dock.onto.show_layer(first)
        dock.onto.chosen.emit(first)
        assert dock.beside.isChecked()
    else:
        dock.beside.setChecked(True)
    dock.start.click()
    assert first.visible
    names = ("on the first picture" if onto == "H&E" else "among the spots", "on the picture")
    for place in PLACES:
        viewer.layers[f"Landmarks {names[0]}"].add(place[::-1])
        if onto == "H&E":
            assert (first.visible, viewer.layers["Ki67"].visible) == (False, True)
            assert dock.message.text().endswith("click the place on Ki67.")
        viewer.layers[f"Landmarks {names[1]}"].add(second_place(place)[::-1])
    assert "mirrored" in dock.worst.text()
    dock.lay.click()
    edits = domain_layer(layer).edits
    qtbot.waitUntil(lambda: "Ki67" in edits.result().further_images, timeout=30_000)
    anywhere = np.random.default_rng(0).uniform(20, 120, (50, 2))
    plane = Plane.of(viewer.layers["Ki67"])
    shown = plane.to_world(second_place(anywhere)[:, ::-1])
    np.testing.assert_allclose(shown, Plane.of(layer).to_world(anywhere[:, ::-1]), atol=0.05)
    dock.start.click()
    assert first.visible
    assert viewer.layers["Ki67"].visible

    kept = edits.result()
    assert kept.image is result.image
    back = read_result(write_result(kept, tmp_path / "run.h5ad"))
    stain_kept = back.further_images["Ki67"]
    np.testing.assert_array_equal(stain_kept.pixels, kept.further_images["Ki67"].pixels)
    np.testing.assert_allclose(
        stain_kept.registration["matrix"], registration_of(viewer.layers["Ki67"]).matrix
    )
    other = make_napari_viewer()
    add_domains(other, back)
    assert [known.name for known in other.layers] == ["Tissue", "Ki67", "TRSMI domains"]
    assert not other.layers["Ki67"].visible
    if onto == "H&E":
        dock.picture.show_layer(first)
        dock.start.click()
        assert "on itself" in dock.message.text()

"""What is dropped on a real window goes to its reader without a question, and is looked after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from napari._qt.dialogs import qt_reader_dialog
from napari.utils.notifications import notification_manager
from PIL import Image
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication

from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.viewer.attached import dataset_of
from napari_trsmi.viewer.domains.adding import add_domains
from napari_trsmi.widgets.common.room import open_room
from napari_trsmi.widgets.domains.dock import DomainsDock
from napari_trsmi.widgets.integrate.dock import IntegrateDock

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = "napari-trsmi"


@pytest.fixture
def viewer(real_window, installed_plugins, make_napari_viewer, monkeypatch):
    def ask(*_, **__):
        pytest.fail("napari asked for a reader")

    monkeypatch.setattr(qt_reader_dialog.QtReaderDialog, "get_user_choices", ask)
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    return viewer


@pytest.fixture
def integrate(viewer):
    return open_room(viewer, IntegrateDock)[0]


@pytest.fixture
def save(tmp_path):
    """Write a modality of a simulated section as a table."""

    def write(name: str, *, seed: int = 0, kind: str = "rna", moved: float = 0) -> Path:
        section = simulate(
            n_spots=60,
            modalities=("rna", "protein"),
            n_features={"rna": 60, "protein": 8},
            image=False,
            seed=seed,
        )
        modality = next(each for each in section.modalities if each.name == kind)
        adata = modality.table.copy()
        adata.obsm["spatial"] = section.coordinates + moved
        adata.write_h5ad(tmp_path / name)
        return tmp_path / name

    return write


def drop(viewer, *paths, held=Qt.KeyboardModifier.NoModifier):
    """Drop files as a person does; return what napari was told of."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    how = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, held)
    canvas = viewer.window._qt_viewer
    QApplication.sendEvent(canvas, QDragEnterEvent(QPoint(200, 200), *how))  # or no drop comes
    notification_manager.records.clear()
    with notification_manager:  # as while napari runs
        QApplication.sendEvent(canvas, QDropEvent(QPointF(200, 200), *how))
    said = [(record.severity, record.message) for record in notification_manager.records]
    notification_manager.records.clear()
    return said


def errors(said):
    return [message for severity, message in said if severity == "error"]


@pytest.fixture
def picture(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (1400, 1400, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "tissue.png")
    return tmp_path / "tissue.png"


@pytest.mark.parametrize("table_first", [True, False])
def test_a_picture_dropped_with_a_table_lies_under_the_spots(
    viewer, integrate, save, picture, table_first
):
    table = save("rna.h5ad")
    drop(viewer, *([table, picture] if table_first else [picture, table]))
    assert [layer.name for layer in viewer.layers] == ["tissue", "rna"]
    assert integrate.points.layer is viewer.layers["rna"]
    assert integrate.image.layer is viewer.layers["tissue"]


def test_a_picture_dropped_after_a_table_lies_under_the_spots(viewer, integrate, save, picture):
    drop(viewer, save("rna.h5ad"))
    drop(viewer, picture)
    assert [layer.name for layer in viewer.layers] == ["tissue", "rna"]


@pytest.fixture
def texts(tmp_path):
    """Write counts and positions of one section as CSV."""
    section = simulate(n_spots=60, modalities=("rna",), n_features={"rna": 60}, image=False)
    counts = section.modalities[0].table.to_df()
    counts.to_csv(tmp_path / "counts.csv")
    places = pd.DataFrame(section.coordinates, counts.index, ["x", "y"])
    places.to_csv(tmp_path / "positions.csv")
    counts.join(places).to_csv(tmp_path / "both.csv")
    return tmp_path, section


def test_text_tables_dropped_together_are_one_section(viewer, integrate, texts):
    folder, section = texts
    assert errors(drop(viewer, folder / "positions.csv", folder / "counts.csv")) == []
    (points,) = viewer.layers
    np.testing.assert_allclose(points.data, section.coordinates[:, ::-1])
    assert integrate.points.layer is points


@pytest.mark.parametrize("names", [("counts", "positions"), ("positions", "counts")])
def test_text_tables_that_napari_opens_one_by_one_are_one_section(viewer, texts, names):
    folder, section = texts
    paths = [folder / f"{name}.csv" for name in names]
    with notification_manager:  # as after its question for a reader, in a window without docks
        viewer.open(paths, plugin=PLUGIN)
    notification_manager.records.clear()
    (points,) = viewer.layers
    np.testing.assert_allclose(points.data, section.coordinates[:, ::-1])
    assert "Integrate (TRSMI)" in viewer.window.dock_widgets


def test_a_text_table_alone_opens_or_says_what_to_do(viewer, integrate, texts):
    folder, _ = texts
    (said,) = errors(drop(viewer, folder / "counts.csv"))
    assert "has no coordinates" in said
    assert "drop it together with the table" in said
    assert "plugin" not in said
    assert not viewer.layers
    assert errors(drop(viewer, folder / "both.csv")) == []
    assert dataset_of(viewer.layers["both"]) is not None


def test_a_drop_says_that_it_is_loading_before_it_has_opened(viewer, integrate, save):
    said = []
    viewer.events.status.connect(lambda event: said.append(str(event.value)))
    viewer.layers.events.inserted.connect(lambda: said.append("opened"))
    drop(viewer, save("rna.h5ad"))
    assert said.index("Loading rna.h5ad …") < said.index("opened")


def test_naparis_own_tables_are_naparis(viewer, integrate, tmp_path):
    viewer.add_points([[1, 2], [3, 4]], name="mine").save(str(tmp_path / "mine.csv"))
    viewer.layers.clear()
    drop(viewer, tmp_path / "mine.csv")
    (points,) = viewer.layers
    assert dataset_of(points) is None
    assert len(points.data) == 2


def test_a_folder_of_space_ranger_asks_for_no_reader(viewer, integrate, shared_data):
    folder = shared_data / "visium_mini"
    assert errors(drop(viewer, folder)) == []
    assert [layer.name for layer in viewer.layers] == ["visium_mini: tissue", "visium_mini"]
    assert integrate.points.layer is viewer.layers["visium_mini"]


def test_with_alt_held_napari_asks(viewer, integrate, save, monkeypatch):
    taken = []
    with monkeypatch.context() as patched:
        patched.setattr(
            viewer.window._qt_viewer,
            "_open_from_list_of_urls_data",
            lambda urls, **_: taken.append(urls),
        )
        drop(viewer, save("rna.h5ad"), held=Qt.KeyboardModifier.AltModifier)
    assert len(taken) == 1
    assert not viewer.layers


def test_a_second_section_is_taken_up_and_shown_alone(viewer, integrate, save, picture, qtbot):
    drop(viewer, picture, save("first.h5ad"))
    earlier = list(viewer.layers)
    drop(viewer, save("second.h5ad", seed=1, moved=300))
    second = viewer.layers["second"]
    assert integrate.points.layer is second
    assert integrate.inputs.image is None  # the picture is the first one's
    assert [choice.candidate.layer for choice in integrate.inputs.choices] == [second]
    assert not any(layer.visible for layer in earlier)
    assert second.visible
    qtbot.waitUntil(integrate.panel.run.isEnabled, timeout=60_000)


def test_another_table_of_the_section_joins_its_modalities(viewer, integrate, save):
    drop(viewer, save("rna.h5ad"))
    drop(viewer, save("adt.h5ad", kind="protein"))
    assert integrate.points.layer is viewer.layers["rna"]
    assert [choice.candidate.name for choice in integrate.inputs.choices] == ["rna", "protein"]
    assert viewer.layers["rna"].visible


def test_nothing_is_left_when_all_layers_are_gone(viewer, integrate, save, make_result, qtbot):
    drop(viewer, save("rna.h5ad"))
    integrate._on_files_chosen([save("adt.h5ad", kind="protein")])
    qtbot.waitUntil(lambda: len(integrate.inputs.choices) == 2, timeout=20_000)
    add_domains(viewer, make_result())
    domains, _ = open_room(viewer, DomainsDock)
    domains.markers.table.show_rows([("gene", "1", "2")])
    panel = integrate.panel
    panel.show_start()
    panel.curve.add(1.0, 2)
    panel.show_end("3 domains found.", warned=["Look."], notes=["Matched."])
    viewer.layers.clear()
    qtbot.waitUntil(lambda: "There is no modality" in panel.ready.text())
    assert integrate.inputs.choices == ()
    for widget in (panel.status, panel.curve, panel.warnings, panel.notes_fold, panel.failure):
        assert widget.isHidden()
    assert domains.legend.legend.rowCount() == 0
    assert domains.layer.count() == 0
    assert domains.selection.text() == ""
    assert domains.markers.table.rowCount() == 0


@pytest.mark.parametrize("kind", [IntegrateDock, DomainsDock])
def test_a_sample_stays_in_sight_when_a_dock_opens(viewer, qtbot, kind):
    from napari_trsmi.viewer.sight import is_whole_in_sight

    viewer.open_sample(PLUGIN, "tissue")
    qtbot.waitUntil(lambda: len(viewer.window.dock_widgets) == 1)  # by itself
    qtbot.waitUntil(lambda: is_whole_in_sight(viewer))
    open_room(viewer, kind)
    qtbot.wait(500)
    assert is_whole_in_sight(viewer)
    viewer.window.resize(1000, 700)
    qtbot.wait(300)
    assert is_whole_in_sight(viewer)
    viewer.scene.camera.zoom *= 5  # a person looks at a part: it stays
    zoom = viewer.scene.camera.zoom
    viewer.window.resize(900, 650)
    open_room(viewer, DomainsDock)
    qtbot.wait(300)
    assert viewer.scene.camera.zoom == zoom

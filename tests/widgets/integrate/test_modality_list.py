from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QFileDialog

from napari_trsmi.data.dataset import Kind
from napari_trsmi.viewer.run.inputs import RunInputs
from napari_trsmi.widgets.integrate.modality_list import KINDS, ModalityList


@pytest.fixture
def viewer(spots_layer):
    model = ViewerModel()
    model.add_layer(spots_layer)
    model.add_image(np.zeros((9, 9)), name="an image with quite a long name")
    return model


@pytest.fixture
def inputs():
    return RunInputs()


@pytest.fixture
def modalities(inputs, viewer, qtbot):
    made = ModalityList(inputs, viewer)
    qtbot.addWidget(made)
    made.show()
    return made


def test_it_says_what_to_do_while_it_is_empty(modalities, inputs, spots_layer):
    assert modalities._empty.isVisible()
    inputs.points = spots_layer
    assert not modalities._empty.isVisible()


def test_rows_show_and_change_the_choices(modalities, inputs, spots_layer, qtbot):
    inputs.points = spots_layer
    rna, protein = modalities.rows
    assert (rna.used.text(), rna.kind.currentText()) == ("rna", "RNA")
    assert "20 features, from spots" in rna.used.toolTip()
    assert "(guessed)" in rna.kind.toolTip()
    qtbot.mouseClick(rna.used, Qt.MouseButton.LeftButton, pos=QPoint(8, rna.used.height() // 2))
    assert [choice.used for choice in inputs.choices] == [False, True]
    assert not rna.kind.isEnabled()
    protein.kind.setFocus()
    qtbot.keyClicks(protein.kind, "Feat")
    protein.kind.activated.emit(protein.kind.currentIndex())
    assert inputs.choices[1].kind is Kind.FEATURES
    assert "(guessed)" not in protein.kind.toolTip()


def test_each_kind_can_be_picked():
    assert set(KINDS) == set(Kind)


def test_what_came_with_the_spots_goes_with_them(modalities, inputs, spots_layer):
    inputs.points = spots_layer
    assert all(not row.remove.isVisible() for row in modalities.rows)


def test_layers_are_offered_added_and_taken_off(modalities, inputs, viewer, qtbot):
    menu = modalities._menu
    menu.aboutToShow.emit()
    assert [action.text() for action in menu.actions()] == [
        "an image with quite a long name",
        "spots",
    ]
    menu.actions()[0].trigger()
    (row,) = modalities.rows
    assert row.used.text() == "an image with quite a l…"
    qtbot.waitUntil(row.remove.isVisible)
    menu.aboutToShow.emit()
    assert [action.text() for action in menu.actions()] == ["spots"]
    qtbot.mouseClick(row.remove, Qt.MouseButton.LeftButton)
    assert modalities.rows == []
    assert inputs.choices == ()


def test_a_menu_with_nothing_to_offer_says_so(inputs, qtbot):
    modalities = ModalityList(inputs, ViewerModel())
    qtbot.addWidget(modalities)
    modalities._menu.aboutToShow.emit()
    (action,) = modalities._menu.actions()
    assert not action.isEnabled()
    assert action.toolTip()


def test_files_are_chosen_without_blocking(modalities, qtbot):
    qtbot.mouseClick(modalities.add_files, Qt.MouseButton.LeftButton)
    dialog = modalities.findChild(QFileDialog)
    assert dialog.isVisible()
    with qtbot.waitSignal(modalities.files_chosen) as caught:
        dialog.filesSelected.emit(["/a.h5ad", "/b.csv"])
    assert caught.args == [[Path("/a.h5ad"), Path("/b.csv")]]
    dialog.reject()


def test_files_can_be_dropped(modalities, qtbot):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/a.h5ad"), QUrl("https://example.org/b")])
    where = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton)
    enter = QDragEnterEvent(QPoint(3, 3), *where, Qt.KeyboardModifier.NoModifier)
    enter.ignore()
    modalities.dragEnterEvent(enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(3, 3), *where, Qt.KeyboardModifier.NoModifier)
    with qtbot.waitSignal(modalities.files_chosen) as caught:
        modalities.dropEvent(drop)
    assert caught.args == [[Path("/a.h5ad")]]


def test_other_things_cannot_be_dropped(modalities, qtbot):
    data = QMimeData()
    data.setText("words")
    where = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton)
    enter = QDragEnterEvent(QPoint(3, 3), *where, Qt.KeyboardModifier.NoModifier)
    enter.ignore()
    modalities.dragEnterEvent(enter)
    assert not enter.isAccepted()

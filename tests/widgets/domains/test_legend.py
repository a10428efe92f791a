from __future__ import annotations

import pytest
from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtWidgets import QLineEdit

from napari_trsmi.viewer.domains.edits import DomainEdits
from napari_trsmi.widgets.domains.legend import COLOR, NAME, SHARE, SHOWN, SPOTS, LegendView

Role = Qt.ItemDataRole


@pytest.fixture
def edits(make_result):
    return DomainEdits(make_result(n_domains=4))


@pytest.fixture
def view(qtbot, edits):
    view = LegendView()
    qtbot.addWidget(view)
    view.legend.follow(edits)
    view.resize(320, 240)
    view.show()
    return view


def cell(view, row, column, role=Role.DisplayRole):
    return view.legend.index(row, column).data(role)


def swatch(view, row):
    """The colour that a row's square is drawn in."""
    return cell(view, row, COLOR, Role.DecorationRole).pixmap(16).toImage().pixelColor(8, 8).name()


def test_each_domain_is_a_row(view, edits):
    assert view.legend.rowCount() == 4
    assert [cell(view, row, NAME) for row in range(4)] == ["1", "2", "3", "4"]
    assert (cell(view, 0, SPOTS), cell(view, 0, SHARE)) == ("15", "25.0")
    assert [swatch(view, row) for row in range(4)] == list(edits.colors.values())
    assert cell(view, 0, COLOR, Role.AccessibleTextRole) == edits.colors["1"]
    assert cell(view, 0, SPOTS, Role.TextAlignmentRole) & Qt.AlignmentFlag.AlignRight
    inside = view.legend.index(0, 0)
    assert view.legend.rowCount(inside) == view.legend.columnCount(inside) == 0


def test_every_column_and_cell_says_what_it_is(view):
    header = [
        view.legend.headerData(column, Qt.Orientation.Horizontal, Role.ToolTipRole)
        for column in range(5)
    ]
    assert all(header)
    assert view.legend.headerData(0, Qt.Orientation.Vertical) is None
    assert "15 spots" in cell(view, 0, NAME, Role.ToolTipRole)
    assert view.toolTip()


def test_edits_are_seen_at_once(view, edits):
    edits.rename("2", "white matter")
    edits.recolor("1", "#ff0000")
    assert cell(view, 1, NAME) == "white matter"
    assert swatch(view, 0) == "#ff0000"
    edits.merge(["1", "white matter"])
    assert view.legend.rowCount() == 3
    assert cell(view, 0, SPOTS) == "30"
    edits.undo()
    assert view.legend.rowCount() == 4


def test_renaming_in_place(view, edits, qtbot):
    view.selectRow(2)
    qtbot.keyClick(view, Qt.Key.Key_F2)
    editor = view.findChild(QLineEdit)
    assert editor.text() == "3"
    editor.setText("cortex")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: edits.names == ("1", "2", "cortex", "4"))


def test_a_name_that_is_taken_is_refused_with_a_reason(view, edits):
    told = []
    view.legend.refused.connect(told.append)
    name = view.legend.index(0, NAME)
    assert not view.legend.setData(name, "2")
    assert "'2' already" in told[-1]
    assert view.legend.setData(name, "new")
    assert told[-1] == ""
    assert not view.legend.setData(view.legend.index(0, SPOTS), "7")
    assert not view.legend.setData(QModelIndex(), "7")


def test_a_click_on_the_box_hides_and_space_shows_again(view, edits, qtbot):
    box = view.visualRect(view.legend.index(1, SHOWN))
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=box.center())
    assert not edits.is_visible("2")
    assert Qt.CheckState(cell(view, 1, SHOWN, Role.CheckStateRole)) == Qt.CheckState.Unchecked
    view.select_quietly(["2", "3"])
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert edits.shown.all()
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert [name for name in edits.names if edits.is_visible(name)] == ["1", "4"]


def test_choosing_rows_names_domains_and_quietly_does_not(view, qtbot):
    told = []
    view.chosen.connect(told.append)
    view.selectRow(1)
    assert told == [["2"]]
    view.select_quietly(["1", "4"])
    assert told == [["2"]]
    assert view.selected_names() == ["1", "4"]
    view.clearSelection()
    assert told[-1] == []


def test_a_colour_is_asked_for_by_double_click_and_by_key(view, qtbot):
    told = []
    view.recolor_asked.connect(told.append)
    place = view.visualRect(view.legend.index(2, COLOR)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert told == ["3"]
    view.select_quietly(["2"])
    qtbot.keyClick(view, Qt.Key.Key_C)
    assert told == ["3", "2"]
    view.doubleClicked.emit(view.legend.index(0, NAME))
    assert told == ["3", "2"]


def test_without_a_run_there_are_no_rows_and_nothing_happens(view, qtbot):
    view.legend.follow(None)
    assert view.legend.rowCount() == 0
    assert not view.legend.setData(QModelIndex(), "x")
    assert view.legend.data(QModelIndex()) is None
    view.legend.turn(["1"])
    view.edit_name()
    for key in (Qt.Key.Key_Space, Qt.Key.Key_C, Qt.Key.Key_Down, Qt.Key.Key_F2):
        qtbot.keyClick(view, key)


def test_the_model_is_left_when_the_view_is_deleted(qtbot, edits, make_result):
    view = LegendView()
    view.legend.follow(edits)
    with qtbot.waitSignal(view.destroyed):
        view.deleteLater()
    edits.rename("1", "x")  # would raise if the deleted view heard of it


def test_columns_fit_a_narrow_dock(view):
    header = view.horizontalHeader()
    assert sum(header.sectionSize(column) for column in range(5)) <= view.viewport().width()
    assert header.sectionSize(NAME) > 80

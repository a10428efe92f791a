"""The legend: domains with their colour, name and size, to show, hide, rename and select."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor, QIcon, QKeyEvent, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_trsmi.errors import InputError
from napari_trsmi.widgets.common.links import Links

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from napari_trsmi.viewer.domains.edits import DomainEdits

Index = QModelIndex | QPersistentModelIndex

SHOWN, COLOR, NAME, SPOTS, SHARE = range(5)
_HEADERS = ("", "", "Domain", "Spots", "%")
_TIPS = (
    "Show or hide the domain (Space)",
    "Colour of the domain; double-click to change it (C)",
    "Name of the domain; double-click to change it (F2)",
    "Number of spots",
    "Share of all spots",
)
_ROLE = Qt.ItemDataRole
_SWATCH = 16
_ROW = 24  # pixels
_LEAST_ROWS = 6  # that are in sight however small the window


class LegendModel(QAbstractTableModel):
    """Domains as rows of a table.

    Attributes
    ----------
    refused
        Emitted with why an edit could not be made; with an empty text after one that could.
    """

    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._edits: DomainEdits | None = None
        self._names: tuple[str, ...] = ()
        self._counts: dict[str, int] = {}
        self._links = Links(self)

    def follow(self, edits: DomainEdits | None) -> None:
        """Show other domains, or none."""
        self._links.clear()
        self._edits = edits
        if edits is not None:
            self._links.connect(edits.changed, self._on_edits_changed)
            self._links.connect(edits.visibility_changed, self._on_edits_visibility_changed)
        self._reset()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the domains, by row."""
        return self._names

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """Return the number of domains."""
        return 0 if parent.isValid() else len(self._names)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_HEADERS)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole
    ) -> Any:
        """Return a column's title and what it means."""
        if orientation == Qt.Orientation.Horizontal:
            if role == _ROLE.DisplayRole:
                return _HEADERS[section]
            if role == _ROLE.ToolTipRole:
                return _TIPS[section]
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return what can be done with a cell."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.column() == SHOWN:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        elif index.column() == NAME:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: Index, role: int = _ROLE.DisplayRole) -> Any:
        """Return what a cell shows."""
        if self._edits is None or not index.isValid():
            return None
        name, column = self._names[index.row()], index.column()
        count = self._counts[name]
        if role == _ROLE.CheckStateRole and column == SHOWN:
            shown = self._edits.is_visible(name)
            return Qt.CheckState.Checked if shown else Qt.CheckState.Unchecked
        if role == _ROLE.DecorationRole and column == COLOR:
            return swatch(self._edits.colors[name])
        if role == _ROLE.EditRole and column == NAME:
            return name
        if role == _ROLE.DisplayRole:
            share = 100 * count / max(self._edits.n_spots, 1)
            return {NAME: name, SPOTS: f"{count:,}", SHARE: f"{share:.1f}"}.get(column)
        if role == _ROLE.TextAlignmentRole and column in (SPOTS, SHARE):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == _ROLE.ToolTipRole:
            return f"{name}: {count:,} spots, {self._edits.colors[name]}\n{_TIPS[column]}"
        if role == _ROLE.AccessibleTextRole and column == COLOR:
            return self._edits.colors[name]
        return None

    def setData(self, index: Index, value: Any, role: int = _ROLE.EditRole) -> bool:  # noqa: N802
        """Rename, show or hide a domain."""
        if self._edits is None or not index.isValid():
            return False
        name = self._names[index.row()]
        try:
            if role == _ROLE.CheckStateRole and index.column() == SHOWN:
                shown = Qt.CheckState(value) == Qt.CheckState.Checked
                self._edits.set_visible([name], shown)
            elif role == _ROLE.EditRole and index.column() == NAME:
                self._edits.rename(name, str(value))
            else:
                return False
        except InputError as error:
            self.refused.emit(str(error))
            return False
        self.refused.emit("")
        return True

    def turn(self, names: Sequence[str]) -> None:
        """Hide some domains if the first of them is shown, show them otherwise."""
        if self._edits is not None:
            self._edits.set_visible(names, not self._edits.is_visible(names[0]))

    def _reset(self) -> None:
        self.beginResetModel()
        self._names = () if self._edits is None else self._edits.names
        self._counts = {} if self._edits is None else self._edits.counts
        self.endResetModel()

    def _on_edits_changed(self) -> None:
        assert self._edits is not None  # noqa: S101
        if len(self._edits.names) != len(self._names):
            self._reset()
            return
        self._names, self._counts = self._edits.names, self._edits.counts
        self._tell_all_changed()

    def _on_edits_visibility_changed(self) -> None:
        self._tell_all_changed()

    def _tell_all_changed(self) -> None:
        if self._names:
            last = self.index(len(self._names) - 1, len(_HEADERS) - 1)
            self.dataChanged.emit(self.index(0, 0), last)


class LegendView(QTableView):
    """The table; its selection is a choice of domains.

    Attributes
    ----------
    chosen
        Emitted with the names of the domains that the user has selected.
    recolor_asked
        Emitted with the name of a domain whose colour the user wants to change.
    """

    chosen = Signal(list)
    recolor_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.legend = LegendModel(self)
        self.setModel(self.legend)
        self._quiet = False
        self.setToolTip("The domains. Click one to select its spots, Ctrl or Shift for several.")
        self.setAccessibleName("Legend of domains")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        assert rows is not None  # noqa: S101
        assert columns is not None  # noqa: S101
        rows.setVisible(False)
        self.setMinimumHeight((_LEAST_ROWS + 1) * _ROW + 4)
        rows.setDefaultSectionSize(_ROW)
        columns.setHighlightSections(False)
        columns.setMinimumSectionSize(24)
        for column, width in ((SHOWN, 28), (COLOR, 28), (SPOTS, 72), (SHARE, 52)):
            columns.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.setColumnWidth(column, width)
        columns.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        self._selection().selectionChanged.connect(self._on_selection_changed)
        self.doubleClicked.connect(self._on_double_clicked)

    def _selection(self) -> QItemSelectionModel:
        selection = self.selectionModel()
        assert selection is not None  # noqa: S101
        return selection

    def selected_names(self) -> list[str]:
        """Names of the selected domains, by row."""
        rows = sorted(index.row() for index in self._selection().selectedRows())
        return [self.legend.names[row] for row in rows]

    def select_quietly(self, names: Collection[str]) -> None:
        """Select domains without emitting `chosen`."""
        self._quiet = True
        try:
            selection = QItemSelection()
            for row, name in enumerate(self.legend.names):
                if name in names:
                    selection.select(
                        self.legend.index(row, 0), self.legend.index(row, len(_HEADERS) - 1)
                    )
            self._selection().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        finally:
            self._quiet = False

    def edit_name(self) -> None:
        """Let the user type a name for the current domain."""
        index = self.currentIndex()
        selected = self._selection().selectedRows()
        if selected and not (index.isValid() and self._selection().isSelected(index)):
            index = selected[0]
        if index.isValid():
            name = self.legend.index(index.row(), NAME)
            self.setCurrentIndex(name)
            self.edit(name)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Space shows or hides the selected domains, C asks for a colour."""
        assert event is not None  # noqa: S101
        names = self.selected_names()
        if event.key() == Qt.Key.Key_Space and names:
            self.legend.turn(names)
        elif event.key() == Qt.Key.Key_C and not event.modifiers() and names:
            self.recolor_asked.emit(names[0])
        elif event.key() == Qt.Key.Key_F2:
            self.edit_name()
        else:
            super().keyPressEvent(event)

    def _on_selection_changed(self) -> None:
        if not self._quiet:
            self.chosen.emit(self.selected_names())

    def _on_double_clicked(self, index: QModelIndex) -> None:
        if index.column() == COLOR:
            self.recolor_asked.emit(self.legend.names[index.row()])


def swatch(color: str) -> QIcon:
    """Return a square of a colour that stays as it is in a selected row."""
    square = QPixmap(_SWATCH, _SWATCH)
    square.fill(QColor(color))
    icon = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected, QIcon.Mode.Disabled):
        icon.addPixmap(square, mode)
    return icon

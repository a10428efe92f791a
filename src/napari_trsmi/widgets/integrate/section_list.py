"""The sections that are open: which one is shown, what each is called, which are run together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils.notifications import show_error
from qtpy.QtCore import QSize, Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.run.sections import add_sections
from napari_trsmi.viewer.section.grid import lay_side_by_side
from napari_trsmi.widgets.common.links import Links

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_trsmi.viewer.run.sections import OpenSection, RunSections

_MOST_ROWS = 6
_PADDING = 8  # of a row
_FILES = "Tables (*.h5ad *.h5mu *.h5 *.csv *.tsv *.csv.gz *.tsv.gz *.txt);;All files (*)"


class SectionList(QWidget):
    """Shows and changes the open sections; it has a list from two of them on.

    Parameters
    ----------
    sections
        The model.
    viewer
        Where sections that are ticked are laid side by side.

    Attributes
    ----------
    changed
        Emitted when a section came or went, or was ticked or named.
    """

    changed = Signal()

    def __init__(
        self, sections: RunSections, viewer: ViewerModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._sections, self._viewer = sections, viewer
        self._listed: list[OpenSection] = []
        self._laid: list[OpenSection] = []
        self.table = QTreeWidget(self)
        self.table.setHeaderLabels(["Section", "Tables"])
        self.table.setRootIsDecorated(False)
        self.table.setUniformRowHeights(True)
        self.table.setToolTip(
            "Tick the sections that are to be run together. The one that is selected is shown "
            "below. Double-click a name, or press F2, to change it."
        )
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        header = self.table.header()
        if header is not None:
            header.setStretchLastSection(False)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.add = QPushButton("Add sections…", self)
        self.add.setToolTip(
            "Open files of further sections; tables on the same spots are one section. Folders can "
            "be dropped on the window."
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addWidget(self.add)
        self.table.itemChanged.connect(self._on_item_changed)
        self.table.itemSelectionChanged.connect(self._on_selection_changed)
        self.table.itemDoubleClicked.connect(self._on_item_double_clicked)
        self.add.clicked.connect(self._on_add_clicked)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._fill)
        Links(self).connect(sections.changed, self._on_sections_changed)
        self._fill()
        self._on_sections_changed()

    def open_files(self, paths: list[str]) -> None:
        """Open files of further sections, and tick these."""
        add_sections(self._viewer, self._sections, paths)

    def refresh(self) -> None:
        """Show what the sections are now, once Qt is done with the items that are there."""
        self._soon.start()

    def _fill(self) -> None:
        self.table.blockSignals(True)
        self._listed = list(self._sections.sections)
        # rows stay what they are: a second click on one has to meet the same
        while self.table.topLevelItemCount() > len(self._listed):
            self.table.takeTopLevelItem(self.table.topLevelItemCount() - 1)
        while self.table.topLevelItemCount() < len(self._listed):
            item = QTreeWidgetItem()
            item.setFlags(
                Qt.ItemFlag.ItemIsEnabled
                | Qt.ItemFlag.ItemIsSelectable
                | Qt.ItemFlag.ItemIsUserCheckable
                | Qt.ItemFlag.ItemIsEditable
            )
            item.setSizeHint(0, QSize(0, self.table.fontMetrics().height() + _PADDING))
            self.table.addTopLevelItem(item)
        for row, section in enumerate(self._listed):
            self._show(section, self.table.topLevelItem(row))
        self._fit()
        self.table.blockSignals(False)
        self.table.setVisible(len(self._listed) > 1)
        self.setVisible(bool(self._listed))

    def _show(self, section: OpenSection, item: QTreeWidgetItem | None) -> None:
        if item is None:
            return
        tables = ", ".join(choice.candidate.name for choice in section.inputs.used)
        item.setText(0, section.name)
        item.setText(1, tables)
        item.setToolTip(0, f"Tick {section.name} to run it together with others that are ticked.")
        state = Qt.CheckState.Checked if section.ticked else Qt.CheckState.Unchecked
        item.setCheckState(0, state)
        spots = counted(section.inputs.n_spots, "spot")
        item.setToolTip(1, f"{spots} in {tables or 'no table'}")
        if section is self._sections.shown:
            self.table.setCurrentItem(item)

    def _fit(self) -> None:
        """Be as high as the rows, up to a few."""
        header, first = self.table.header(), self.table.topLevelItem(0)
        if header is not None and first is not None:
            row = first.sizeHint(0).height()
            shown = min(max(len(self._listed), 2), _MOST_ROWS)
            height = header.sizeHint().height() + shown * row
            self.table.setFixedHeight(height + 2 * self.table.frameWidth() + 2)

    def _on_sections_changed(self) -> None:
        self.refresh()
        self.changed.emit()
        ticked = self._sections.ticked
        if ticked == self._laid:
            return
        self._laid = ticked
        if len(ticked) > 1:
            lay_side_by_side(self._sections.laid_out())
            self._viewer.reset_view()

    def _section_of(self, item: QTreeWidgetItem) -> OpenSection:
        return self._listed[self.table.indexOfTopLevelItem(item)]

    def _on_item_changed(self, item: QTreeWidgetItem) -> None:
        section, name = self._section_of(item), item.text(0)
        if name != section.name:
            try:
                self._sections.rename(section, name)
            except InputError as error:
                show_error(str(error))
        self._sections.tick(section, ticked=item.checkState(0) == Qt.CheckState.Checked)
        self.refresh()

    def _on_item_double_clicked(self, item: QTreeWidgetItem, column: int) -> None:
        if column == 0:
            self.table.editItem(item, 0)

    def _on_selection_changed(self) -> None:
        items = self.table.selectedItems()
        if len(items) == 1:
            self._sections.show(self._section_of(items[0]))

    def _on_add_clicked(self) -> None:
        dialog = QFileDialog(self, "Add sections", "", _FILES)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self.open_files)
        dialog.open()

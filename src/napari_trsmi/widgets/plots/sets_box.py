"""A box of gene sets: those of a GMT file, or what is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QPushButton, QWidget

from napari_trsmi.data.reading.gene_sets import read_gmt
from napari_trsmi.errors import TRSMIError
from napari_trsmi.widgets.common.panel import narrow

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPED, ALL = "typed below", "all of the file"


class SetsBox(QWidget):
    """Offers the sets of a file, once one is loaded.

    Attributes
    ----------
    chosen
        Emitted with the features of the set that is chosen, empty for none.
    failed
        Emitted with why a file cannot be used.
    """

    chosen = Signal(list)
    failed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = ""
        self._sets: dict[str, tuple[str, ...]] = {}
        self.box = QComboBox()
        narrow(self.box)
        self.box.addItem(TYPED)
        self.box.setToolTip("The set that is scored; all of a file are compared at once")
        self.load = QPushButton("Load …")
        self.load.setToolTip("Load gene sets from a GMT file, as MSigDB and Enrichr give them")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.box, 1)
        layout.addWidget(self.load)
        self.box.activated.connect(self._on_box_activated)
        self.load.clicked.connect(self._on_load_clicked)

    @property
    def all_sets(self) -> Mapping[str, tuple[str, ...]] | None:
        """The sets of the file, if all of them are chosen."""
        return self._sets if self.box.currentText() == ALL else None

    def load_file(self, path: str) -> None:
        """Offer the sets of a file; the first thing that is chosen is all of them."""
        try:
            self._sets = read_gmt(path)
        except TRSMIError as error:
            self.failed.emit(str(error))
            return
        self.path = path
        self.box.clear()
        self.box.addItems([TYPED, ALL, *self._sets])
        for place, (name, features) in enumerate(self._sets.items(), 2):
            tip = f"{name}: {', '.join(features[:20])}{' …' if len(features) > 20 else ''}"
            self.box.setItemData(place, tip, Qt.ItemDataRole.ToolTipRole)
        self.box.setCurrentIndex(1)
        self.chosen.emit([])

    def _on_box_activated(self) -> None:
        self.chosen.emit(list(self._sets.get(self.box.currentText(), ())))

    def _on_load_clicked(self) -> None:
        dialog = QFileDialog(self, "Load gene sets", "", "Gene sets (*.gmt);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.load_file)
        dialog.open()  # does not block

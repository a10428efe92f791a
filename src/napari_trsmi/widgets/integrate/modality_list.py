"""The list of modalities: used or not, of which kind, taken off; layers and files put on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_trsmi.data.dataset import Kind
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.run.candidates import ImageCandidate, candidates_of_layer
from napari_trsmi.widgets.common.links import Links
from napari_trsmi.widgets.integrate.channel_box import ChannelBox

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer
    from qtpy.QtGui import QDragEnterEvent, QDropEvent

    from napari_trsmi.viewer.run.inputs import Choice, RunInputs

KINDS = {
    Kind.RNA: ("RNA", "Counts of transcripts: variable genes, logarithm, PCA."),
    Kind.PROTEIN: ("Protein", "Counts of proteins: centred log-ratio, PCA."),
    Kind.CHROMATIN: ("Chromatin", "Counts of peaks: TF-IDF, LSI."),
    Kind.METABOLITE: ("Metabolite", "Intensities: share of a spot's total, logarithm, PCA."),
    Kind.IMAGE: ("Image", "Pictures: stains or channels, texture, nuclei; left out where wrong."),
    Kind.FEATURES: ("Features", "Ready numbers: used as they are."),
}
"""What each kind is called, and what it means for a table."""

_FILES = "Tables (*.h5ad *.h5mu *.h5 *.csv *.tsv *.csv.gz *.tsv.gz *.txt);;All files (*)"


class ModalityList(QWidget):
    """Shows and changes the modalities of `inputs`.

    Parameters
    ----------
    inputs
        The model.
    viewer
        Whose layers are offered.

    Attributes
    ----------
    files_chosen
        Emitted with the paths that the user chose or dropped.
    """

    files_chosen = Signal(list)

    def __init__(
        self, inputs: RunInputs, viewer: ViewerModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._inputs, self._viewer = inputs, viewer
        self._rows: dict[Choice, ModalityRow] = {}
        self.setAcceptDrops(True)
        self._box = QFrame(self)
        self._box.setFrameShape(QFrame.Shape.StyledPanel)
        self._box_layout = QVBoxLayout(self._box)
        self._box_layout.setContentsMargins(4, 4, 4, 4)
        self._box_layout.setSpacing(2)
        self._empty = QLabel("No modality yet. Add a layer or a file.", self._box)
        self._empty.setWordWrap(True)
        self._box_layout.addWidget(self._empty)

        self.add_layer = QPushButton("&Add layer", self)
        self.add_layer.setToolTip("Add the tables, features or channels of a layer.")
        self._menu = QMenu(self.add_layer)
        self._menu.setToolTipsVisible(True)
        self._menu.aboutToShow.connect(self._on_menu_about_to_show)
        self.add_layer.setMenu(self._menu)
        self.add_files = QPushButton("Add fil&es…", self)
        self.add_files.setToolTip(
            "Add tables: .h5ad, .h5mu, 10x .h5, CSV or TSV. They can be dropped here as well."
        )
        self.add_files.clicked.connect(self._on_add_files_clicked)
        buttons = QHBoxLayout()
        buttons.addWidget(self.add_layer, 1)
        buttons.addWidget(self.add_files, 1)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        layout.addLayout(buttons)
        Links(self).connect(inputs.changed, self._on_inputs_changed)
        self._on_inputs_changed()

    @property
    def rows(self) -> list[ModalityRow]:
        """The rows, in order."""
        return list(self._rows.values())

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802
        """Accept files and folders."""
        if event is not None and _paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802
        """Add what is dropped."""
        if event is not None and (paths := _paths(event)):
            event.acceptProposedAction()
            self.files_chosen.emit(paths)

    def _on_inputs_changed(self) -> None:
        choices = self._inputs.choices
        for choice in [known for known in self._rows if known not in choices]:
            row = self._rows.pop(choice)
            self._box_layout.removeWidget(row)
            row.setParent(None)
            row.deleteLater()
        for place, choice in enumerate(choices):
            if choice not in self._rows:
                self._rows[choice] = ModalityRow(choice, self._inputs, self._box)
                self._box_layout.insertWidget(place, self._rows[choice])
            self._rows[choice].refresh()
        self._rows = {choice: self._rows[choice] for choice in choices}
        self._empty.setVisible(not choices)

    def _on_menu_about_to_show(self) -> None:
        self._menu.clear()
        for layer in self._inputs.offered(reversed(self._viewer.layers)):
            action = self._menu.addAction(layer.name)
            if action is not None:
                if self._inputs.pictures_of(layer):
                    action.setToolTip(f"Add the nuclei or cells of {layer.name!r} to its picture.")
                else:
                    action.setToolTip(f"Add what layer {layer.name!r} measures.")
                action.triggered.connect(lambda _=False, layer=layer: self._on_layer_picked(layer))
        if self._menu.isEmpty():
            nothing = self._menu.addAction("No layer has anything to add")
            if nothing is not None:
                nothing.setToolTip("Points with tables or numbers, and images can be added.")
                nothing.setEnabled(False)

    def _on_layer_picked(self, layer: Layer) -> None:
        if self._inputs.pictures_of(layer):
            self._inputs.set_cells(layer)
            return
        try:
            self._inputs.add(candidates_of_layer(layer))
        except InputError as error:
            show_error(str(error))

    def _on_add_files_clicked(self) -> None:
        dialog = QFileDialog(self, "Add tables of the section", "", _FILES)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self._on_files_selected)
        dialog.open()

    def _on_files_selected(self, files: list[str]) -> None:
        self.files_chosen.emit([Path(file) for file in files])


class ModalityRow(QWidget):
    """One modality of the list."""

    def __init__(self, choice: Choice, inputs: RunInputs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choice, self._inputs = choice, inputs
        candidate = choice.candidate
        where = f"{candidate.name}: {candidate.size}, from {candidate.origin}"
        self.used = QCheckBox(_short(candidate.name), self)
        self.used.setToolTip(f"Use this modality.\n{where}")
        self.used.toggled.connect(self._on_used_toggled)
        self.origin = QLabel(f"{candidate.n_features:,}", self)
        self.origin.setToolTip(where)
        self.origin.setEnabled(False)
        self.kind = QComboBox(self)
        for kind, (words, tip) in KINDS.items():
            self.kind.addItem(words, kind)
            self.kind.setItemData(self.kind.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.kind.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.kind.activated.connect(self._on_kind_activated)
        self.remove = QToolButton(self)
        self.remove.setText("✕")
        self.remove.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.remove.setAccessibleName(f"Take {candidate.name} off the list")
        self.remove.setToolTip(f"Take {candidate.name} off the list.")
        self.remove.clicked.connect(self._on_remove_clicked)
        policy = self.remove.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # so that the rows are in line
        self.remove.setSizePolicy(policy)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.used, 1)
        layout.addWidget(self.origin)
        self.channels: ChannelBox | None = None
        if isinstance(candidate, ImageCandidate) and _has_several(candidate):
            self.channels = ChannelBox(candidate.channels, self)
            self.channels.chosen.connect(self._on_channels_chosen)
            layout.addWidget(self.channels)
            self.origin.hide()
        layout.addWidget(self.kind)
        layout.addWidget(self.remove)
        self.refresh()

    def refresh(self) -> None:
        """Show what is chosen now."""
        self.used.setChecked(self._choice.used)
        cells = self._choice.cells
        name = self._choice.candidate.name
        self.used.setText(_short(name if cells is None else f"{name} + {cells.name}"))
        self.kind.setCurrentIndex(self.kind.findData(self._choice.kind))
        self.kind.setEnabled(self._choice.used)
        if self.channels is not None:
            self.channels.choose(self._choice.channels)
            self.channels.setEnabled(self._choice.used)
        words, tip = KINDS[self._choice.kind]
        guessed = " (guessed)" if self._choice.kind == self._choice.candidate.kind else ""
        self.kind.setToolTip(f"What it measures: {words}{guessed}. {tip}")
        # what comes with the spots goes with them
        self.remove.setVisible(not self._choice.of_spots)

    def _on_used_toggled(self, used: bool) -> None:
        self._inputs.set_used(self._choice, used=used)

    def _on_kind_activated(self, index: int) -> None:
        self._inputs.set_kind(self._choice, Kind(self.kind.itemData(index)))  # PySide6 gives a str

    def _on_channels_chosen(self, channels: tuple[str, ...] | None) -> None:
        self._inputs.set_channels(self._choice, channels)

    def _on_remove_clicked(self) -> None:
        self._inputs.remove(self._choice)


def _paths(event: QDropEvent) -> list[Path]:
    data = event.mimeData()
    urls = [] if data is None else data.urls()
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]


def _has_several(candidate: ImageCandidate) -> bool:
    """Whether an image has channels to choose from; colours are taken together."""
    return len(candidate.channels) > 1 and not candidate.layer.rgb


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"

"""Taking the domains out of the window: files, a figure, a script."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_trsmi.errors import InputError
from napari_trsmi.viewer.attached import dataset_of
from napari_trsmi.viewer.domains.layer import note_saved
from napari_trsmi.viewer.domains.screen_figure import Screen, layers_left_out
from napari_trsmi.widgets.common.background import Background
from napari_trsmi.widgets.common.panel import Panel, narrow

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.result import TRSMIResult


@dataclass(frozen=True)
class Format:
    """A kind of file that a result can become.

    Attributes
    ----------
    label
        What it is, for the user.
    suffix
        Ending of the file name.
    about
        What it is good for.
    write
        Writes a result and its tables, if there are any, to a path, and replaces what is there:
        the file dialog has asked.
    into
        Whether it goes into a folder that is there already.
    keeps
        Whether the edits can be read back from it.
    of_screen
        Whether it is drawn of what the window shows, and not of the result.
    """

    label: str
    suffix: str
    about: str
    write: Callable[[TRSMIResult, str, SpatialOmics | None], object]
    into: bool = False
    keeps: bool = True
    of_screen: bool = False


def _write_whole(result: TRSMIResult, path: str, dataset: SpatialOmics | None) -> object:
    from napari_trsmi.output.results import write_result

    return write_result(result, path, dataset=dataset, overwrite=True)


def _write_all(result: TRSMIResult, path: str, dataset: SpatialOmics | None) -> object:
    if dataset is None:
        raise InputError("This layer carries no tables. Save the domains alone (.h5ad).")
    return _write_whole(result, path, dataset)


def _write_alone(result: TRSMIResult, path: str, _: SpatialOmics | None) -> object:
    return _write_whole(result, path, None)


def _write_loupe(result: TRSMIResult, path: str, _: SpatialOmics | None) -> object:
    from napari_trsmi.output.loupe import write_loupe

    return write_loupe(result, path, overwrite=True)


def _write_geojson(result: TRSMIResult, path: str, _: SpatialOmics | None) -> object:
    from napari_trsmi.output.geojson import write_geojson

    return write_geojson(result, path, overwrite=True)


def _write_spatialdata(result: TRSMIResult, path: str, dataset: SpatialOmics | None) -> object:
    from napari_trsmi.output.spatial_data import write_spatialdata

    return write_spatialdata(result, path, dataset=dataset, overwrite=True)


def _write_into_store(result: TRSMIResult, path: str, _: SpatialOmics | None) -> object:
    from napari_trsmi.output.store_update import write_into_spatialdata

    return write_into_spatialdata(result, path)


def _write_figure(result: TRSMIResult, path: str, _: SpatialOmics | None) -> object:
    from napari_trsmi.output.figure import write_figure

    return write_figure(result, path, overwrite=True)


def _write_screen(screen: Screen, path: str) -> object:
    from napari_trsmi.output.drawing import save_figure

    return save_figure(screen.figure(), path)


_PICTURES = ((".png", "as pixels"), (".svg", "as vectors"), (".pdf", "as vectors"))

FORMATS = (
    Format(
        "Everything (.h5ad)",
        ".h5ad",
        "The first table with its counts, the domains and the picture: for scanpy and squidpy",
        _write_whole,
    ),
    Format("All tables (.h5mu)", ".h5mu", "Every modality with its counts: for muon", _write_all),
    Format("Domains alone (.h5ad)", ".h5ad", "A small file, without counts", _write_alone),
    Format("Table (.csv)", ".csv", "Domain, confidence and weights of each spot", _write_alone),
    Format("Boundaries for QuPath (.geojson)", ".geojson", "Annotations in QuPath", _write_geojson),
    Format(
        "SpatialData (.zarr)",
        ".zarr",
        "A new store with picture, spots and tables: for squidpy and napari-spatialdata",
        _write_spatialdata,
    ),
    Format(
        "Into its SpatialData (.zarr)",
        ".zarr",
        "Adds the domains to the store that the tables came from",
        _write_into_store,
        into=True,
    ),
    Format(
        "Categories for Loupe (.csv)",
        ".csv",
        "Barcode and domain of each spot: 'Import Categories' in 10x Loupe Browser",
        _write_loupe,
        keeps=False,
    ),
    *(
        Format(
            f"What is on screen ({suffix})",
            suffix,
            f"Picture, spots, outlines, legend or colour bar, and scale bar as they are, {how}",
            _write_figure,
            keeps=False,
            of_screen=True,
        )
        for suffix, how in _PICTURES
    ),
    *(
        Format(
            f"Figure with legend ({suffix})",
            suffix,
            f"Tissue and domains side by side, {how}",
            _write_figure,
            keeps=False,
        )
        for suffix, how in _PICTURES
    ),
)


class ExportPanel(Panel):
    """Saves the domains with their names, colours and merges as they are now.

    Parameters
    ----------
    viewer
        The window that a figure of the screen is of.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.format = QComboBox()
        narrow(self.format)
        for place, choice in enumerate(FORMATS):
            self.format.addItem(choice.label)
            self.format.setItemData(place, choice.about, Qt.ItemDataRole.ToolTipRole)
        self.format.setToolTip("What to save")
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.save = QPushButton("Save as …")
        self.save.setToolTip("Choose a file and write the domains as they are now")
        self.copy = QPushButton("Copy as Python")
        self.copy.setToolTip("Put a script on the clipboard that repeats this run and its edits")
        self.background = Background(self)
        self._path = ""
        self._note = ""
        self._written: TRSMIResult | None = None
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Save", self.format)
        form.addRow("", self.about)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.save)
        layout.addWidget(self.copy)
        layout.addStretch(1)
        self.format.currentIndexChanged.connect(self._show_about)
        self.save.clicked.connect(self._on_save_clicked)
        self.copy.clicked.connect(self._on_copy_clicked)
        self.background.finished.connect(self._on_background_finished)
        self.background.failed.connect(self.failed)
        self.background.busy_changed.connect(self._on_background_busy_changed)
        self._show_about()

    def write(self, choice: Format, path: str) -> None:
        """Write the domains that are followed, in a thread."""
        if self._domains is None:
            return
        if not path.lower().endswith(choice.suffix):
            path += choice.suffix
        self._path = path
        self._written = self._domains.edits.result() if choice.keeps else None
        self.failed.emit("")
        self._note = ""
        if choice.of_screen:
            screen = Screen.of(self._viewer, self._domains)
            self._note = layers_left_out(screen)
            self.background.start(_write_screen, screen, path)
            return
        self.background.start(choice.write, self._domains.edits.result(), path, self._dataset())

    def _dataset(self) -> SpatialOmics | None:
        return None if self._domains is None else dataset_of(self._domains.layer)

    def _on_save_clicked(self) -> None:
        choice = FORMATS[self.format.currentIndex()]
        if choice.into:
            self._ask_store(choice)
            return
        dialog = QFileDialog(self, "Save the domains")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setNameFilter(f"{choice.label.split(' (')[0]} (*{choice.suffix})")
        dialog.setDefaultSuffix(choice.suffix)
        dialog.selectFile(f"domains{choice.suffix}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.write(choice, path))
        dialog.open()  # does not block

    def _ask_store(self, choice: Format) -> None:
        """Ask for a store that is there, beginning with the one that the tables came from."""
        dialog = QFileDialog(self, "Choose the SpatialData that the domains go into")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dataset = self._dataset()
        came_from = None if dataset is None else dataset.load_arguments.get("tables")
        if isinstance(came_from, str) and came_from.endswith(choice.suffix):
            dialog.setDirectory(str(Path(came_from).absolute().parent))
            dialog.selectFile(Path(came_from).name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.write(choice, path))
        dialog.open()  # does not block

    def _on_copy_clicked(self) -> None:
        domains = self._domains
        clipboard = QGuiApplication.clipboard()
        if domains is None or clipboard is None:
            return
        from napari_trsmi.output.script import as_python

        if self._try(lambda: clipboard.setText(as_python(domains.edits.result()))):
            self.said.emit("The script is on the clipboard: paste it into an editor or a notebook.")

    def _on_background_finished(self) -> None:
        if self._written is not None:
            note_saved(self._written)
            self._written = None
        self.said.emit(f"Saved {self._path}. {self._note}".strip())

    def _on_background_busy_changed(self, busy: bool) -> None:
        self.save.setEnabled(not busy)
        self.save.setText("Saving …" if busy else "Save as …")

    def _show_about(self) -> None:
        self.about.setText(f"{FORMATS[self.format.currentIndex()].about}.")

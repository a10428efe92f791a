"""The Public data dock: what can be downloaded, downloading it, and opening it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Layer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_trsmi.data.public.downloads import RECORDS, SERVER, files_of, folder_of
from napari_trsmi.data.wording import counted
from napari_trsmi.errors import TRSMIError
from napari_trsmi.viewer.attached import dataset_of
from napari_trsmi.viewer.section.reading import read_layers
from napari_trsmi.widgets.common.background import Background
from napari_trsmi.widgets.common.panel import narrow
from napari_trsmi.widgets.common.room import Room
from napari_trsmi.widgets.common.unproxied import unproxied
from napari_trsmi.widgets.public_data.transfer import Transfer, how_far, megabytes

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from napari.viewer import Viewer

    from napari_trsmi.data.public.fetching import RemoteFile
    from napari_trsmi.viewer.section.layers import LayerData

_LOOK = 100  # ms between two looks at how far a download is
_BAR = 1000  # steps of the bar: bytes are more than it can count
_ROLE = Qt.ItemDataRole.UserRole
_ROWS = 3  # of a list, at least
_UNLISTED = "Ask for the list of files first."
_UNCHECKED = "Check the files to download."


class PublicDataDock(Room):
    """Downloads public data sets on request, and opens them.

    It asks the server for nothing until a button is pressed.

    Parameters
    ----------
    napari_viewer
        The window.
    folder, server
        As for `napari_trsmi.data.public.downloads.download`.
    """

    menu_name = "Public data (TRSMI)"
    of_layers = False

    def __init__(
        self,
        napari_viewer: Viewer,
        *,
        folder: str | os.PathLike[str] | None = None,
        server: str = SERVER,
    ) -> None:
        super().__init__()
        self._viewer = unproxied(napari_viewer)
        self._folder, self._server = folder, server
        self._transfer: Transfer | None = None
        self._lister = Background(self)
        self._fetcher = Background(self)
        self._opener = Background(self)
        self._look = QTimer(self)
        self._look.setInterval(_LOOK)
        self._build()
        self._lay_out()
        self._connect()
        self._on_record_changed()

    @property
    def downloading(self) -> bool:
        """Whether a download is going on."""
        return self._transfer is not None

    def unfinished(self) -> str:
        """Whether a download is going on; what has arrived is kept."""
        return "A download is going on." if self.downloading else ""

    # -- making it -------------------------------------------------------------

    def _build(self) -> None:
        self.record = QComboBox(self)
        narrow(self.record)
        self.record.setMinimumContentsLength(24)
        self.record.setToolTip("The public data set to download from.")
        for place, (name, record) in enumerate(RECORDS.items()):
            self.record.addItem(record.holds, name)
            tip = f"{record.holds}.\nCite: {record.citation}"
            self.record.setItemData(place, tip, Qt.ItemDataRole.ToolTipRole)
        self.about = _text("What the data set holds, and what to cite for it.", self)
        self.list = _button("&List files", "Ask the server what files the data set has.", self)
        self.files = _list("Files of the data set. Space or a click checks one.", self)
        self.files.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # the size stays in sight
        self.ready = _text("What is checked, or why nothing can be downloaded.", self)
        self.download = _button("&Download", "", self)
        self.cancel = _button("&Cancel", "Stop. What has arrived is kept for the next time.", self)
        self.bar = QProgressBar(self)
        self.bar.setToolTip("Share of the bytes that have arrived.")
        self.bar.setTextVisible(False)
        self.progress = _text("How far the download is.", self)
        self.status = _text("Where the files are kept, or what went wrong.", self)
        self.found_label = QLabel("&Ready to open", self)
        self.found = _list(
            "Tables that have arrived. Several that are selected are opened together, as one "
            "section. Enter or a double-click opens.",
            self,
        )
        self.found.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.found.setTextElideMode(Qt.TextElideMode.ElideLeft)  # the names stay in sight
        self.found_label.setToolTip(self.found.toolTip())
        self.found_label.setBuddy(self.found)
        self.open = _button("&Open", "", self)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        label = QLabel("Data &set", self)
        label.setToolTip(self.record.toolTip())
        label.setBuddy(self.record)
        form.addRow(label, self.record)
        buttons = QHBoxLayout()
        buttons.addWidget(self.download, 1)
        buttons.addWidget(self.cancel, 1)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.about)
        layout.addWidget(self.list)
        layout.addWidget(self.files, 2)
        layout.addWidget(self.ready)
        layout.addLayout(buttons)
        layout.addWidget(self.bar)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        layout.addWidget(self.found_label)
        layout.addWidget(self.found, 1)
        layout.addWidget(self.open)

    def _connect(self) -> None:
        self.record.currentIndexChanged.connect(self._on_record_changed)
        self.list.clicked.connect(self._on_list_clicked)
        self.files.itemChanged.connect(self._show_state)
        self.download.clicked.connect(self._on_download_clicked)
        self.cancel.clicked.connect(self.stop)
        self.found.itemSelectionChanged.connect(self._show_state)
        self.found.itemActivated.connect(self._on_open_clicked)
        self.open.clicked.connect(self._on_open_clicked)
        self._look.timeout.connect(self._show_progress)
        self._lister.finished.connect(self._on_listed)
        self._lister.failed.connect(self._on_failed)
        self._fetcher.finished.connect(self._on_fetched)
        self._fetcher.failed.connect(self._on_fetch_failed)
        self._opener.finished.connect(self._on_read)
        self._opener.failed.connect(self._on_failed)
        for background in (self._lister, self._fetcher, self._opener):
            background.busy_changed.connect(self._show_state)

    # -- what is chosen --------------------------------------------------------

    @property
    def _name(self) -> str:
        return str(self.record.currentData())

    @property
    def _place(self) -> Path:
        return folder_of(self._name, folder=self._folder)

    def _checked(self) -> list[RemoteFile]:
        return [
            item.data(_ROLE)
            for item in _items(self.files)
            if item.checkState() == Qt.CheckState.Checked
        ]

    def _on_record_changed(self) -> None:
        self._lister.drop()
        self.files.clear()
        self.found.clear()
        record = RECORDS[self._name]
        self.about.setText(f"{record.holds}.\nCite: {record.citation}.")
        self._say(f"Files are kept in {self._place}.")
        self._show_state()

    def _on_list_clicked(self) -> None:
        self._say("")
        self._lister.start(files_of, self._name, folder=self._folder, server=self._server)

    def _on_listed(self, files: Sequence[RemoteFile]) -> None:
        self.files.clear()
        for file in files:
            item = QListWidgetItem(f"{file.name}  ({megabytes(file.size)})")
            item.setData(_ROLE, file)
            item.setToolTip(item.text())
            item.setCheckState(Qt.CheckState.Unchecked)
            self.files.addItem(item)
        self.files.setCurrentRow(0)
        self.files.setFocus()
        self._say(f"Files are kept in {self._place}.")
        self._show_state()

    # -- downloading -----------------------------------------------------------

    def stop(self) -> None:
        """Stop the download, if there is one; what has arrived is kept."""
        if self._transfer is not None:
            self._transfer.stop()
            self._show_state()

    def leave(self) -> None:
        """Leave no download behind."""
        self.stop()

    def _on_download_clicked(self) -> None:
        files = [file.name for file in self._checked()]
        if self.downloading or not files:
            return
        self._transfer = transfer = Transfer(self._name, files, self._folder, self._server)
        # A closed dock leaves no download behind. PyQt does not keep what is connected here; the
        # thread does.
        self.destroyed.connect(transfer.stop)
        self._say("")
        self.found.clear()
        self._fetcher.start(transfer.run)
        self._show_progress()
        self._look.start()

    def _show_progress(self) -> None:
        transfer = self._transfer
        if transfer is None:
            return
        latest = transfer.latest
        if transfer.stopped:
            self.progress.setText("Stopping…")
        elif latest is None:
            self.bar.setRange(0, 0)
            self.progress.setText("Connecting…")
        else:
            self.bar.setRange(0, _BAR)
            self.bar.setValue(round(_BAR * latest.done / max(latest.total, 1)))
            self.progress.setText(how_far(latest))

    def _end(self) -> None:
        self._look.stop()
        if self._transfer is not None:
            self.destroyed.disconnect(self._transfer.stop)
        self._transfer = None
        self._show_state()

    def _on_fetched(self, found: list[Path] | None) -> None:
        self._end()
        if found is None:
            self._say("Stopped. What has arrived is kept: the next download goes on from there.")
            return
        place = self._place
        for path in found:
            item = QListWidgetItem(str(path.relative_to(place)))
            item.setData(_ROLE, path)
            item.setToolTip(str(path))
            self.found.addItem(item)
        self.found.setCurrentRow(0)
        none = "" if found else " None of them is a table that can be opened here."
        self._say(f"Downloaded to {place}.{none}")
        self._show_state()

    def _on_fetch_failed(self, reason: str) -> None:
        self._end()
        self._on_failed(reason)

    # -- opening ---------------------------------------------------------------

    def _on_open_clicked(self) -> None:
        paths = [str(item.data(_ROLE)) for item in self.found.selectedItems()]
        if paths and not self._opener.busy:
            self._say("")
            self._opener.start(read_layers, paths[0] if len(paths) == 1 else paths)

    def _on_read(self, layers: list[LayerData]) -> None:
        try:
            added = [self._viewer.add_layer(Layer.create(*layer)) for layer in layers]
        except TRSMIError as error:
            self._on_failed(str(error))
            return
        dataset = dataset_of(added[-1])
        notes = () if dataset is None else dataset.notes
        self._say(" ".join((f"Opened {added[-1].name}.", *notes)))

    # -- showing it ------------------------------------------------------------

    def _show_state(self) -> None:
        busy, files = self.downloading, self._checked()
        self.record.setEnabled(not busy)
        self.list.setEnabled(not busy and not self._lister.busy)
        self.list.setText("Listing…" if self._lister.busy else "&List files")
        self.files.setEnabled(not busy)
        reason = "" if files else _UNCHECKED if self.files.count() else _UNLISTED
        size = sum(file.size for file in files)
        self.ready.setText(reason or f"{counted(len(files), 'file')}, {megabytes(size)}")
        self.download.setEnabled(not busy and not reason)
        self.download.setToolTip(reason or "Download what is checked; the window stays usable.")
        self.cancel.setEnabled(self._transfer is not None and not self._transfer.stopped)
        for widget in (self.cancel, self.bar, self.progress):
            widget.setVisible(busy)
        self.download.setVisible(not busy)
        self._show_progress()
        self._show_found()

    def _show_found(self) -> None:
        for widget in (self.found_label, self.found, self.open):
            widget.setVisible(self.found.count() > 0)
        chosen = bool(self.found.selectedItems())
        self.open.setEnabled(chosen and not self._opener.busy)
        self.open.setText("Opening…" if self._opener.busy else "&Open")
        self.open.setToolTip(
            "Open what is selected as layers." if chosen else "Select what to open."
        )

    def _say(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))

    def _on_failed(self, reason: str) -> None:
        self._say(f"⚠ {' '.join(reason.split())}")


def _items(box: QListWidget) -> list[QListWidgetItem]:
    listed = (box.item(row) for row in range(box.count()))
    return [item for item in listed if item is not None]


def _button(text: str, tip: str, parent: QWidget) -> QPushButton:
    button = QPushButton(text, parent)
    button.setToolTip(tip)
    return button


def _list(tip: str, parent: QWidget) -> QListWidget:
    box = QListWidget(parent)
    box.setToolTip(tip)
    box.setAccessibleName(tip)
    box.setMinimumHeight(_ROWS * 2 * box.fontMetrics().lineSpacing())
    return box


def _text(tip: str, parent: QWidget) -> QLabel:
    """Return a label of several lines that can be copied from."""
    label = QLabel(parent)
    label.setToolTip(tip)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label

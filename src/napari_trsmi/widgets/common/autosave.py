"""Edits that no file has are kept while a person works, and offered after a crash."""

from __future__ import annotations

import atexit
import time
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from qtpy.QtCore import QObject, QStandardPaths, Qt, QTimer
from qtpy.QtWidgets import QMainWindow, QMessageBox

from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import TRSMIError
from napari_trsmi.output.results import read_result
from napari_trsmi.viewer.attached import dataset_of
from napari_trsmi.viewer.domains.adding import add_domains
from napari_trsmi.viewer.domains.layer import domain_layer, shows_domains, unsaved_layers
from napari_trsmi.viewer.session.unsaved import forget, keep_edits, left_behind, place_for
from napari_trsmi.widgets.common.background import Background
from napari_trsmi.widgets.common.links import Links
from napari_trsmi.widgets.common.worker import end_all

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.viewer.session.unsaved import LeftBehind

_NAME = "trsmi-autosave"
_PAUSE = 2000  # ms without another edit
_own: set[Path] = set()
"""What this program keeps; it goes when the program ends in good order."""


class Autosave(QObject):
    """Writes the edited runs of a window in a thread, two seconds after an edit.

    Parameters
    ----------
    window
        The main window.
    viewer
        What it shows.
    folder
        Where edits are kept.
    """

    def __init__(self, window: QMainWindow, viewer: Viewer, folder: Path) -> None:
        super().__init__(window)
        self.setObjectName(_NAME)
        self._viewer, self._folder = ref(viewer), folder
        self._places: WeakKeyDictionary[Layer, Path] = WeakKeyDictionary()
        self._links = Links(self)
        self._links.connect(viewer.layers.events.inserted, self._on_layers_inserted)
        self._background = Background(self)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE)
        self._pause.timeout.connect(self.write)
        for layer in viewer.layers:
            self._watch(layer)

    def write(self) -> None:
        """Keep all edits that no file has, and forget those that one has by now."""
        viewer = self._viewer()
        if viewer is None:
            return
        if self._background.busy:
            self._pause.start()  # two threads would not agree on which edits are the last
            return
        unsaved = unsaved_layers(viewer.layers)
        for layer in [known for known in self._places if known not in unsaved]:
            place = self._places.pop(layer)
            _own.discard(place)
            forget(place)
        kept: list[tuple[Path, str, TRSMIResult]] = []
        for layer in unsaved:
            if layer not in self._places:
                taken = {place.stem.rpartition("-")[2] for place in _own}
                number = next(n for n in range(len(taken) + 1) if str(n) not in taken)
                self._places[layer] = place_for(self._folder, number)
                _own.add(self._places[layer])
            kept.append((self._places[layer], layer.name, domain_layer(layer).edits.result()))
        if kept:
            self._background.start(_keep_all, kept)

    def _on_layers_inserted(self, event: object) -> None:
        self._watch(event.value)  # type: ignore[attr-defined]

    def _watch(self, layer: Layer) -> None:
        if shows_domains(layer):
            try:
                edits = domain_layer(layer).edits
            except TRSMIError:
                return  # its points are not its run's spots: the dock says so
            self._links.connect(edits.changed, self._on_edits_changed)

    def _on_edits_changed(self) -> None:
        self._pause.start()

    # -- after a crash ---------------------------------------------------------

    def offer(self, found: list[LeftBehind]) -> QMessageBox:
        """Ask what shall become of edits that a program left behind; the dialog does not block."""
        window = self.parent()
        assert isinstance(window, QMainWindow)  # noqa: S101
        box = QMessageBox(window)
        box.setWindowTitle("Edits that were not saved")
        when = time.strftime("%d %B, %H:%M", time.localtime(found[-1].saved))
        names = listed([each.name for each in found])
        box.setText(f"napari ended before {counted(len(found), 'edited run')} could be saved.")
        box.setInformativeText(f"{names}, kept on {when}.")
        box.addButton("Open", QMessageBox.ButtonRole.AcceptRole)
        box.addButton("Discard", QMessageBox.ButtonRole.DestructiveRole)
        later = box.addButton("Later", QMessageBox.ButtonRole.RejectRole)
        box.setEscapeButton(later)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.buttonClicked.connect(lambda button: self._on_answered(button.text(), found))
        box.open()
        return box

    def _on_answered(self, answer: str, found: list[LeftBehind]) -> None:
        for each in found if answer == "Discard" else ():
            each.discard()
        if answer == "Open":
            self._bring_back(found)

    def _bring_back(self, found: list[LeftBehind]) -> None:
        """Add the runs; their files stay until they are discarded, for nobody else has them."""
        from napari.utils.notifications import show_error

        viewer = self._viewer()
        if viewer is None:
            return
        for each in found:
            try:
                result = read_result(each.path)
            except TRSMIError as error:
                show_error(str(error))
                continue
            shown = [dataset_of(layer) for layer in viewer.layers]
            spots = result.domains.index
            same = (one for one in shown if one is not None and one.spots.equals(spots))
            add_domains(viewer, result, dataset=next(same, None), name=each.name)


def _keep_all(kept: list[tuple[Path, str, TRSMIResult]]) -> None:
    for place, name, result in kept:
        keep_edits(place, name, result)


def edits_folder() -> Path:
    """Return where edits are kept: beside what other programs keep for the person."""
    where = QStandardPaths.StandardLocation.GenericDataLocation
    return Path(QStandardPaths.writableLocation(where)) / "napari-trsmi" / "unsaved"


def autosave(window: QMainWindow, viewer: Viewer) -> None:
    """Keep the edits of a window from now on, and offer what an earlier one left; once will do."""
    if window.findChild(Autosave, _NAME) is not None:
        return
    folder = edits_folder()
    keeper = Autosave(window, viewer, folder)
    if found := left_behind(folder):
        keeper.offer(found)


@atexit.register
def _end_in_good_order() -> None:
    """Forget what was kept: closing the window has asked."""
    end_all()
    for place in _own:
        forget(place)

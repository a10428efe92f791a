"""One run at a time: started, stopped, and let go of, whatever happens to its window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QApplication

from napari_trsmi.training.stop import StopToken
from napari_trsmi.viewer.run.job import Stopped, run_steps
from napari_trsmi.widgets.common.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_trsmi.training.report import Step
    from napari_trsmi.viewer.run.job import Outcome, RunJob
    from napari_trsmi.viewer.run.sections_job import SectionsJob

_PATIENCE = 1500  # ms that a run has to end in once it is to be stopped


class RunController(QObject):
    """Runs jobs in a thread, and speaks in the main one.

    Attributes
    ----------
    started
        Emitted when a run begins.
    stepped
        Emitted with the `Phase` that begins or the `EpochReport` of an epoch.
    stopping
        Emitted when a stop was asked for, with whether something is kept.
    ended
        Emitted with the outcome and the warnings, after which nothing of the run is held here.
    """

    started = Signal()
    stepped = Signal(object)
    stopping = Signal(bool)
    ended = Signal(object, list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stop: StopToken | None = None
        self._worker: Worker | None = None
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE)
        self._patience.timeout.connect(self._on_patience_timeout)
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.stop)

    @property
    def running(self) -> bool:
        """Whether a run is going on."""
        return self._worker is not None

    @property
    def checks(self) -> int:
        """How often the run has asked whether it is to stop: it tells how far it is."""
        return 0 if self._stop is None else self._stop.checks

    def start(self, job: RunJob | SectionsJob) -> bool:
        """Start a run; return False if one is going on already."""
        if self.running:
            return False
        stop = StopToken()
        worker = Worker(run_steps, job, stop, stop=stop.stop)
        worker.yielded.connect(self._on_worker_yielded)
        worker.returned.connect(self._on_worker_returned)
        # A closed dock leaves no run behind. What is connected here has to be a method of what
        # outlives the dock: a function may have been collected by the time it is called.
        self.destroyed.connect(worker.quit)
        self._stop, self._worker = stop, worker
        self.started.emit()
        worker.start()
        return True

    def stop(self, *, keep: bool = False) -> None:
        """Ask the run to end, with a result of what was learned so far or without one."""
        if self._stop is not None:
            self._stop.stop(keep=keep)
            if not keep:
                self._patience.start()
            self.stopping.emit(keep)

    def follow(self, step: Callable[[Step], object], *, end: Callable[..., object]) -> None:
        """Have the run tell two bound methods of its steps and its end, here or without a dock.

        Both are called in the main thread, and have to be of an object that outlives the dock.
        """
        if self._worker is not None:
            self._worker.yielded.connect(step)
            self._worker.finished.connect(end)

    def _on_worker_yielded(self, step: Step) -> None:
        self.stepped.emit(step)

    def _on_worker_returned(self, outcome: Outcome) -> None:
        notes: list[str] = []
        if self._worker is not None:
            notes = list(dict.fromkeys(self._worker.notes))
            self.destroyed.disconnect(self._worker.quit)
        self._patience.stop()
        self._stop = self._worker = None
        self.ended.emit(outcome, notes)

    def _on_patience_timeout(self) -> None:
        """Wait no more: a library's step cannot be cut short, and its thread ends after it."""
        worker = self._worker
        if worker is not None:
            worker.yielded.disconnect(self._on_worker_yielded)
            worker.returned.disconnect(self._on_worker_returned)
            self._on_worker_returned(Stopped())

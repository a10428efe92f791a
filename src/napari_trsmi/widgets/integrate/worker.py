"""The thread that a run works in."""

from __future__ import annotations

import atexit
import threading
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from superqt.utils import GeneratorWorker

from napari_trsmi.errors import TRSMIWarning
from napari_trsmi.viewer.run.job import run_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_trsmi.training.report import EpochReport, Phase  # noqa: F401
    from napari_trsmi.training.stop import StopToken
    from napari_trsmi.viewer.run.job import Outcome, RunJob  # noqa: F401

_EXIT_SECONDS = 120.0  # a table's preprocessing may take long, and cannot be cut short

_running: WeakSet[RunWorker] = WeakSet()
_listeners: dict[int, Callable[[str], None]] = {}
_hooked: list[Any] = []
_lock = threading.Lock()


class RunWorker(GeneratorWorker["Phase | EpochReport", None, "Outcome"]):
    """Runs a job and emits its steps as `yielded` and its outcome as `returned`.

    superqt's worker takes hold of the warnings of the whole process while it runs (two that
    overlap never let go again), loses a RuntimeError, and leaves its generator as it is when it
    is told to quit. Hence an own `run`.

    Parameters
    ----------
    job
        What to do.
    stop
        Ends it.

    Attributes
    ----------
    notes
        The package's own warnings so far.
    """

    def __init__(self, job: RunJob, stop: StopToken) -> None:
        super().__init__(run_steps, job, stop)
        self.notes: list[str] = []
        self._stop = stop
        self._done = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        _running.add(self)
        super().start()

    def quit(self) -> None:
        """Ask the run to end."""
        self._stop.stop()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; return whether it came."""
        return self._done.wait(seconds)

    def run(self) -> None:
        """Work; Qt calls this in the thread."""
        from napari_trsmi.training.warm_up import small_collections

        self._running = True
        # A signal whose sender Qt has deleted, at the end of the program, raises RuntimeError;
        # raised here it would abort the program.
        try:
            with suppress(RuntimeError):
                self.started.emit()
                with small_collections(), _own_warnings_to(self.notes.append):
                    outcome = self.work()
                self.returned.emit(outcome)
        finally:
            self._running = False
            self._done.set()
            with suppress(RuntimeError):
                self.finished.emit()
                self._finished.emit(self)


@contextmanager
def _own_warnings_to(listen: Callable[[str], None]) -> Iterator[None]:
    """Give this thread's warnings of the package to a listener, and drop the libraries'.

    Every warning that is shown would become a notification of napari. Other threads' warnings go
    where they went before.
    """
    me = threading.get_ident()
    with _lock:
        _listeners[me] = listen
        if warnings.showwarning is not _show:
            _hooked[:] = [warnings.showwarning]
            warnings.showwarning = _show
        warnings.simplefilter("always", TRSMIWarning)
    try:
        yield
    finally:
        with _lock:
            del _listeners[me]
            if not _listeners and warnings.showwarning is _show:
                warnings.showwarning = _hooked.pop()


def _show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    listen = _listeners.get(threading.get_ident())
    if listen is None:
        _hooked[0](message, category, *where, **more)
    elif issubclass(category, TRSMIWarning):
        listen(str(message))


@atexit.register
def end_all() -> None:
    """End every run and wait for it: a thread that outlives Python crashes the program."""
    for worker in list(_running):
        worker.quit()
    for worker in list(_running):
        if worker.is_running:
            worker.wait(_EXIT_SECONDS)

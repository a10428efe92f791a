"""The thread that a run, or other work that takes a while, is done in."""

from __future__ import annotations

import atexit
import threading
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_trsmi.errors import TRSMIWarning
from napari_trsmi.widgets.common.handover import quick_handover

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

_EXIT_SECONDS = 120.0  # a step of the work may take long, and cannot be cut short

_unfinished: set[Worker] = set()
_listeners: dict[int, Callable[[str], None]] = {}
_hooked: list[Any] = []
_lock = threading.Lock()


class Worker(QObject):
    """Does work in a thread of its own, and speaks in the main one.

    napari's and superqt's workers take hold of the warnings of the whole process while they run
    (two that overlap never let go again), lose a RuntimeError, leave a generator as it is when they
    are told to quit, and wait for each other where there are few cores.

    Parameters
    ----------
    steps
        Generator function that does the work. It raises nothing: its outcome says what went wrong.
    args
        Its arguments.
    stop
        Called to end the work from without; None if it cannot be ended.

    Attributes
    ----------
    yielded
        Emitted with every step.
    returned
        Emitted with the outcome.
    finished
        Emitted after that.
    notes
        The package's own warnings so far.
    """

    yielded = Signal(object)
    returned = Signal(object)
    finished = Signal()
    _left = Signal(object)

    def __init__(
        self,
        steps: Callable[..., Generator[Any, None, Any]],
        *args: Any,
        stop: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.notes: list[str] = []
        self._steps = steps(*args)
        self._stop = stop
        self._thread = threading.Thread(target=self._run, name="TRSMI", daemon=True)
        self._left.connect(_let_go)

    def start(self) -> None:
        """Start the thread."""
        _unfinished.add(self)
        self._thread.start()

    def quit(self) -> None:
        """Ask the work to end."""
        if self._stop is not None:
            self._stop()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the thread; return whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        from napari_trsmi.training.warm_up import small_collections

        # A signal that Qt has deleted, at the end of the program, raises RuntimeError.
        with suppress(RuntimeError):
            with quick_handover(), small_collections(), _own_warnings_to(self.notes.append):
                outcome = self._work()
            self.returned.emit(outcome)
        with suppress(RuntimeError):
            self.finished.emit()
        with suppress(RuntimeError):
            self._left.emit(self)

    def _work(self) -> object:
        while True:
            try:
                step = next(self._steps)
            except StopIteration as end:
                return end.value
            self.yielded.emit(step)


def _let_go(worker: Worker) -> None:
    """Forget a worker once its thread has, so that Qt's part of it goes in the main thread."""
    worker.wait(_EXIT_SECONDS)
    _unfinished.discard(worker)


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
                warnings.showwarning = _hooked[0]  # which stays: `_show` may be put back later


def _show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    listen = _listeners.get(threading.get_ident())
    if listen is None:
        _hooked[0](message, category, *where, **more)
    elif issubclass(category, TRSMIWarning):
        listen(str(message))


@atexit.register
def end_all() -> None:
    """End all work and wait for it: a thread that outlives Python crashes the program."""
    workers = list(_unfinished)
    for worker in workers:
        worker.quit()
    for worker in workers:
        worker.wait(_EXIT_SECONDS)

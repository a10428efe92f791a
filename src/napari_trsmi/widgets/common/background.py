"""Work that takes a while, in a thread of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_trsmi.errors import TRSMIError
from napari_trsmi.widgets.common.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Background(QObject):
    """Runs functions in worker threads; of several, the last one asked for counts.

    Attributes
    ----------
    finished
        Emitted in the main thread with what the function returned.
    failed
        Emitted in the main thread with one sentence that says why it did not return.
    busy_changed
        Emitted with whether an outcome is awaited.
    """

    finished = Signal(object)
    failed = Signal(str)
    busy_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asked = 0
        self._busy = False

    @property
    def busy(self) -> bool:
        """Whether an outcome is awaited."""
        return self._busy

    def start(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Run a function; what is running still is not waited for, and its outcome is dropped."""
        self._asked += 1
        worker = Worker(_outcome, self._asked, lambda: function(*args, **kwargs))
        worker.returned.connect(self._on_worker_returned)
        self._set_busy(True)
        worker.start()

    def drop(self) -> None:
        """Wait no more for what is running."""
        self._asked += 1
        self._set_busy(False)

    def _set_busy(self, busy: bool) -> None:
        if busy != self._busy:
            self._busy = busy
            self.busy_changed.emit(busy)

    def _on_worker_returned(self, outcome: tuple[int, Any, str]) -> None:
        asked, value, reason = outcome
        if asked != self._asked:
            return
        self._set_busy(False)
        if reason:
            self.failed.emit(reason)
        else:
            self.finished.emit(value)


def _outcome(
    asked: int, function: Callable[[], Any]
) -> Generator[None, None, tuple[int, Any, str]]:
    """Return what a function returns, or why it did not: a worker loses some exceptions."""
    yield from ()
    try:
        return asked, function(), ""
    except TRSMIError as error:
        return asked, None, str(error)
    except MemoryError:
        return (
            asked,
            None,
            "There is too little memory for that. Close other programs, or ask less.",
        )
    except Exception as error:
        return asked, None, f"That failed with {type(error).__name__}: {error}"

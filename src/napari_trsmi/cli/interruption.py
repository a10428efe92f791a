"""Ctrl-C and SIGTERM: the first press ends the run in good order, the second at once."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from napari_trsmi.training.stop import StopToken

INTERRUPTED = 130
"""The exit code of a command that was interrupted."""


_interrupted = threading.Event()


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt as Ctrl-C does, so that both clean up."""
    _interrupted.clear()
    with _handling(_interrupt, signal.SIGINT, signal.SIGTERM):
        yield


def was_interrupted() -> bool:
    """Whether a signal came: a library's import may have made another error of it."""
    return _interrupted.is_set()


@contextmanager
def stopping(stop: StopToken, *, keep: bool, say: Callable[[str], None]) -> Iterator[None]:
    """Stop a run through its token on the first signal, and abort it on the second.

    Parameters
    ----------
    stop
        The run's token.
    keep
        Whether to keep what was learned so far.
    say
        Tells the user.
    """

    def on_first(_number: int, _frame: FrameType | None) -> None:
        stop.stop(keep=keep)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        say("Stopping after this epoch. Press Ctrl-C again to abort at once.")

    with _handling(on_first, signal.SIGINT, signal.SIGTERM):
        yield


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    _interrupted.set()
    raise KeyboardInterrupt


@contextmanager
def _handling(
    handler: Callable[[int, FrameType | None], None], *numbers: signal.Signals
) -> Iterator[None]:
    previous = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in previous.items():
            signal.signal(number, old)

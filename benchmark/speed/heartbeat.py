"""How long the window's thread does not answer, and what of that is the machine's own doing."""

from __future__ import annotations

import faulthandler
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QEventLoop, QObject, Qt, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

_BEAT = 2  # ms
_LOOK = 5  # ms between two looks at whether something has come about


@dataclass(frozen=True)
class Block:
    """One pause between two beats, all in milliseconds.

    Attributes
    ----------
    whole
        By the clock.
    busy
        Processor time of the window's thread.
    queued
        Time that it was ready and no core was given to it, which is other programs' doing. What is
        left is time in which it waited, for Python's lock most of all.
    """

    whole: float
    busy: float
    queued: float

    @property
    def own(self) -> float:
        """Without the time in which the machine gave it no core."""
        return self.whole - self.queued


class Heartbeat(QObject):
    """A timer of the event loop; what comes late is noted by phase.

    Parameters
    ----------
    stacks
        Where every thread's stack is written when a beat is later than `limit`. It is written
        without Python's lock, so that it says who holds it.
    limit
        In seconds.
    """

    def __init__(self, stacks: TextIO | None = None, limit: float = 0.06) -> None:
        super().__init__()
        self.phase = ""
        self.blocks: dict[str, list[Block]] = {}
        self._stacks, self._limit = stacks, limit
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)
        scheduled = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        # held open: every system call gives Python's lock away and has to wait for it again
        self._scheduled = os.open(scheduled, os.O_RDONLY) if scheduled.exists() else None  # Linux
        self._last = self._now()

    def start(self, phase: str) -> None:
        """Begin to watch."""
        self.phase, self._last = phase, self._now()
        self._timer.start(_BEAT)
        self._arm()

    def stop(self) -> None:
        """Watch no more; what is late already counts."""
        self._on_timeout()
        self._timer.stop()
        if self._stacks is not None:
            faulthandler.cancel_dump_traceback_later()

    def begin(self, phase: str) -> None:
        """What follows belongs to another phase."""
        self._on_timeout()
        self.phase = phase

    def _now(self) -> tuple[float, float, float]:
        queued = 0.0
        if self._scheduled is not None:
            queued = int(os.pread(self._scheduled, 99, 0).split()[1]) / 1e9
        return time.perf_counter(), time.thread_time(), queued

    def _arm(self) -> None:
        if self._stacks is not None:
            faulthandler.dump_traceback_later(self._limit, file=self._stacks)

    def _on_timeout(self) -> None:
        now = self._now()
        block = Block(*(1000 * (new - old) for new, old in zip(now, self._last, strict=True)))
        self.blocks.setdefault(self.phase, []).append(block)
        if self._stacks is not None and block.whole > 1000 * self._limit:
            self._stacks.write(f"^^^ {self.phase}: {block}\n\n")
            self._stacks.flush()
        self._last = now
        self._arm()


def wait(done: Callable[[], object], seconds: float = 3600.0) -> None:
    """Let the event loop run, as a program does, until something is so."""
    if done():
        return
    end = time.monotonic() + seconds
    loop, look = QEventLoop(), QTimer()
    look.timeout.connect(lambda: loop.quit() if done() or time.monotonic() > end else None)
    look.start(_LOOK)
    loop.exec()
    look.stop()
    if not done():
        raise TimeoutError


def settle(seconds: float) -> None:
    """Let the event loop run for a while."""
    end = time.monotonic() + seconds
    wait(lambda: time.monotonic() > end)

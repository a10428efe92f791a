"""How long the window's thread does not answer, and what of that is the machine's own doing."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QEventLoop, QObject, Qt, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

_BEAT = 2  # ms
_LOOK = 5  # ms between two looks at whether something has come about
_DEPTH = 12  # calls of a stack that are written


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
        Time that it was ready and no core was given to it, which is other programs' doing.
    others
        Processor time of the program's other threads.
    """

    whole: float
    busy: float
    queued: float
    others: float

    @property
    def own(self) -> float:
        """The program's own part: it worked, or waited while its other threads worked.

        Waiting while they got no core either, as on a machine that others use, is not counted.
        """
        waited = max(self.whole - self.busy - self.queued, 0.0)
        return self.busy + min(waited, self.others)


class Heartbeat(QObject):
    """A timer of the event loop; what comes late is noted by phase.

    Parameters
    ----------
    stacks
        Where it is written what the other threads did when a beat was late by more than `limit`.
    limit
        In milliseconds of the program's own.
    """

    def __init__(self, stacks: TextIO | None = None, limit: float = 50.0) -> None:
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

    def stop(self) -> None:
        """Watch no more; what is late already counts."""
        self._on_timeout()
        self._timer.stop()

    def begin(self, phase: str) -> None:
        """What follows belongs to another phase."""
        self._on_timeout()
        self.phase = phase

    def _now(self) -> tuple[float, float, float, float]:
        queued = 0.0
        if self._scheduled is not None:
            queued = int(os.pread(self._scheduled, 99, 0).split()[1]) / 1e9
        busy = time.thread_time()
        return time.perf_counter(), busy, queued, time.process_time() - busy

    def _on_timeout(self) -> None:
        now = self._now()
        block = Block(*(1000 * (new - old) for new, old in zip(now, self._last, strict=True)))
        if block.whole > _BEAT:  # all others answered at once
            self.blocks.setdefault(self.phase, []).append(block)
        if self._stacks is not None and block.own > self._limit:
            self._write(block)
        self._last = self._now()

    def _write(self, block: Block) -> None:
        """Write where the other threads are: one that held Python's lock has only just let go."""
        assert self._stacks is not None
        print(f"\n{self.phase}: {block.own:.0f} ms, {block}", file=self._stacks)
        for thread, frame in sys._current_frames().items():
            if thread != threading.get_ident():
                calls = traceback.extract_stack(frame)[-_DEPTH:]
                told = [f"{Path(c.filename).name}:{c.lineno} {c.name}" for c in reversed(calls)]
                print("   ", " < ".join(told), file=self._stacks)
        self._stacks.flush()


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

"""A command in a process of its own, with a time and a memory limit, measured.

Memory is watched from outside and not set as a limit of the process: PyTorch reserves far more
addresses than it uses, so a limit on these ends runs that fit.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_FIRST_LOOK, _LONGEST_LOOK = 0.01, 0.1


@dataclass(frozen=True)
class Limits:
    """What a run may take.

    Attributes
    ----------
    seconds
        By the clock.
    memory
        Bytes of resident memory, of the process and those that it started together.
    """

    seconds: float
    memory: float


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes
    ----------
    outcome
        ``ended`` by itself, or stopped for its time or memory.
    code
        Exit code; negative for a signal.
    seconds, cpu_seconds
        By the clock, and of all its processors.
    memory
        Largest resident memory that was seen, in bytes; pages that processes share count in each.
    """

    outcome: Literal["ended", "over_time", "over_memory"]
    code: int
    seconds: float
    cpu_seconds: float
    memory: int


def run_limited(
    command: Sequence[str],
    limits: Limits,
    *,
    log: Path,
    folder: Path,
    environment: Mapping[str, str],
) -> Ended:
    """Run a command to its end or to its limits.

    Nothing of it is left running afterwards, also when this is interrupted.

    Parameters
    ----------
    command
        Program and arguments.
    limits
        What it may take.
    log
        File that gets all that it prints.
    folder
        Where it runs.
    environment
        Its environment variables.
    """
    with log.open("wb") as printed:
        started = time.perf_counter()
        # a session of its own: Ctrl-C is for us, and we end it
        process = subprocess.Popen(  # noqa: S603  # our own interpreter
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
        )
        watched = _Watched(process.pid)
        try:
            outcome: Literal["ended", "over_time", "over_memory"] = "ended"
            wait = _FIRST_LOOK
            while process.poll() is None:
                watched.look()
                if time.perf_counter() - started > limits.seconds:
                    outcome = "over_time"
                    break
                if watched.in_use > limits.memory:
                    outcome = "over_memory"
                    break
                try:
                    process.wait(wait)
                except subprocess.TimeoutExpired:
                    wait = min(wait * 2, _LONGEST_LOOK)
        finally:
            watched.end()
            code = process.wait()
    return Ended(
        outcome, code, time.perf_counter() - started, watched.cpu_seconds, watched.most_memory
    )


class _Watched:
    """A process and those that it started."""

    def __init__(self, pid: int) -> None:
        self._cpu: dict[tuple[int, float], float] = {}
        self._members: dict[int, psutil.Process] = {}
        self.in_use = 0
        self.most_memory = 0
        with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended already
            self._members[pid] = psutil.Process(pid)

    @property
    def cpu_seconds(self) -> float:
        """What all of them have used, those that have ended as far as they were seen."""
        return sum(self._cpu.values())

    def look(self) -> None:
        """Find new members, and measure all."""
        in_use = 0
        for process in self._tree():
            with contextlib.suppress(psutil.Error), process.oneshot():
                times = process.cpu_times()
                in_use += process.memory_info().rss
                self._cpu[process.pid, process.create_time()] = times.user + times.system
        self.in_use = in_use
        self.most_memory = max(self.most_memory, in_use)

    def end(self) -> None:
        """Kill whatever still runs."""
        for process in self._tree():
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _tree(self) -> list[psutil.Process]:
        """All members; those whose parent has ended stay members."""
        for member in list(self._members.values()):
            with contextlib.suppress(psutil.Error):
                for child in member.children(recursive=True):
                    self._members.setdefault(child.pid, child)
        return list(self._members.values())

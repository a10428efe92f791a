"""Runs that are started and stopped at random moments in one window, with docks opened and closed.

    xvfb-run -a -s "-screen 0 1400x900x24" python benchmark/speed/sessions.py [--runs 200]

Prints a verdict, and fails if memory grew by more than 5 MiB, a thread is left, or something was
raised and not handled. It runs under faulthandler.

Memory is what the process has made (resident less what it maps of files, with what is swapped out),
at rest: runs and their layers gone, garbage collected, and what the allocator keeps for later given
back (malloc_trim), before and after alike. Libraries are left out, as their pages count for one
process as soon as another one that has them ends. It is looked at after a fifth of the runs, 10 at
least, in which libraries fill their caches, and then every tenth. Where it grows, the number of
Python's objects says whether things are kept (it grows too) or the allocator's memory is in pieces
(it does not); --trace says which lines made what was kept.
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import gc
import random
import sys
import threading
import time
import traceback
import tracemalloc
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import napari
import psutil
from napari.layers import Layer
from qtpy.QtTest import QTest

from napari_trsmi.config import Config
from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.viewer.section.layers import spots_data
from napari_trsmi.widgets.common.room import Room, open_room
from napari_trsmi.widgets.common.worker import _unfinished as unfinished
from napari_trsmi.widgets.domains.dock import DomainsDock
from napari_trsmi.widgets.integrate.dock import IntegrateDock

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_PATIENCE = 300.0  # s
_LONGEST = 1.5  # s after which a run is stopped
_GROWTH = 5 * 2**20  # bytes that are let pass
_MIB = 2**20
_QUIET = 3000  # ms after which garbage that runs set aside is looked through
_TOLD = 8  # kinds of objects and lines


@dataclass(frozen=True)
class AtRest:
    """What is held between two runs."""

    memory: int
    objects: Counter[str]
    traced: tracemalloc.Snapshot | None

    @classmethod
    def of(cls, viewer: napari.Viewer) -> AtRest:
        """Take the runs' layers away, and look."""
        while len(viewer.layers) > 1:
            viewer.layers.pop()
        wait(lambda: not unfinished)
        QTest.qWait(_QUIET)
        for _ in range(3):
            gc.collect()
            QTest.qWait(100)
        give_back()
        process = psutil.Process()
        found, swapped = process.memory_info(), process.memory_full_info()
        objects = Counter(type(thing).__name__ for thing in gc.get_objects())
        traced = tracemalloc.take_snapshot() if tracemalloc.is_tracing() else None
        own = found.rss - getattr(found, "shared", 0) + getattr(swapped, "swap", 0)
        return cls(own, objects, traced)

    def tell_since(self, before: AtRest) -> None:
        """Print what there is more of."""
        more = self.objects - before.objects
        print(f"objects: {before.objects.total():,}, then {self.objects.total():,}; more: ", end="")
        print(", ".join(f"{count} {name}" for name, count in more.most_common(_TOLD)) or "none")
        if self.traced is not None and before.traced is not None:
            for line in self.traced.compare_to(before.traced, "lineno")[:_TOLD]:
                print("   ", line)


def give_back() -> None:
    """Have the C library's allocator give free memory back to the system, where it can."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        return


def wait(done: Callable[[], object]) -> None:
    """Let the window work until something is so."""
    end = time.monotonic() + _PATIENCE
    while not done():
        if time.monotonic() > end:
            raise TimeoutError
        QTest.qWait(5)


def close_dock(viewer: napari.Viewer, room: Room) -> None:
    """Close a dock as its cross does, whatever it is doing."""
    viewer.window.remove_dock_widget(room.parentWidget())


def run_once(viewer: napari.Viewer, chance: random.Random) -> str:
    """Start a run, end it at a random moment in a random way, and say how it ended."""
    dock, _ = open_room(viewer, IntegrateDock)
    wait(dock.panel.run.isEnabled)
    small = {"n_domains": 3, "n_components": 5, "embedding_dim": 5}
    epochs = chance.choice((0, 0, 3, 100_000))
    dock.form.set_config(Config(**small, epochs=epochs, feature_neighbors=5, align_neighbors=4))
    wait(dock.panel.run.isEnabled)
    assert dock.start()
    end = time.monotonic() + chance.uniform(0, _LONGEST)
    while dock.controller.running and time.monotonic() < end:
        QTest.qWait(5)
    how = chance.random()
    if dock.controller.running and how < 0.15:  # the dock goes, and its run with it
        close_dock(viewer, dock)
        ended = "closed"
    elif dock.controller.running:
        dock.controller.stop(keep=how < 0.4)
        wait(lambda: not dock.controller.running and not dock._adding)
        ended = "stopped"
    else:
        wait(lambda: not dock._adding)
        ended = "whole"
    domains = viewer.window._qt_window.findChildren(DomainsDock)
    if domains and chance.random() < 0.1:
        close_dock(viewer, domains[0])
    for layer in list(viewer.layers)[1:]:
        if chance.random() < 0.9:
            viewer.layers.remove(layer)
    return ended


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trace", action="store_true", help="Say what lines made what is kept.")
    options = parser.parse_args()
    faulthandler.enable()
    if options.trace:
        tracemalloc.start(4)
    chance = random.Random(options.seed)  # noqa: S311
    raised: list[str] = []

    def tell(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        raised.append(f"{kind.__name__}: {error}")
        traceback.print_exception(kind, error, where)

    sys.excepthook = tell
    threading.excepthook = lambda given: raised.append(f"{given.exc_type}: {given.exc_value}")

    viewer = napari.Viewer()
    sizes = {"rna": 20, "protein": 8}
    section = simulate(n_spots=60, modalities=("rna", "protein"), n_features=sizes, image=False)
    viewer.add_layer(Layer.create(*spots_data(section, "spots")))
    ended: Counter[str] = Counter()
    warm = max(options.runs // 5, 10)
    threads = {thread.name for thread in threading.enumerate()}
    before: AtRest | None = None
    now: AtRest | None = None
    for run in range(1, options.runs + 1):
        ended[run_once(viewer, chance)] += 1
        if run == warm or (run > warm and run % max(options.runs // 10, 10) == 0):
            now = AtRest.of(viewer)
            before = before or now
            print(f"{run} runs: {now.memory / _MIB:.1f} MiB, {dict(ended)}", flush=True)
    assert before is not None
    assert now is not None
    grown = now.memory - before.memory
    left = sorted({thread.name for thread in threading.enumerate()} - threads)
    print(f"grown by {grown / _MIB:.1f} MiB since run {warm}")
    now.tell_since(before)
    print(f"threads left: {left}")
    print(f"not handled: {raised}")
    viewer.close()
    good = not left and not raised and grown <= _GROWTH
    print("GOOD" if good else "NOT GOOD")
    sys.exit(not good)


if __name__ == "__main__":
    main()

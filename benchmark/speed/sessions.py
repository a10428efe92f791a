"""Runs that are started and stopped at random moments in one window, with docks opened and closed.

    xvfb-run -a -s "-screen 0 1400x900x24" python benchmark/speed/sessions.py [--runs 200]

Prints how much memory grew from a tenth of the runs on, which threads are left, and what was raised
and not handled. It runs under faulthandler, and fails on any of the three.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import random
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING

import napari
import psutil
from napari.layers import Layer
from qtpy.QtTest import QTest

from napari_trsmi.config import Config
from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.viewer.domains.layer import shows_domains
from napari_trsmi.viewer.section.layers import spots_data
from napari_trsmi.widgets.common.room import Room, open_room
from napari_trsmi.widgets.common.worker import _unfinished as unfinished
from napari_trsmi.widgets.domains.dock import DomainsDock
from napari_trsmi.widgets.integrate.dock import IntegrateDock

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_PATIENCE = 60.0  # s
_LONGEST = 1.5  # s after which a run is stopped
_GROWTH = 5 * 2**20  # bytes that are let pass
_MIB = 2**20
_QUIET = 3000  # ms after which garbage that runs set aside is looked through


def wait(done: Callable[[], object]) -> None:
    """Let the window work until something is so."""
    end = time.monotonic() + _PATIENCE
    while not done():
        if time.monotonic() > end:
            raise TimeoutError
        QTest.qWait(5)


def held_by(process: psutil.Process) -> int:
    """Bytes that are the process's own, also those that the machine has swapped out."""
    found = process.memory_full_info()
    return found.uss + getattr(found, "swap", 0)


def close_dock(viewer: napari.Viewer, room: Room) -> None:
    """Close a dock as its cross does, whatever it is doing."""
    viewer.window.remove_dock_widget(room.parentWidget())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    faulthandler.enable()
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
    small = {"n_domains": 3, "n_components": 5, "embedding_dim": 5}
    process, ended, before = psutil.Process(), {"whole": 0, "stopped": 0, "closed": 0}, 0
    first = max(options.runs // 100 * 10, 10)
    threads = threading.active_count()
    for run in range(options.runs):
        dock, _ = open_room(viewer, IntegrateDock)
        wait(dock.panel.run.isEnabled)
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
            ended["closed"] += 1
        elif dock.controller.running:
            dock.controller.stop(keep=how < 0.4)
            wait(lambda dock=dock: not dock.controller.running and not dock._adding)
            ended["stopped"] += 1
        else:
            wait(lambda dock=dock: not dock._adding)
            ended["whole"] += 1
        domains = viewer.window._qt_window.findChildren(DomainsDock)
        if domains and chance.random() < 0.1:
            close_dock(viewer, domains[0])
        for layer in list(viewer.layers)[1:]:
            if shows_domains(layer) or chance.random() < 0.9:
                viewer.layers.remove(layer)
        if run % 10 == 9:
            wait(lambda: not unfinished)
            gc.collect()
            memory = held_by(process)
            if run == first - 1:
                before = memory
            print(f"{run + 1} runs: {memory / _MIB:.0f} MiB, {ended}", flush=True)
    viewer.layers.clear()
    wait(lambda: not unfinished)
    QTest.qWait(_QUIET)
    for _ in range(3):
        gc.collect()
        QTest.qWait(200)
    grown = held_by(process) - before
    names = [thread.name for thread in threading.enumerate()]
    left = [name for name in names if name.startswith("TRSMI")]
    print(f"grown by {grown / _MIB:.1f} MiB since run {first}")
    print(f"threads of runs left: {left}; in all {threads} before, {len(names)} after")
    print(f"not handled: {raised}")
    viewer.close()
    if left or raised or grown > _GROWTH:
        sys.exit(1)


if __name__ == "__main__":
    main()

"""The longest time that the window does not answer while the mouse brain is trained in the dock.

    xvfb-run -a -s "-screen 0 1400x900x24" python benchmark/speed/responsiveness.py [--repeats 3]

A timer of the event loop is to fire every millisecond. What is printed is how late it was, by phase
of the run. "result" is the three seconds after it, in which the layer of domains is added: that is
napari's own work, and drawing by software is most of it without a GPU, so an empty Points layer is
added at the end for comparison.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import napari
from napari.layers import Layer
from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtWidgets import QApplication

from napari_trsmi.training.report import EpochReport
from napari_trsmi.viewer.run.job import Finished
from napari_trsmi.viewer.section.layers import spots_data
from napari_trsmi.widgets.integrate.dock import IntegrateDock
from trsmi_benchmark.data.sections import CASES

if TYPE_CHECKING:
    from collections.abc import Callable

_LIMIT = 100.0  # milliseconds


class Watch(QObject):
    """Notes how late a timer of the event loop is."""

    def __init__(self) -> None:
        super().__init__()
        self.phase = ""
        self.late: dict[str, list[float]] = defaultdict(list)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)
        self._last = 0.0

    def start(self) -> None:
        """Begin anew."""
        self.late.clear()
        self._last = time.perf_counter()
        self._timer.start(1)

    def stop(self) -> None:
        """Watch no more."""
        self._timer.stop()

    def _on_timeout(self) -> None:
        now = time.perf_counter()
        self.late[self.phase].append(1000 * (now - self._last))
        self._last = now


def wait(condition: Callable[[], bool]) -> None:
    application = QApplication.instance()
    assert application is not None
    while not condition():
        application.processEvents()
        time.sleep(0.0005)


def settle(seconds: float) -> None:
    end = time.perf_counter() + seconds
    wait(lambda: time.perf_counter() > end)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--n-domains", type=int)
    parser.add_argument("--epochs", type=int)
    options = parser.parse_args()
    case = CASES["mouse_brain_p22"]
    viewer = napari.Viewer()
    viewer.add_layer(Layer.create(*spots_data(case.load().data, case.name)))
    dock = IntegrateDock(viewer)
    viewer.window.add_dock_widget(dock, name="Integrate")
    wait(lambda: dock.panel.run.isEnabled())
    changes = {"n_domains": options.n_domains, "epochs": options.epochs}
    changes = {name: value for name, value in changes.items() if value is not None}
    dock.form.set_config(dock.form.config().replace(**changes))

    watch = Watch()

    def on_step(step: object) -> None:
        watch.phase = "training" if isinstance(step, EpochReport) else str(step)

    def on_end(outcome: object, _notes: object) -> None:
        watch.phase = "result"
        outcomes.append(outcome)

    outcomes: list[object] = []
    dock.controller.stepped.connect(on_step)
    dock.controller.ended.connect(on_end)
    print("| run | phase | seconds | longest block, ms | blocks over 50 ms |")
    print("|---|---|---|---|---|")
    worst = 0.0
    for run in range(1, options.repeats + 1):
        watch.phase = "start"
        watch.start()
        assert dock.start()
        wait(lambda: not dock.controller.running)
        settle(3)
        watch.stop()
        assert isinstance(outcomes[-1], Finished), outcomes[-1]
        for phase, late in watch.late.items():
            if phase != "result":
                worst = max(worst, *late)
            print(
                f"| {run} | {phase} | {sum(late) / 1000:.1f} | {max(late):.0f} "
                f"| {sum(block > _LIMIT / 2 for block in late)} |",
                flush=True,
            )
    watch.phase = "empty"
    watch.start()
    viewer.add_points(name="empty")
    settle(3)
    watch.stop()
    print(f"For comparison, an empty Points layer: {max(watch.late['empty']):.0f} ms")
    verdict = "below" if worst < _LIMIT else "ABOVE"
    print(f"Longest block of the event loop during a run: {worst:.0f} ms, {verdict} {_LIMIT:g} ms")
    viewer.close()


if __name__ == "__main__":
    main()

"""The longest time that the window does not answer: while a run goes on, and to what a person does.

    xvfb-run -a -s "-screen 0 1400x900x24" python benchmark/speed/responsiveness.py
        [--spots 10000 100000] [--case mouse_brain_p22] [--epochs 3] [--stacks FILE]

A timer of the event loop is to fire every 2 milliseconds. What is printed is how late it was: in an
idle window first, which is what this machine does to any program, then in every phase of a run of
simulated RNA and protein (or of a section), then in all that is done to its domains.

"Longest" is by the clock, "own" the longest that is this program's doing: its window's thread
worked, or waited for Python's lock while its other threads worked ("busy" is the former alone).
On a machine that others use as well the clock says more about them. Drawing is part of it: without
a GPU Mesa draws, and "a frame" says what one unchanged frame takes.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import napari
import numpy as np
from heartbeat import Heartbeat, settle, wait
from napari.layers import Layer
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QComboBox, QWidget

from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.training.report import EpochReport
from napari_trsmi.viewer.run.job import Finished
from napari_trsmi.viewer.section.layers import spots_data
from napari_trsmi.widgets.common.room import open_room
from napari_trsmi.widgets.domains.dock import DomainsDock
from napari_trsmi.widgets.integrate.dock import IntegrateDock
from napari_trsmi.widgets.landmarks.dock import LandmarksDock
from napari_trsmi.widgets.plots.dock import PlotsDock
from napari_trsmi.widgets.public_data.dock import PublicDataDock

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_trsmi.data.dataset import SpatialOmics

_RUN_LIMIT, _ACT_LIMIT = 100.0, 200.0  # ms
_PAUSE = 1.0  # s after each thing that is done
_BEFORE, _DURING, _AFTER = "before", "run", "after"


class Session:
    """One window with one section in it, watched."""

    def __init__(self, dataset: SpatialOmics, heartbeat: Heartbeat) -> None:
        self.watch = heartbeat
        self.watch.blocks.clear()
        self.kinds: dict[str, str] = {}
        self.viewer = napari.Viewer()
        self.dataset = dataset
        self.outcomes: list[object] = []

    def do(self, name: str, action: Callable[[], object], kind: str = _AFTER) -> None:
        """Do one thing, and watch until the window has come to rest."""
        self.kinds[name] = kind
        self.watch.begin(name)
        action()
        settle(_PAUSE)
        self.watch.begin("")

    def open(self) -> IntegrateDock:
        """Show the section and the first dock."""
        self.watch.start("")
        settle(1)
        self.do("idle window", lambda: settle(2), _BEFORE)
        section = spots_data(self.dataset, "spots")
        self.do("show the spots", lambda: self.viewer.add_layer(Layer.create(*section)), _BEFORE)
        self.viewer.reset_view()
        opened: list[IntegrateDock] = []

        def show() -> None:
            opened.append(open_room(self.viewer, IntegrateDock)[0])
            wait(opened[0].panel.run.isEnabled)

        self.do("open Integrate", show, _BEFORE)
        return opened[0]

    def run(self, dock: IntegrateDock, changes: dict[str, int]) -> None:
        """Run, from the click to the domains on the canvas."""
        dock.form.set_config(dock.form.config().replace(**changes))
        wait(dock.panel.run.isEnabled)

        def on_step(step: object) -> None:
            phase = "training" if isinstance(step, EpochReport) else str(step)
            self.kinds.setdefault(phase, _DURING)
            self.watch.begin(phase)

        def on_end(outcome: object, _notes: object) -> None:
            self.outcomes.append(outcome)
            self.kinds["show the result"] = _AFTER
            self.watch.begin("show the result")

        dock.controller.stepped.connect(on_step)
        dock.controller.ended.connect(on_end)
        self.kinds["start"] = _DURING
        self.watch.begin("start")
        dock.panel.run.click()
        wait(lambda: self.outcomes and not dock._adding)
        settle(3)
        self.watch.begin("")
        assert isinstance(self.outcomes[-1], Finished), self.outcomes[-1]

    def look_around(self) -> None:
        """Do what a person does to domains."""
        dock, _ = open_room(self.viewer, DomainsDock)
        domains = dock.domains
        assert domains is not None
        edits, legend = domains.edits, dock.legend.legend
        canvas = self.viewer.window._qt_viewer.canvas

        def frame() -> None:
            canvas.on_draw(None)
            canvas._scene_canvas.render()

        self.do("a frame", frame, _BEFORE)
        self.do("pan", lambda: drag(canvas.native))
        self.do("zoom", lambda: turn_wheel(canvas.native))
        self.do("move the pointer", lambda: hover(canvas.native))
        self.do("select a domain", lambda: dock.legend.selectRow(1))
        self.do("recolour a domain", lambda: edits.recolor("1", "#ff0000"))
        self.do("hide a domain", lambda: legend.turn(["2"]))
        self.do("show it", lambda: legend.turn(["2"]))
        self.do("undo", edits.undo)
        self.do("rename a domain", lambda: edits.rename("3", "white matter"))
        if edits.scales:
            self.do("move the scale", lambda: dock.scale.slider.setValue(1))
            self.do("move it back", lambda: dock.scale.slider.setValue(len(edits.scales) - 1))
        self.do("first legend", dock.canvas_legend.box.click)
        self.do("recolour with a legend", lambda: edits.recolor("1", "#00ff00"))
        row = dock.color_by.what.findText("Confidence", Qt.MatchFlag.MatchContains)
        self.do("colour by confidence", lambda: choose(dock.color_by.what, row))
        self.do("colour by domain", lambda: choose(dock.color_by.what, 0))
        self.do("opacity", lambda: dock.appearance.opacity.setValue(40))
        self.do("size", lambda: dock.appearance.enlarge.setValue(80))
        for at in range(1, dock.tabs.count()):
            if dock.tabs.isTabVisible(at):
                self.do(f"tab {dock.tabs.tabText(at)}", lambda at=at: dock.tabs.setCurrentIndex(at))
        for kind in (PlotsDock, LandmarksDock, PublicDataDock):
            name = kind.menu_name.partition(" (")[0]
            self.do(f"open {name}", lambda kind=kind: open_room(self.viewer, kind))

    def tell(self, n_spots: int) -> bool:
        """Print a row for each thing; return whether all were quick enough."""
        good = True
        for name, kind in self.kinds.items():
            found = self.watch.blocks.get(name, [])
            if not found:
                continue
            worst = max(found, key=lambda block: block.own)
            limit = {_DURING: _RUN_LIMIT, _AFTER: _ACT_LIMIT}.get(kind)
            verdict = "" if limit is None else "yes" if worst.own <= limit else f"over {limit:g}"
            good &= not verdict.startswith("over")
            longest = max(block.whole for block in found)
            times = " | ".join(f"{ms:.0f}" for ms in (longest, worst.own, worst.busy))
            print(f"| {n_spots:,} | {kind} | {name} | {times} | {verdict} |", flush=True)
        return good

    def close(self) -> None:
        """Close the window."""
        self.watch.stop()
        self.viewer.close()
        settle(1)


def choose(box: QComboBox, row: int) -> None:
    """Choose a row of a combo box as a person does."""
    box.setCurrentIndex(row)
    box.activated.emit(row)


def drag(canvas: QWidget) -> None:
    """Pan back and forth."""
    at = canvas.rect().center()
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    for step in range(10):
        QTest.mouseMove(canvas, at + QPoint(4 * step, 3 * step))
        settle(0.05)
    end = at + QPoint(36, 27)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)


def hover(canvas: QWidget) -> None:
    """Move the pointer over the spots."""
    at = canvas.rect().center()
    for step in range(10):
        QTest.mouseMove(canvas, at + QPoint(-5 * step, 4 * step))
        settle(0.05)


def turn_wheel(canvas: QWidget) -> None:
    """Zoom in and out again."""
    at = QPointF(canvas.rect().center())
    for way in (120, 120, 120, -120, -120, -120):
        event = QWheelEvent(
            at,
            QPointF(canvas.mapToGlobal(at.toPoint())),
            QPoint(0, 0),
            QPoint(0, way),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(canvas, event)
        settle(0.05)


def section(n_spots: int) -> SpatialOmics:
    """Make a section of simulated RNA and protein."""
    sizes = {"rna": 100, "protein": 50}
    return simulate(
        "published",
        n_spots=n_spots,
        modalities=("rna", "protein"),
        n_features=sizes,
        image=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--case", help="A section of the benchmark in place of simulated ones.")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--n-domains", type=int, default=5)
    parser.add_argument("--stacks", type=Path, help="Where to write stacks of long blocks.")
    options = parser.parse_args()
    faulthandler.enable()
    warnings.simplefilter("ignore")
    np.random.seed(0)  # noqa: NPY002 (thumbnails)
    if options.case:
        from trsmi_benchmark.data.sections import CASES

        sections = [lambda: CASES[options.case].load().data]
    else:
        sections = [lambda n_spots=n_spots: section(n_spots) for n_spots in options.spots]
    changes = {"n_domains": options.n_domains, "epochs": options.epochs}
    stacks = options.stacks.open("w", encoding="utf-8") if options.stacks else None
    heartbeat, good = Heartbeat(stacks), True
    print("| spots | when | what | longest, ms | own, ms | busy, ms | quick enough |")
    print("|---|---|---|---|---|---|---|")
    for load in sections:
        session = Session(load(), heartbeat)
        session.run(session.open(), changes)
        session.look_around()
        good &= session.tell(session.dataset.n_spots)
        session.close()
    print("All quick enough." if good else "NOT all quick enough.")
    sys.exit(not good)


if __name__ == "__main__":
    main()

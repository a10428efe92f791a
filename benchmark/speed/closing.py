"""Windows and docks that are closed at random moments of a run, under faulthandler.

    xvfb-run -a -s "-screen 0 1400x900x24" python benchmark/speed/closing.py [--sessions 100]

A session is a window with a section, docks and a run, of which docks are closed, layers removed and
at last the window, as its cross does, at random moments; what it asks is answered by its buttons.
Some sessions follow each other in one process, whose last one ends the program over its run.
Prints a verdict, and fails if a process crashed, ended otherwise than well, raised something that
was not handled, or did not end.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time

_TOGETHER = 5  # sessions of one process
_PATIENCE = 900  # s for a process
_SPAN = 2.0  # s in which things happen
_SAID = 4000  # characters of what a process that failed has said
_BAD = ("Fatal Python error", "Traceback (most recent call last)", "Segmentation fault")


def session(chance: random.Random, *, last: bool) -> str:
    """Open a window, start a run, and close things; return what was done."""
    import napari
    from napari.layers import Layer
    from qtpy.QtCore import QTimer
    from qtpy.QtTest import QTest

    from napari_trsmi.config import Config
    from napari_trsmi.data.simulated.simulation import simulate
    from napari_trsmi.viewer.section.layers import spots_data
    from napari_trsmi.widgets.common.room import Room, open_room
    from napari_trsmi.widgets.domains.dock import DomainsDock
    from napari_trsmi.widgets.integrate.dock import IntegrateDock
    from napari_trsmi.widgets.landmarks.dock import LandmarksDock
    from napari_trsmi.widgets.plots.dock import PlotsDock

    viewer = napari.Viewer()
    sizes = {"rna": 20, "protein": 8}
    section = simulate(
        n_spots=chance.choice((60, 600)),
        modalities=("rna", "protein"),
        n_features=sizes,
        image=chance.random() < 0.5,
    )
    viewer.add_layer(Layer.create(*spots_data(section, "spots")))
    dock, _ = open_room(viewer, IntegrateDock)
    for kind in (DomainsDock, PlotsDock, LandmarksDock):
        if chance.random() < 0.5:
            open_room(viewer, kind)
    while not dock.panel.run.isEnabled():
        QTest.qWait(10)
    small = {"n_domains": 3, "n_components": 5, "embedding_dim": 5}
    epochs = chance.choice((0, 3, 100_000))
    dock.form.set_config(Config(**small, epochs=epochs, feature_neighbors=5, align_neighbors=4))
    QTest.qWait(300)
    dock.start()
    done = []
    window = viewer.window._qt_window
    for _ in range(chance.randrange(4)):
        QTest.qWait(int(1000 * chance.uniform(0, _SPAN / 2)))
        what = chance.choice(("dock", "layer", "stop", "again", "float"))
        rooms = [room for room in window.findChildren(Room) if room.parentWidget() is not None]
        if what == "dock" and rooms:
            viewer.window.remove_dock_widget(chance.choice(rooms).parentWidget())
        elif what == "layer" and viewer.layers:
            viewer.layers.pop(chance.randrange(len(viewer.layers)))
        elif what == "float" and rooms:
            chance.choice(rooms).parentWidget().setFloating(True)
        elif what in ("stop", "again") and dock in rooms:
            dock.controller.stop(keep=chance.random() < 0.5)
            if what == "again":
                dock.start()
        done.append(what)
    answering = QTimer()
    answering.timeout.connect(answer)
    answering.start(20)
    delay = int(1000 * chance.uniform(0, _SPAN))
    if last:
        QTimer.singleShot(delay, window.close)
        napari.run()
        return f"{done}, program ended"
    QTest.qWait(delay)
    window.close()
    QTest.qWait(int(1000 * chance.uniform(0, 0.5)))
    answering.stop()
    return f"{done}, window closed"


def answer() -> None:
    """Answer the question whether a window is to be closed."""
    from qtpy.QtWidgets import QAbstractButton, QApplication, QDialog

    asked = QApplication.activeModalWidget()
    if isinstance(asked, QDialog):
        for button in asked.findChildren(QAbstractButton):
            if button.text().replace("&", "") in ("Close", "OK", "Yes"):
                button.click()
                return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--process", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.process is not None:
        chance = random.Random(options.process)  # noqa: S311
        for number in range(options.sessions):
            print(session(chance, last=number == options.sessions - 1), flush=True)
        return
    bad, passed, started = 0, 0, time.monotonic()
    for process in range(options.seed, options.seed + -(-options.sessions // _TOGETHER)):
        command = [sys.executable, "-X", "faulthandler", __file__, "--process", str(process)]
        try:
            ran = subprocess.run(
                [*command, "--sessions", str(_TOGETHER)],
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
                check=False,
            )
            code, said = ran.returncode, ran.stdout + ran.stderr
        except subprocess.TimeoutExpired as late:
            code, said = -1, f"It did not end. {late.stdout!r} {late.stderr!r}"
        fine = code == 0 and not any(sign in said for sign in _BAD)
        bad += not fine
        passed += _TOGETHER
        print(
            f"{passed} sessions, {bad} processes bad, {time.monotonic() - started:.0f} s",
            flush=True,
        )
        if not fine:
            print(f"process {process} ended with {code}:\n{said[-_SAID:]}", flush=True)
    print("GOOD" if not bad else "NOT GOOD")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()

"""The thread of runs and of work in the background: its warnings, its end, and what it leaves."""

import subprocess
import sys
import threading
import warnings

import pytest

from napari_trsmi.errors import TRSMIWarning
from napari_trsmi.training.stop import StopToken
from napari_trsmi.viewer.run.job import Stopped
from napari_trsmi.widgets.common.background import Background
from napari_trsmi.widgets.common.worker import Worker, end_all
from napari_trsmi.widgets.common.worker import _unfinished as unfinished


def make_worker(steps):
    """Make a worker as a run has it."""
    stop = StopToken()
    return Worker(steps, None, stop, stop=stop.stop)


def finish(worker):
    """Start, and wait for the end."""
    worker.start()
    assert worker.wait(10)


def test_its_own_warnings_are_notes_and_the_libraries_are_dropped(qtbot):
    def steps(job, stop):
        warnings.warn("few spots", TRSMIWarning, stacklevel=1)
        warnings.warn("a library's", UserWarning, stacklevel=1)
        yield 1
        warnings.warn("few spots", TRSMIWarning, stacklevel=1)
        go_on = threading.Thread(target=lambda: warnings.warn("other", UserWarning, stacklevel=1))
        go_on.start()
        go_on.join()
        return Stopped()

    worker = make_worker(steps)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = warnings.showwarning
        finish(worker)
        assert warnings.showwarning is before
    assert worker.notes == ["few spots", "few spots"]
    assert [str(warning.message) for warning in caught] == ["other"]


def test_other_threads_keep_their_warnings(qtbot):
    go_on = threading.Event()

    def steps(job, stop):
        yield 1
        go_on.wait(10)
        return Stopped()

    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_: seen.append(str(message))
        worker = make_worker(steps)
        with qtbot.waitSignal(worker.yielded, timeout=10_000):
            worker.start()
        warnings.warn("of the window", UserWarning, stacklevel=1)
        with qtbot.waitSignal(worker.finished, timeout=10_000):
            go_on.set()
    assert seen == ["of the window"]


def test_two_that_overlap_leave_the_warnings_as_they_were(qtbot):
    """Those of superqt would leave a hook behind for good."""
    gates = [threading.Event(), threading.Event()]
    count = iter(gates)

    def steps(job, stop):
        gate = next(count)
        yield 1
        gate.wait(10)
        return Stopped()

    before = warnings.showwarning
    workers = [make_worker(steps), make_worker(steps)]
    for worker in workers:
        with qtbot.waitSignal(worker.yielded, timeout=10_000):
            worker.start()
    for worker, gate in zip(workers, gates, strict=True):
        with qtbot.waitSignal(worker.finished, timeout=10_000):
            gate.set()
    assert warnings.showwarning is before


def test_a_hook_that_others_put_back_late_harms_nobody(qtbot):
    """As `warnings.catch_warnings` does, when it ends after the work that began inside it."""
    gate = threading.Event()

    def steps(job, stop):
        yield 1
        gate.wait(10)
        return Stopped()

    before = warnings.showwarning
    worker = make_worker(steps)
    with qtbot.waitSignal(worker.yielded, timeout=10_000):
        worker.start()
    ours = warnings.showwarning
    assert ours is not before
    with qtbot.waitSignal(worker.finished, timeout=10_000):
        gate.set()
    try:
        warnings.showwarning = ours
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("of nobody's work", UserWarning, stacklevel=1)
        again = make_worker(lambda job, stop: iter(()))
        again.start()
        assert again.wait(10)
        qtbot.waitUntil(lambda: again not in unfinished)
    finally:
        warnings.showwarning = before


def test_a_run_keeps_its_notes_beside_work_in_the_background(qtbot):
    gate = threading.Event()

    def steps(job, stop):
        yield 1
        gate.wait(10)
        warnings.warn("few spots", TRSMIWarning, stacklevel=1)
        return Stopped()

    before = warnings.showwarning
    backgrounds = [Background(), Background()]
    releases = [threading.Event(), threading.Event()]
    for background, release in zip(backgrounds, releases, strict=True):
        background.start(release.wait, 10)
    worker = make_worker(steps)
    with qtbot.waitSignal(worker.yielded, timeout=10_000):
        worker.start()
    for background, release in zip(backgrounds, releases, strict=True):
        with qtbot.waitSignal(background.finished, timeout=10_000):
            release.set()
    with qtbot.waitSignal(worker.finished, timeout=10_000):
        gate.set()
    assert worker.notes == ["few spots"]
    assert warnings.showwarning is before


def test_what_cannot_be_ended_is_told_all_the_same(qtbot):
    def steps():
        yield 1
        return "done"

    worker = Worker(steps)
    worker.quit()
    with qtbot.waitSignal(worker.returned, timeout=10_000) as told:
        worker.start()
    assert told.args == ["done"]


def test_quitting_ends_the_generator_in_good_order(qtbot):
    ended = []

    def steps(job, stop):
        try:
            while not stop.stopped:
                yield 1
            return Stopped()
        finally:
            ended.append(threading.current_thread() is not threading.main_thread())

    worker = make_worker(steps)
    with qtbot.waitSignal(worker.yielded, timeout=10_000):
        worker.start()
    assert not worker.wait(0)
    with qtbot.waitSignal(worker.returned, timeout=10_000) as caught:
        worker.quit()
    assert isinstance(caught.args[0], Stopped)
    assert ended == [True]
    qtbot.waitUntil(lambda: worker not in unfinished)


def test_a_vanished_signal_is_no_crash(qtbot, monkeypatch):
    """At the end of the program Qt deletes what the worker signals with."""

    def steps(job, stop):
        yield 1
        return Stopped()

    class Gone:
        def __getattr__(self, name):
            raise RuntimeError("wrapped C/C++ object has been deleted")

    worker = make_worker(steps)
    monkeypatch.setattr(Worker, "returned", Gone())
    monkeypatch.setattr(Worker, "finished", Gone())
    finish(worker)


def test_all_are_ended_and_waited_for(qtbot):
    def steps(job, stop):
        while not stop.stopped:
            yield 1
        return Stopped()

    workers = [make_worker(steps), make_worker(steps)]
    for worker in workers:
        with qtbot.waitSignal(worker.yielded, timeout=10_000):
            worker.start()
    end_all()
    assert all(worker.wait(0) for worker in workers)
    qtbot.waitUntil(lambda: not unfinished)


PROGRAM = """
import napari, sys, threading
from napari.layers import Layer
from napari_trsmi import simulate, Config
from napari_trsmi.viewer.section.layers import spots_data
from napari_trsmi.widgets.integrate.dock import IntegrateDock
from qtpy.QtCore import QTimer
section = simulate(n_spots=300, modalities=("rna", "protein"), image=False)
viewer = napari.Viewer(show=True)
viewer.add_layer(Layer.create(*spots_data(section, "spots")))
dock = IntegrateDock(viewer)
viewer.window.add_dock_widget(dock)
dock.form.set_config(Config(epochs=100_000, feature_neighbors=5))
def poll():
    if dock.panel.run.isEnabled():
        timer.stop()
        assert dock.start()
        dock.controller.stepped.connect(on_step)
def on_step(step):
    if getattr(step, "epoch", 0) == 2:
        print("LEAVES", flush=True)
        {leave}
timer = QTimer()
timer.timeout.connect(poll)
timer.start(20)
napari.run(force=True)
print("LEFT", flush=True)
"""


@pytest.mark.usefixtures("real_window")
@pytest.mark.parametrize("leave", ["viewer.close()", "sys.exit(0)", "app.exit()"])
def test_a_program_can_end_while_a_run_goes_on(leave):
    leave = {
        # quit() closes the windows first, which a run may keep a person from
        "app.exit()": "from qtpy.QtWidgets import QApplication; QApplication.exit(0)",
        "sys.exit(0)": "QTimer.singleShot(0, lambda: sys.exit(0))",
    }.get(leave, leave)
    code = PROGRAM.replace("{leave}", leave)
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
    assert "LEAVES" in ran.stdout, ran.stderr[-2000:]
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "Traceback" not in ran.stderr

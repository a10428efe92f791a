"""The thread of a run: its warnings, its end, and what is left of the process's own state."""

import subprocess
import sys
import threading
import warnings

import pytest
from superqt.utils import GeneratorWorker

from napari_trsmi.errors import TRSMIWarning
from napari_trsmi.training.stop import StopToken
from napari_trsmi.viewer.run import job as run_job
from napari_trsmi.viewer.run.job import Stopped
from napari_trsmi.widgets.integrate import worker as run_worker
from napari_trsmi.widgets.integrate.worker import RunWorker, end_all


@pytest.fixture
def make_worker(monkeypatch):
    """Make a worker whose steps are given."""

    def make(steps):
        monkeypatch.setattr(run_worker, "run_steps", steps)
        return RunWorker(None, StopToken())

    return make


def finish(worker):
    """Work in a thread of Python's, which coverage sees into."""
    thread = threading.Thread(target=worker.run)
    thread.start()
    thread.join(10)
    assert worker.wait(0)


def test_its_own_warnings_are_notes_and_the_libraries_are_dropped(make_worker, qtbot):
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


def test_other_threads_keep_their_warnings(make_worker, qtbot):
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


def test_two_that_overlap_leave_the_warnings_as_they_were(make_worker, qtbot):
    """superqt's worker would leave its own hook behind for good."""
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


def test_quitting_ends_the_generator_in_good_order(make_worker, qtbot):
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
    assert worker.is_running
    with qtbot.waitSignal(worker.returned, timeout=10_000) as caught:
        worker.quit()
    assert isinstance(caught.args[0], Stopped)
    assert ended == [True]
    qtbot.waitUntil(lambda: worker not in GeneratorWorker._worker_set)


def test_a_vanished_signal_is_no_crash(make_worker, qtbot, monkeypatch):
    """At the end of the program Qt deletes what the worker signals with."""

    def steps(job, stop):
        yield 1
        return Stopped()

    class Gone:
        def __getattr__(self, name):
            raise RuntimeError("wrapped C/C++ object has been deleted")

    worker = make_worker(steps)
    monkeypatch.setattr(RunWorker, "started", Gone(), raising=False)
    monkeypatch.setattr(RunWorker, "finished", Gone(), raising=False)
    finish(worker)
    assert not worker.is_running


def test_all_are_ended_and_waited_for(make_worker, qtbot):
    def steps(job, stop):
        while not stop.stopped:
            yield 1
        return Stopped()

    workers = [make_worker(steps), make_worker(steps)]
    for worker in workers:
        with qtbot.waitSignal(worker.yielded, timeout=10_000):
            worker.start()
    end_all()
    assert not any(worker.is_running for worker in workers)
    qtbot.waitUntil(lambda: not GeneratorWorker._worker_set)


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
@pytest.mark.parametrize("leave", ["viewer.close()", "sys.exit(0)", "app.quit()"])
def test_a_program_can_end_while_a_run_goes_on(leave):
    leave = {
        "app.quit()": "from qtpy.QtWidgets import QApplication; QApplication.instance().quit()",
        "sys.exit(0)": "QTimer.singleShot(0, lambda: sys.exit(0))",
    }.get(leave, leave)
    code = PROGRAM.replace("{leave}", leave)
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False
    )
    assert "LEAVES" in ran.stdout, ran.stderr[-2000:]
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "Traceback" not in ran.stderr


def test_a_job_is_done_by_the_steps_that_the_package_has():
    assert run_worker.run_steps is run_job.run_steps

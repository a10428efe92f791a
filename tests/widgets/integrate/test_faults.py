"""What can go wrong while a run goes on, in a window."""

import gc
import threading
import time
import weakref
from dataclasses import replace

import numpy as np
import psutil
import pytest
import torch
from napari.utils import progress
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication

from napari_trsmi import TissueImage, finding
from napari_trsmi.training import loop
from napari_trsmi.training.report import EpochReport, Phase
from napari_trsmi.training.stop import StopToken
from napari_trsmi.viewer.run.inputs import results_in
from napari_trsmi.viewer.run.job import Finished, Stopped
from napari_trsmi.widgets.common.worker import _unfinished as unfinished
from napari_trsmi.widgets.integrate import activity_bar


def end(dock, qtbot):
    """Wait for the end of a run; return how it ended."""
    outcomes = []
    dock.controller.ended.connect(lambda outcome, notes: outcomes.append(outcome))
    qtbot.waitUntil(lambda: not dock.controller.running, timeout=60_000)
    qtbot.waitUntil(lambda: not dock._adding, timeout=10_000)
    return outcomes[-1] if outcomes else None


def failing(kind, said):
    def fail(*args, **kwargs):
        raise kind(said)

    return fail


@pytest.mark.parametrize(
    ("kind", "said", "shown"),
    [
        (RuntimeError, "kernel went missing", "PyTorch failed on cpu: kernel went missing"),
        (torch.OutOfMemoryError, "tried to allocate 2 GiB", "ran out of memory: about"),
        (MemoryError, "", "too little memory"),
        (ZeroDivisionError, "by zero", "failed unexpectedly (ZeroDivisionError: by zero)"),
    ],
)
def test_a_failure_is_told_and_run_is_ready_again(make_dock, qtbot, monkeypatch, kind, said, shown):
    dock = make_dock()
    count = len(dock._viewer.layers)
    with monkeypatch.context() as patched:
        patched.setattr(loop._Training, "_step", failing(kind, said))
        with qtbot.captureExceptions() as raised:
            assert dock.start()
            end(dock, qtbot)
    assert not raised
    assert shown in dock.panel.failure.text()
    assert "\n" not in dock.panel.failure.text()
    assert "Traceback" in dock.panel.trace.toPlainText()
    assert not dock.panel.details.isExpanded()
    assert dock.panel.run.isEnabled()
    assert len(dock._viewer.layers) == count
    assert not progress._all_instances
    assert dock.start()  # and it runs
    assert isinstance(end(dock, qtbot), Finished)
    assert dock.panel.failure.isHidden()


STATES = ["at once", *(p for p in Phase if p is not Phase.MEASURING), "epoch", "last epoch"]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("state", STATES)
def test_it_can_be_stopped_in_every_state(make_dock, qtbot, state, keep, small):
    dock = make_dock(config=small.replace(epochs=4))
    count = len(dock._viewer.layers)
    button = dock.panel.keep if keep else dock.panel.stop

    def on_step(step):
        epoch = step.epoch if isinstance(step, EpochReport) else 0
        if step == state or (state, epoch) in {("epoch", 1), ("last epoch", 4)}:
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    dock.controller.stepped.connect(on_step)
    assert dock.start()
    if state == "at once":
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    outcome = end(dock, qtbot)
    added = list(dock._viewer.layers)[count:]
    if keep:
        assert isinstance(outcome, Finished)
        assert [found.n_domains for found in results_in(added)] == [3]
    elif isinstance(outcome, Stopped):
        assert added == []
        assert dock.panel.status.text() == "Stopped. Nothing was kept."
    else:  # the click came when all was done: there is nothing left to stop
        assert state in (Phase.CLUSTERING, "last epoch")
    assert dock.panel.run.isEnabled()
    assert not dock.panel.stop.isVisible()


def test_keeping_can_be_thought_better_of(make_dock, qtbot, small):
    dock = make_dock(config=small.replace(epochs=100_000))
    clicks = []

    def on_step(step):
        if isinstance(step, EpochReport) and not clicks:
            clicks.append(1)
            qtbot.mouseClick(dock.panel.keep, Qt.MouseButton.LeftButton)
            qtbot.mouseClick(dock.panel.stop, Qt.MouseButton.LeftButton)

    dock.controller.stepped.connect(on_step)
    dock.start()
    assert isinstance(end(dock, qtbot), Stopped)


def test_a_search_for_the_number_of_domains_can_be_stopped(make_dock, qtbot, small, monkeypatch):
    """It takes longer than training."""
    entered, go_on = threading.Event(), threading.Event()
    find = finding.domains_by_scale

    def slow(states, tissue, config, *, device, check):
        entered.set()
        go_on.wait(20)
        return find(states, tissue, config, device=device, check=check)

    monkeypatch.setattr(finding, "domains_by_scale", slow)
    dock = make_dock(config=small.replace(n_domains="auto"))
    dock.start()
    qtbot.waitUntil(entered.is_set, timeout=20_000)
    dock.controller.stop()
    go_on.set()
    assert isinstance(end(dock, qtbot), Stopped)


def test_it_is_not_started_twice(make_dock, qtbot, small):
    dock = make_dock(config=small.replace(epochs=50))
    assert dock.start()
    assert not dock.start()
    job = dock.inputs.job(small)
    assert not dock.controller.start(job)
    assert not dock.panel.run.isVisible()
    dock.controller.stop()
    end(dock, qtbot)


def test_inputs_may_change_while_it_runs(make_dock, qtbot, small):
    dock = make_dock(config=small.replace(epochs=30))
    assert dock.start()
    dock.inputs.set_used(dock.inputs.choices[0], used=False)
    dock.form.native("n_domains").setValue(5)
    dock._viewer.add_image(np.zeros((40, 40, 3)), rgb=True)
    outcome = end(dock, qtbot)
    assert list(outcome.result.modality_weights) == ["rna", "protein"]
    assert outcome.result.n_domains == 3


@pytest.mark.parametrize("which", ["spots", "picture", "all"])
def test_layers_may_be_removed_while_it_runs(make_dock, qtbot, small, which):
    dock = make_dock(config=small.replace(epochs=30))
    viewer = dock._viewer
    viewer.add_image(np.zeros((1300, 1300)), name="picture")
    removed = []

    def on_step(step):
        if isinstance(step, EpochReport) and not removed:
            removed.append(1)
            if which == "all":
                viewer.layers.clear()
            else:
                viewer.layers.remove(which)

    dock.controller.stepped.connect(on_step)
    assert dock.start()
    assert isinstance(end(dock, qtbot), Finished)
    assert removed
    (found,) = results_in(viewer.layers)
    assert found.n_domains == 3
    assert dock.panel.failure.isHidden()


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase != Phase.MEASURING])
def test_every_phase_is_stopped_within_two_seconds(make_dock, qtbot, monkeypatch, small, phase):
    """Even if a library's step takes long, which cannot be cut short."""
    held, go_on = [], threading.Event()
    dock = make_dock(config=small)

    def hold(token):
        if reached and not held:
            held.append(1)
            go_on.wait(20)
        check(token)

    check = StopToken.check
    monkeypatch.setattr(StopToken, "check", hold)
    reached = []
    dock.controller.stepped.connect(lambda step: reached.append(1) if step == phase else None)
    assert dock.start()
    qtbot.waitUntil(lambda: bool(reached), timeout=20_000)
    try:
        started = time.perf_counter()
        qtbot.mouseClick(dock.panel.stop, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: not dock.controller.running, timeout=5_000)
        assert time.perf_counter() - started < 2
        assert dock.panel.status.text() == "Stopped. Nothing was kept."
        assert not dock.panel.run.isHidden()
    finally:
        go_on.set()
    qtbot.waitUntil(lambda: not unfinished, timeout=20_000)
    assert not results_in(dock._viewer.layers)
    assert dock.start()  # and the next one runs
    assert isinstance(end(dock, qtbot), Finished)


def test_an_image_may_change_while_it_runs(make_dock, qtbot, small, section):
    tissue = TissueImage(np.zeros((120, 120, 3), dtype=np.uint8), 0.1)
    dock = make_dock(config=small.replace(epochs=5))
    layer = dock._viewer.add_image(tissue.pixels, rgb=True, scale=(10, 10))
    dock.points.layer.metadata["trsmi_dataset"] = replace(section, image=tissue)
    assert dock.start()
    layer.data = np.zeros((120, 60, 3), dtype=np.uint8)
    assert isinstance(end(dock, qtbot), Finished)
    assert "do not show the same field" in dock.panel.failure.text()
    assert len(dock._viewer.layers) == 2
    assert dock.panel.run.isEnabled()


def test_a_dock_may_be_closed_while_it_runs(make_dock, qtbot, small):
    dock = make_dock(config=small.replace(epochs=100_000))
    viewer = dock._viewer
    count = len(viewer.layers)
    dock.start()
    worker = dock.controller._worker
    qtbot.waitUntil(lambda: len(dock.panel.curve.losses) > 1, timeout=20_000)
    gone = weakref.ref(dock)
    with qtbot.waitSignal(dock.destroyed, timeout=5000):
        viewer.window.remove_dock_widget(dock)
        dock.deleteLater()
    assert worker.wait(20)
    qtbot.wait(50)
    assert len(viewer.layers) == count
    assert not progress._all_instances
    assert gone() is not None  # the fixture holds Python's half, which has nothing to say
    dock.controller = _Ended()


def test_a_dock_may_be_closed_while_its_window_makes_its_first_bar(make_dock, qtbot, monkeypatch):
    dock = make_dock(ready=False)
    viewer, made = dock._viewer, []

    def closing(**options):
        QTimer.singleShot(0, dock.deleteLater)  # napari handles it as it draws the bar
        viewer.window.remove_dock_widget(dock)
        made.append(progress(**options))
        return made[-1]

    monkeypatch.setattr(activity_bar, "progress", closing)
    with qtbot.waitSignal(dock.destroyed, timeout=60_000):
        pass
    qtbot.waitUntil(lambda: len(made) == 1)
    assert not progress._all_instances
    dock.controller = _Ended()


def test_the_cross_of_a_dock_ends_its_run_although_python_holds_it(make_dock, qtbot, small):
    dock = make_dock(config=small.replace(epochs=100_000))
    dock.start()
    worker = dock.controller._worker
    qtbot.waitUntil(lambda: len(dock.panel.curve.losses) > 1, timeout=20_000)
    dock.parentWidget().destroyOnClose()
    qtbot.waitUntil(lambda: worker.wait(0), timeout=20_000)
    qtbot.wait(50)
    assert len(dock._viewer.layers) == 1
    assert not progress._all_instances
    dock.controller = _Ended()  # Qt deleted it with the dock


def test_a_window_may_be_closed_while_it_runs(make_dock, qtbot, small):
    dock = make_dock(config=small.replace(epochs=100_000))
    dock.start()
    worker = dock.controller._worker
    qtbot.waitUntil(lambda: len(dock.panel.curve.losses) > 1, timeout=20_000)
    dock._viewer.close()
    qtbot.waitUntil(lambda: worker.wait(0), timeout=20_000)
    qtbot.wait(50)
    assert not progress._all_instances
    dock.controller = _Ended()


class _Ended:
    """In the place of a controller that went with its window."""

    running = False


def test_two_windows_run_at_once(make_dock, qtbot, small):
    docks = [make_dock(config=small.replace(epochs=30, seed=seed)) for seed in (0, 1)]
    for dock in docks:
        assert dock.start()
    assert all(dock.controller.running for dock in docks)
    for seed, dock in enumerate(docks):
        end(dock, qtbot)
        (found,) = results_in(dock._viewer.layers)
        assert found.record["parameters"]["seed"] == seed


def test_stopping_one_window_leaves_the_other(make_dock, qtbot, small):
    first, second = (make_dock(config=small.replace(epochs=60)) for _ in range(2))
    first.start()
    second.start()
    first.controller.stop()
    end(first, qtbot)
    end(second, qtbot)
    assert not results_in(first._viewer.layers)
    assert len(results_in(second._viewer.layers)) == 1


def test_a_warning_is_shown_in_the_dock_and_nowhere_else(make_dock, qtbot, small, monkeypatch):
    from napari.utils.notifications import notification_manager

    step = loop._Training._step

    def spoiled(self, epoch, share):
        loss, terms = step(self, epoch, share)
        return (float("nan") if epoch == 3 else loss), terms

    monkeypatch.setattr(loop._Training, "_step", spoiled)
    before = len(notification_manager.records)
    dock = make_dock(config=small.replace(epochs=5))
    dock.start()
    assert isinstance(end(dock, qtbot), Finished)
    assert "became nan at epoch 3" in dock.panel.warnings.text()
    assert "became nan" not in dock.panel.notes.toPlainText()
    assert len(notification_manager.records) == before


@pytest.mark.parametrize("how", ["finished", "stopped", "failed"])
def test_what_a_run_held_is_let_go_of(make_dock, qtbot, small, monkeypatch, how):
    held = []
    start = loop._Training.__init__

    def noted(self, *args):
        start(self, *args)
        held.append(weakref.ref(self))

    monkeypatch.setattr(loop._Training, "__init__", noted)
    if how == "failed":
        monkeypatch.setattr(loop._Training, "_hide_spots", failing(RuntimeError, "no"))
    dock = make_dock(config=small.replace(epochs=50))
    if how == "stopped":
        dock.controller.stepped.connect(
            lambda step: dock.controller.stop() if isinstance(step, EpochReport) else None
        )
    dock.start()
    worker = weakref.ref(dock.controller._worker)
    end(dock, qtbot)
    qtbot.waitUntil(lambda: not unfinished)
    qtbot.waitUntil(lambda: gc.collect() >= 0 and [ref() for ref in held] == [None])
    assert worker() is None


def test_sixty_runs_leave_nothing_behind(make_dock, qtbot, small):
    dock = make_dock(config=small.replace(epochs=100_000))
    process = psutil.Process()

    def cycle(epochs):
        def on_step(step):
            if isinstance(step, EpochReport) and step.epoch == epochs:
                dock.controller.stop()

        dock.controller.stepped.connect(on_step)
        assert dock.start()
        if not epochs:
            dock.controller.stop()
        qtbot.waitUntil(lambda: not dock.controller.running, timeout=20_000)
        dock.controller.stepped.disconnect(on_step)

    def count():
        qtbot.waitUntil(lambda: not dock._engine.busy, timeout=5000)
        QApplication.processEvents()
        gc.collect()
        return (
            len(QApplication.allWidgets()),
            len(QApplication.topLevelWidgets()),
            threading.active_count(),
        )

    for number in range(20):
        cycle(number % 3)
    widgets, memory = count(), process.memory_info().rss
    for number in range(60):
        cycle(number % 3)
    assert count()[0] <= widgets[0]
    assert count()[1] <= widgets[1]
    assert process.memory_info().rss - memory < 10 * 2**20
    assert not unfinished
    assert len(dock._viewer.layers) == 1

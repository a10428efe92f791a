from __future__ import annotations

import threading
import warnings

import pytest
from napari.utils.notifications import notification_manager

from napari_trsmi.errors import InputError
from napari_trsmi.widgets.common.background import Background


@pytest.fixture
def background(qtbot):
    background = Background()
    yield background
    qtbot.waitUntil(lambda: not background.busy)


def test_a_function_runs_in_another_thread(background, qtbot):
    states = []
    background.busy_changed.connect(states.append)
    with qtbot.waitSignal(background.finished) as told:
        background.start(lambda a, *, b: (a + b, threading.current_thread()), 1, b=2)
        assert background.busy
    assert told.args[0][0] == 3
    assert told.args[0][1] is not threading.main_thread()
    assert states == [True, False]


def fail(error):
    raise error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (InputError("No such spot."), "No such spot."),
        (RuntimeError("worker trouble"), "That failed with RuntimeError: worker trouble"),
        (MemoryError(), "too little memory"),
    ],
)
def test_whatever_goes_wrong_is_told_in_a_sentence(background, qtbot, error, reason):
    with qtbot.waitSignal(background.failed) as told:
        background.start(fail, error)
    assert reason in told.args[0]
    assert not background.busy


def test_only_the_last_one_asked_for_counts(background, qtbot):
    release = threading.Event()
    done = []
    background.finished.connect(done.append)
    background.start(lambda: release.wait(5) and "first")
    with qtbot.waitSignal(background.finished):
        background.start(lambda: "second")
    release.set()
    qtbot.wait(100)
    assert done == ["second"]


def test_what_is_dropped_is_never_told(background, qtbot):
    release = threading.Event()
    done = []
    background.finished.connect(done.append)
    background.start(lambda: release.wait(5))
    background.drop()
    assert not background.busy
    release.set()
    qtbot.wait(100)
    assert done == []


def test_warnings_are_no_notifications(background, qtbot):
    shown = []
    notification_manager.notification_ready.connect(shown.append)
    with qtbot.waitSignal(background.finished):
        background.start(warnings.warn, "of a library", UserWarning, stacklevel=1)
    qtbot.wait(50)
    notification_manager.notification_ready.disconnect(shown.append)
    assert shown == []


def test_the_owner_may_go_first(qtbot):
    release = threading.Event()
    background = Background()
    background.start(release.wait, 5)
    with qtbot.waitSignal(background.destroyed):
        background.deleteLater()
    release.set()
    qtbot.wait(100)

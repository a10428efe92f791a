"""A run's bar follows it and goes with it, whatever napari does while the bar changes."""

import pytest
from napari.utils import progress
from qtpy.QtCore import QTimer

from napari_trsmi.training.report import EpochReport, Phase
from napari_trsmi.viewer.run.progress import Expected
from napari_trsmi.widgets.integrate.activity_bar import ActivityBar

EXPECTED = Expected(dict.fromkeys(Phase, 1.0) | {Phase.TRAINING: 0.0, Phase.CLUSTERING: 10.0}, 100)


def epoch(number):
    return EpochReport(number, 10, 0.5, {}, 1.0, 0.01, 1)


@pytest.fixture
def bar(make_napari_viewer, qtbot):
    """A bar that is shown."""
    make_napari_viewer()
    bar = ActivityBar(EXPECTED)
    qtbot.waitUntil(lambda: len(progress._all_instances) == 1)
    return bar


def test_it_follows_the_steps_and_goes(bar, qtbot):
    (shown,) = progress._all_instances
    bar.show_step(Phase.GRAPHS)
    assert shown.desc == "TRSMI: Building the graphs…: "
    bar.show_step(epoch(3))
    assert 20 <= shown.n < 40
    assert shown.total == 100
    assert shown.desc.startswith("TRSMI: Epoch 3 of 10, loss")
    with qtbot.waitSignal(bar.destroyed):
        bar.close()
    assert not progress._all_instances


def test_a_run_that_ends_before_it_is_shown_shows_none(make_napari_viewer, qtbot):
    make_napari_viewer()
    bar = ActivityBar()
    with qtbot.waitSignal(bar.destroyed):
        bar.close()
    qtbot.wait(200)
    assert not progress._all_instances


def test_it_may_be_closed_while_it_changes(bar, qtbot):
    """napari handles the timer in the middle of the change."""
    closed = []
    QTimer.singleShot(0, lambda: closed.append(bar.close()))
    with qtbot.waitSignal(bar.destroyed):
        bar.show_step(epoch(3))
        assert closed
    assert not progress._all_instances


def test_a_step_that_comes_while_it_changes_is_shown_after_it(bar, qtbot):
    (shown,) = progress._all_instances
    QTimer.singleShot(0, lambda: bar.show_step(epoch(4)))
    bar.show_step(epoch(3))
    assert shown.desc.startswith("TRSMI: Epoch 4 of 10, loss")
    with qtbot.waitSignal(bar.destroyed):
        bar.close()

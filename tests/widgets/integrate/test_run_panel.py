import pytest
from qtpy.QtCore import Qt

from napari_trsmi.training.report import EpochReport, Phase, SizeReport
from napari_trsmi.viewer.run.progress import Expected
from napari_trsmi.widgets.integrate.run_panel import RunPanel


def report(epoch, loss=0.5):
    return EpochReport(epoch, 4, loss, {}, 0.1, 2.0, 1)


@pytest.fixture
def panel(qtbot):
    made = RunPanel()
    qtbot.addWidget(made)
    made.resize(320, 600)
    made.show()
    return made


def test_run_is_off_with_its_reason(panel, qtbot):
    panel.set_ready("", "There is no modality.")
    assert not panel.run.isEnabled()
    assert panel.ready.text() == panel.run.toolTip() == "There is no modality."
    panel.set_ready("60 spots in rna.", "")
    assert panel.run.isEnabled()
    assert panel.ready.text() == "60 spots in rna."
    with qtbot.waitSignal(panel.run_clicked):
        qtbot.mouseClick(panel.run, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize(("button", "keep"), [("stop", False), ("keep", True)])
def test_while_it_runs_it_can_be_stopped(panel, qtbot, button, keep):
    panel.show_start()
    assert not panel.run.isVisible()
    panel.show_step(report(1))
    with qtbot.waitSignal(panel.stop_clicked) as caught:
        qtbot.mouseClick(getattr(panel, button), Qt.MouseButton.LeftButton)
    assert caught.args == [keep]
    panel.show_stopping(keep=keep)
    assert panel.status.text().startswith("Stopping")
    assert not panel.keep.isEnabled()
    assert panel.stop.isEnabled() == keep


def test_progress_of_the_whole_run_is_shown(panel, qtbot):
    checks = [0]
    expected = Expected(dict.fromkeys(Phase, 1.0), 10)
    panel.show_start(expected, lambda: checks[0])
    panel.show_step(Phase.PREPROCESSING)
    assert panel.status.text() == "Preprocessing…"
    panel.show_step(Phase.TRAINING)
    for epoch in (1, 2):
        panel.show_step(report(epoch))
    assert panel.status.text() == "Epoch 2 of 4, loss 0.5"
    assert panel.bar.value() == pytest.approx(0.75 * panel.bar.maximum())
    assert panel.curve.isVisible()
    assert len(panel.curve.losses) == 2
    panel.show_step(Phase.CLUSTERING)
    checks[0] = 5
    qtbot.waitUntil(lambda: abs(panel.bar.value() / panel.bar.maximum() - 5.5 / 6) < 1e-3)
    qtbot.waitUntil(lambda: " left" in panel.status.text())
    panel.show_stopping(keep=False)
    qtbot.wait(300)
    assert panel.status.text() == "Stopping…"


def test_there_is_nothing_to_keep_where_nothing_is_learned(panel):
    panel.show_start(trains=False)
    assert not panel.keep.isVisible()
    panel.show_end("5 domains.")
    panel.show_start()
    panel.show_step(Phase.GRAPHS)
    assert panel.keep.isVisible()
    assert not panel.keep.isEnabled()
    assert "nothing is learned now" in panel.keep.toolTip()
    panel.show_step(report(1))
    assert panel.keep.isEnabled()
    panel.show_step(Phase.CLUSTERING)
    assert not panel.keep.isEnabled()


def test_a_change_of_the_inputs_while_it_runs_leaves_the_progress_alone(panel):
    panel.show_start()
    panel.show_step(report(1))
    panel.set_ready("", "There is no modality.")
    assert panel.status.text().startswith("Epoch 1 of 4")
    assert panel.stop.isEnabled()
    panel.show_end("Stopped.")
    assert not panel.run.isEnabled()


def test_the_end_has_its_notes_under_a_fold(panel, qtbot):
    panel.show_start()
    panel.show_step(report(1))
    panel.show_end("3 domains.", warned=["few spots"], notes=["a", "b"])
    assert panel.run.isVisible()
    assert not panel.bar.isVisible()
    assert panel.curve.isVisible()
    assert panel.status.text() == "3 domains."
    assert panel.warnings.text() == "⚠ few spots"
    assert panel.notes_fold.text() == "▸ Notes (2)"
    assert panel.notes_fold.content().maximumHeight() == 0
    qtbot.mouseClick(panel.notes_fold.toggleButton(), Qt.MouseButton.LeftButton)
    assert panel.notes_fold.text() == "▾ Notes (2)"
    assert panel.notes.toPlainText() == "• a\n• b"
    assert panel.notes.isVisible()


def test_a_failure_has_one_reason_and_its_details_under_a_fold(panel, qtbot):
    panel.show_start()
    panel.show_failure("It is full.", "Traceback: here")
    assert panel.failure.text() == "⚠ It is full."
    assert not panel.status.isVisible()
    assert not panel.details.isExpanded()
    panel.details.toggleButton().setFocus()
    qtbot.keyClick(panel.details.toggleButton(), Qt.Key.Key_Space)
    assert panel.details.isExpanded()
    assert panel.trace.toPlainText() == "Traceback: here"
    panel.show_start()
    assert not panel.failure.isVisible()
    assert not panel.details.isVisible()


def test_a_failure_without_details_has_no_fold(panel):
    panel.show_failure("It does not fit.", "")
    assert not panel.details.isVisible()


def test_a_run_that_needs_tiles_says_so_from_its_start(panel):
    panel.show_start()
    panel.show_step(SizeReport(6, "The run needs about 31.0 GB: 6 tiles."))
    panel.show_step(Phase.GRAPHS)
    assert panel.warnings.isVisible()
    assert panel.warnings.text() == "⚠ The run needs about 31.0 GB: 6 tiles."
    assert panel.status.text() == "Building the graphs in 6 tiles…"

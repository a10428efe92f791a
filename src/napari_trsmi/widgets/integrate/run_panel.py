"""Run and stop, how far it is, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_trsmi.training.report import EpochReport, SizeReport
from napari_trsmi.viewer.run.progress import RunProgress
from napari_trsmi.widgets.common.fold import Fold
from napari_trsmi.widgets.integrate.loss_curve import LossCurve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_trsmi.training.report import Step
    from napari_trsmi.viewer.run.progress import Expected


_LINES = 7
_STEPS = 1000  # of the bar
_LOOK = 200  # ms between two looks at how far a phase is
_KEEP = "Stop after this epoch, and make domains of what was learned so far."
_NOTHING = "While the network is trained: nothing is learned now that could be kept."


class RunPanel(QWidget):
    """The lower part of the dock.

    Attributes
    ----------
    run_clicked
        Emitted when the user wants to run.
    stop_clicked
        Emitted when the user wants to stop, with whether to keep what was learned so far.
    """

    run_clicked = Signal()
    stop_clicked = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._running = False
        self._reason = ""
        self._learning = self._trains = False
        self._progress = RunProgress()
        self._checks: Callable[[], int] = lambda: 0
        self._look = QTimer(self)
        self._look.setInterval(_LOOK)
        self._look.timeout.connect(self._on_look_timeout)
        self.run = QPushButton("R&un", self)
        self.run.clicked.connect(self._on_run_clicked)
        self.keep = QPushButton("Stop and &keep", self)
        self.keep.clicked.connect(self._on_keep_clicked)
        self.stop = QPushButton("&Stop", self)
        self.stop.setToolTip("Stop as soon as possible, and keep nothing.")
        self.stop.clicked.connect(self._on_stop_clicked)
        buttons = QHBoxLayout()
        for button in (self.run, self.keep, self.stop):
            buttons.addWidget(button, 1)

        self.ready = _text(self)
        self.status = _text(self)
        self.bar = QProgressBar(self)
        self.bar.setToolTip("Share of the whole run that is done.")
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.curve = LossCurve(self)
        self.warnings = _text(self)
        self.notes = _long_text("What was matched, dropped and chosen on the way.", self)
        self.notes_fold = Fold("Notes", "What was matched, dropped and chosen on the way.", self)
        self.notes_fold.addWidget(self.notes)
        self.failure = _text(self)
        self.details = Fold("Details", "Where in the program it failed, for a report.", self)
        self.trace = _long_text("Copy this into a report.", self)
        self.trace.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.addWidget(self.trace)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.ready)
        layout.addLayout(buttons)
        self._of_run = (self.status, self.bar, self.curve, self.warnings, self.notes_fold)
        self._of_failure = (self.failure, self.details)
        for widget in (*self._of_run, *self._of_failure):
            layout.addWidget(widget)
            widget.hide()
        self._refresh()

    def set_ready(self, text: str, reason: str) -> None:
        """Say what could be run, or for which reason nothing can."""
        self._reason = reason
        self.ready.setText(reason or text)
        self._refresh_run()

    def clear(self) -> None:
        """Show nothing of the last run, if none is going on."""
        if not self._running:
            self.curve.clear()
            for widget in (*self._of_run, *self._of_failure):
                widget.hide()

    def show_start(
        self,
        expected: Expected | None = None,
        checks: Callable[[], int] = lambda: 0,
        *,
        trains: bool = True,
    ) -> None:
        """A run begins.

        Parameters
        ----------
        expected
            How long it may take.
        checks
            How often it has asked by now whether it is to stop.
        trains
            Whether it learns anything that could be kept.
        """
        self._running, self._trains, self._learning = True, trains, False
        self._progress, self._checks = RunProgress(expected), checks
        self.curve.clear()
        self.bar.setValue(0)
        self._look.start()
        for widget in (*self._of_run, *self._of_failure):
            widget.hide()
        self.bar.show()
        self._say(self._progress.text)
        self._refresh()

    def show_step(self, step: Step) -> None:
        """A phase begins, or an epoch is done."""
        self._progress.take(step, self._checks())
        self._learning = isinstance(step, EpochReport)
        if isinstance(step, SizeReport):
            self.warnings.setText(f"⚠ {step.said}")
            self.warnings.show()
        if isinstance(step, EpochReport):
            self.curve.add(step.loss, step.epochs)
            self.curve.show()
        if self.stop.isEnabled() and not self._stopping:
            self.keep.setEnabled(self._learning)
            self.keep.setToolTip(_KEEP if self._learning else _NOTHING)
        self._show_progress()

    def show_stopping(self, *, keep: bool) -> None:
        """A stop was asked for."""
        self._stopping = True
        self.keep.setEnabled(False)
        self.stop.setEnabled(keep)  # one may still think better of keeping
        self._say("Stopping after this epoch…" if keep else "Stopping…")

    def show_end(self, text: str, *, warned: Sequence[str] = (), notes: Sequence[str] = ()) -> None:
        """The run has ended well, or was stopped."""
        self._finish()
        self._say(text)
        self.warnings.setText("\n".join(f"⚠ {warning}" for warning in warned))
        self.warnings.setVisible(bool(warned))
        self.notes.setPlainText("\n".join(f"• {note}" for note in notes))
        self.notes_fold.set_title(f"Notes ({len(notes)})")
        self.notes_fold.collapse(animate=False)
        self.notes_fold.setVisible(bool(notes))

    def show_failure(self, reason: str, details: str, *, warned: Sequence[str] = ()) -> None:
        """The run failed."""
        self.show_end("", warned=warned)
        self.failure.setText(f"⚠ {reason}")
        self.failure.show()
        self.trace.setPlainText(details)
        self.details.collapse(animate=False)
        self.details.setVisible(bool(details))

    def _on_look_timeout(self) -> None:
        self._progress.look(self._checks())
        self._show_progress()

    def _show_progress(self) -> None:
        self.bar.setValue(round(_STEPS * self._progress.share))
        if not self._stopping:
            self._say(self._progress.text)

    def _finish(self) -> None:
        self._running = False
        self._look.stop()
        self.bar.hide()
        self._refresh()

    def _refresh_run(self) -> None:
        self.run.setEnabled(not self._running and not self._reason)
        self.run.setToolTip(self._reason or "Find the domains.")

    def _refresh(self) -> None:
        self._refresh_run()
        self._stopping = False
        self.keep.setEnabled(False)
        self.keep.setToolTip(_NOTHING)
        self.stop.setEnabled(self._running)
        self.keep.setVisible(self._running and self._trains)
        self.stop.setVisible(self._running)
        self.run.setVisible(not self._running)

    def _say(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))

    def _on_run_clicked(self) -> None:
        self.run_clicked.emit()

    def _on_stop_clicked(self) -> None:
        self.stop_clicked.emit(False)

    def _on_keep_clicked(self) -> None:
        self.stop_clicked.emit(True)


def _long_text(tip: str, parent: QWidget) -> QPlainTextEdit:
    """Return a box to read and copy from, which scrolls rather than grows."""
    box = QPlainTextEdit(parent)
    box.setReadOnly(True)
    box.setTabChangesFocus(True)
    box.setFixedHeight(_LINES * box.fontMetrics().lineSpacing())
    box.setToolTip(tip)
    return box


def _text(parent: QWidget) -> QLabel:
    """Return a label of several lines that can be copied from."""
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label

"""A run's bar in napari's activity dock."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari.utils import progress
from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QApplication

from napari_trsmi.viewer.run.progress import Expected, RunProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_trsmi.training.report import Step

_DELAY = 100  # ms; once the dock has drawn itself, as napari draws the window to show its bar


def make_first_bar() -> None:
    """Make a window's first bar, which takes long, so that it is not made in a run.

    Called by a timer, as a dock must not be at work meanwhile: see `ActivityBar`.
    """
    progress(total=0, desc="TRSMI").close()


_PERCENT = 100
_LOOK = 500  # ms between two looks at how far a phase is


class ActivityBar(QObject):
    """Shows a run from its first moments to its end, and is gone then.

    napari handles other events whenever its bar changes, and what is deleted among them must not
    be at work itself: a dock that changed the bar would crash the program when it is closed. So
    this belongs to the application.
    """

    def __init__(
        self, expected: Expected | None = None, checks: Callable[[], int] = lambda: 0
    ) -> None:
        super().__init__(QApplication.instance())
        self._bar: progress | None = None
        self._checks = checks
        self._look = QTimer(self)
        self._look.start(_LOOK)
        self._look.timeout.connect(self._on_look_timeout)
        self._progress = RunProgress(expected)
        self._stale = self._changing = self._closed = False
        self._open = QTimer(self)
        self._open.setSingleShot(True)
        self._open.timeout.connect(self._on_open_timeout)
        self._open.start(_DELAY)

    def show_step(self, step: Step) -> None:
        """A phase begins, or an epoch is done."""
        self._progress.take(step, self._checks())
        self._show()

    def _on_look_timeout(self) -> None:
        self._progress.look(self._checks())
        self._show()

    def _show(self) -> None:
        self._stale = True
        bar = self._bar
        if bar is None or self._changing:
            return
        with self._change():
            while self._stale and not self._closed:  # steps may come while napari handles events
                self._stale = False
                if bar.total != _PERCENT:
                    bar.total = _PERCENT
                bar.update(round(_PERCENT * self._progress.share) - bar.n)
                bar.set_description(f"TRSMI: {self._progress.text}")

    def close(self) -> None:
        """Take the bar away; the run has ended."""
        self._open.stop()
        self._look.stop()
        self._closed = True
        if not self._changing:
            self._end()

    def _on_open_timeout(self) -> None:
        with self._change():
            self._bar = progress(total=0, desc="TRSMI")

    @contextmanager
    def _change(self) -> Iterator[None]:
        """While the bar is changed; what is closed meanwhile ends afterwards."""
        self._changing = True
        try:
            yield
        finally:
            self._changing = False
            if self._closed:
                self._end()

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self.deleteLater()

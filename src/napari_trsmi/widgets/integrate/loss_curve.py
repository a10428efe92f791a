"""The loss by epoch, drawn as it comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

_OVER = 10  # epochs
_DRAWN = 500  # points; more than that are thinned


class LossCurve(QWidget):
    """A line of losses, smoothed, with the largest and the least written beside it.

    Each epoch hides other spots and is judged by them, so that its loss says as much of which these
    are as of what was learned. What falls is seen in the mean over the epochs before.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._losses: list[float] = []
        self._smooth: list[float] = []
        self._epochs = 1
        self._text, self._line, self._grid = QColor("gray"), QColor("gray"), QColor("gray")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(f"Loss, the mean over {_OVER} epochs.")
        self.setAccessibleName("Loss curve")

    @property
    def losses(self) -> tuple[float, ...]:
        """The loss of each epoch."""
        return tuple(self._losses)

    @property
    def smooth(self) -> tuple[float, ...]:
        """What is drawn: the mean of each epoch and the nine before it."""
        return tuple(self._smooth)

    def set_colors(self, *, text: str, line: str, grid: str) -> None:
        """Follow a theme."""
        self._text, self._line, self._grid = QColor(text), QColor(line), QColor(grid)
        self.update()

    def clear(self) -> None:
        """Start anew."""
        self._losses.clear()
        self._smooth.clear()
        self.update()

    def add(self, loss: float, epochs: int) -> None:
        """Draw one more epoch of `epochs`."""
        self._losses.append(loss)
        recent = self._losses[-_OVER:]
        self._smooth.append(sum(recent) / len(recent))
        self._epochs = epochs
        last = (
            f"Loss, the mean over {_OVER} epochs: {self._smooth[-1]:.4g} after epoch "
            f"{len(self._losses)} of {epochs}."
        )
        self.setToolTip(last)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a strip of some lines' height."""
        return QSize(240, 5 * self.fontMetrics().height() + 8)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: ARG002, N802
        """Draw."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = self.fontMetrics()
        high, low = _range(self._smooth)
        margin = max(metrics.horizontalAdvance(f"{value:.3g}") for value in (high, low)) + 6
        frame = QRectF(self.rect()).adjusted(
            margin, metrics.height() / 2, -4, -1.4 * metrics.height()
        )
        painter.setPen(QPen(self._grid, 1))
        painter.drawRect(frame)
        painter.setPen(self._text)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        height = metrics.height()
        for value, y in ((high, frame.top()), (low, frame.bottom())):
            place = QRectF(0, y - height / 2, margin - 4, height)
            painter.drawText(place, right, f"{value:.3g}" if self._losses else "")
        below = QRectF(frame.left(), frame.bottom() + 2, frame.width(), height)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "1")
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "epoch")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, str(self._epochs))
        if self._losses:
            self._draw_line(painter, frame, high, low)
        painter.end()

    def _draw_line(self, painter: QPainter, frame: QRectF, high: float, low: float) -> None:
        step = max(1, len(self._losses) // _DRAWN)
        kept = sorted({*range(0, len(self._losses), step), len(self._losses) - 1})
        last = max(self._epochs - 1, 1)
        points = [
            QPointF(
                frame.left() + frame.width() * epoch / last,
                frame.bottom() - frame.height() * (self._smooth[epoch] - low) / (high - low),
            )
            for epoch in kept
        ]
        painter.setPen(QPen(self._line, 2))
        painter.drawPolyline(QPolygonF(points))
        painter.setBrush(self._line)
        painter.drawEllipse(points[-1], 2.5, 2.5)


def _range(losses: list[float]) -> tuple[float, float]:
    """Return the top and the bottom of the frame."""
    if not losses:
        return 1.0, 0.0
    high, low = max(losses), min(losses)
    if high == low:
        return high + 0.5 * abs(high) + 1e-12, low - 0.5 * abs(low) - 1e-12
    return high, low

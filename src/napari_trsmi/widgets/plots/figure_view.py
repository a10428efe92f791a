"""A figure as it will be saved, fitted into the room that there is."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from qtpy.QtCore import QRect, QSize, Qt, QTimer
from qtpy.QtGui import QImage, QPainter, QPaintEvent, QResizeEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SETTLED = 80  # ms without another change of the size
_LEAST_DPI = 40.0


class FigureView(QWidget):
    """Shows a matplotlib figure whole, at the sharpness of the screen.

    The figure keeps its own size and looks, so that what is seen is what is saved.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._figure: Figure | None = None
        self._image = QImage()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLED)
        self._settle.timeout.connect(self._render)
        self.setMinimumHeight(160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def is_empty(self) -> bool:
        """Whether no figure is shown."""
        return self._image.isNull()

    def show_figure(self, figure: Figure | None) -> None:
        """Show another figure, or none."""
        self._figure = figure
        self._render()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Ask for what a figure in a dock needs."""
        return QSize(300, 260)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Draw anew once the size has settled."""
        super().resizeEvent(event)
        self._settle.start()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: ARG002, N802
        """Paint the figure in the middle."""
        if self._image.isNull():
            return
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        left, top = (self.width() - size.width()) // 2, (self.height() - size.height()) // 2
        painter.drawImage(QRect(left, top, size.width(), size.height()), self._image)
        painter.end()

    def _render(self) -> None:
        if self._figure is None:
            self._image = QImage()
        else:
            width, height = self._figure.get_size_inches()
            ratio = self.devicePixelRatioF()
            dpi = ratio * min(self.width() / width, self.height() / height)
            drawn = BytesIO()
            self._figure.savefig(drawn, format="png", dpi=max(dpi, _LEAST_DPI))
            self._image = QImage.fromData(drawn.getvalue(), "png")
        self.update()

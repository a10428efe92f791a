"""A colour scale with its ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_trsmi.viewer.domains.coloring import colormap_table

if TYPE_CHECKING:
    from napari_trsmi.viewer.domains.coloring import Coloring

_HEIGHT = 14


class _Gradient(QWidget):
    """The colours, left to right; painted, so that a theme's style sheet cannot change them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(_HEIGHT)
        self._image = QImage()

    def show_colormap(self, name: str) -> None:
        table = np.rint(255 * colormap_table(name)).astype(np.uint8)
        image = QImage(table.tobytes(), len(table), 1, QImage.Format.Format_RGBA8888)
        self._image = image.copy()  # the bytes belong to the first one
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: ARG002, N802
        painter = QPainter(self)
        painter.drawImage(self.rect(), self._image)
        painter.end()


class ColorBar(QWidget):
    """A colour scale: its colours, what it shows, and the values at its ends.

    Parameters
    ----------
    parent
        The widget that it is in.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip("What the colours mean. Spots without a value are grey.")
        self._gradient = _Gradient(self)
        self._low, self._label, self._high = QLabel(), QLabel(), QLabel()
        self._label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        ends = QHBoxLayout()
        ends.addWidget(self._low)
        ends.addWidget(self._label, 1)
        ends.addWidget(self._high)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._gradient)
        layout.addLayout(ends)
        self.setVisible(False)

    def show_coloring(self, coloring: Coloring | None) -> None:
        """Show the scale of a colouring; hide for None."""
        self.setVisible(coloring is not None)
        if coloring is not None:
            self._gradient.show_colormap(coloring.colormap)
            self._low.setText(f"{coloring.low:.3g}")
            self._high.setText(f"{coloring.high:.3g}")
            self._label.setText(coloring.label)
            self._label.setToolTip(coloring.label)  # which may be cut off

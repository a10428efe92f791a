"""Content that scrolls up and down, and is never cut off at its side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QFrame, QLabel, QScrollArea

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget


class Column(QScrollArea):
    """As wide as its content needs, whatever is folded out in it.

    Parameters
    ----------
    content
        What scrolls.
    """

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(content)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Widen with the content."""
        content, bar, view = self.widget(), self.verticalScrollBar(), self.viewport()
        if (
            event is not None
            and event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Show)
            and watched is content
            and content is not None
            and bar is not None
            and view is not None
        ):
            # a theme may put a margin around the view
            beside = max(bar.sizeHint().width(), self.width() - view.width()) + 2
            self.setMinimumWidth(content.minimumSizeHint().width() + beside)
        return super().eventFilter(watched, event)


def heading(text: str, parent: QWidget) -> QLabel:
    """Make the title of a part of a column."""
    label = QLabel(text, parent)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label

"""A part of a dock that folds away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon, QPixmap
from superqt import QCollapsible

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget


class Fold(QCollapsible):
    """A heading with an arrow, in the colours of the theme, and what it folds away.

    Parameters
    ----------
    title
        The heading.
    tip
        Tooltip of the heading.
    """

    def __init__(self, title: str, tip: str, parent: QWidget | None = None) -> None:
        # superqt paints its arrows once, in the colour that the text had before the theme
        super().__init__("", parent, expandedIcon=_no_icon(), collapsedIcon=_no_icon())
        self._title = title
        self.setDuration(0)
        layout = self.layout()
        if layout is not None:
            layout.setContentsMargins(0, 0, 0, 0)
        self.toggleButton().setIconSize(QSize(0, 0))
        self.toggleButton().setToolTip(tip)
        self.toggled.connect(self._on_toggled)
        self._on_toggled(expanded=False)

    def set_title(self, title: str) -> None:
        """Change the heading."""
        self._title = title
        arrow = "▾" if self.isExpanded() else "▸"
        self.setText(f"{arrow} {title}")

    def _on_toggled(self, expanded: bool) -> None:
        # what is folded away shall not take the focus
        self.content().setVisible(expanded)
        self.set_title(self._title)


def _no_icon() -> QIcon:
    """Return an icon that is not seen: superqt asks for its truth, and an empty one has none."""
    pixmap = QPixmap(1, 1)
    pixmap.fill(Qt.GlobalColor.transparent)
    return QIcon(pixmap)

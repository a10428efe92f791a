"""A button that tells how many channels of an image are measured, with a list to choose them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN = 12  # rows, before the list scrolls


class ChannelBox(QToolButton):
    """Chooses channels by name.

    Parameters
    ----------
    names
        Of all channels.

    Attributes
    ----------
    chosen
        Emitted with those that are ticked, None for all.
    """

    chosen = Signal(object)

    def __init__(self, names: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names = tuple(names)
        self.list = QListWidget()
        self.list.setAccessibleName("Channels")
        for name in self._names:
            item = QListWidgetItem(name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked)
            self.list.addItem(item)
        row = max(self.list.sizeHintForRow(0), 1)
        self.list.setFixedHeight(row * min(len(names), _SHOWN) + 2 * self.list.frameWidth() + 4)
        self.all, self.none = QPushButton("All"), QPushButton("None")
        self.all.setToolTip("Tick all channels")
        self.none.setToolTip("Untick all channels, to tick a few")
        buttons = QHBoxLayout()
        buttons.addWidget(self.all)
        buttons.addWidget(self.none)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.list)
        layout.addLayout(buttons)
        menu = QMenu(self)
        shown = QWidgetAction(menu)
        shown.setDefaultWidget(page)
        menu.addAction(shown)
        self.setMenu(menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setStyleSheet("QToolButton::menu-indicator { image: none; }")  # it covers the text
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.list.itemChanged.connect(self._on_item_changed)
        self.all.clicked.connect(self._on_all_clicked)
        self.none.clicked.connect(self._on_none_clicked)
        self.choose(None)

    def choose(self, channels: Sequence[str] | None) -> None:
        """Show what is chosen, None for all."""
        ticked = self._names if channels is None else channels
        with QSignalBlocker(self.list):
            for place, name in enumerate(self._names):
                item = self.list.item(place)
                if item is not None:
                    checked = name in ticked
                    item.setCheckState(
                        Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked
                    )
        total = len(self._names)
        told = f"{len(ticked)} of {total}" if len(ticked) < total else f"{total}"
        self.setText(f"{told} ▾")
        self.setAccessibleName(f"Channels: {told}")
        names = ", ".join(ticked[:6]) + (" and others" if len(ticked) > 6 else "")
        self.setToolTip(f"Choose the channels that are measured.\nNow: {names or 'none'}")

    def _ticked(self) -> tuple[str, ...]:
        items = [self.list.item(place) for place in range(self.list.count())]
        return tuple(
            item.text()
            for item in items
            if item is not None and item.checkState() == Qt.CheckState.Checked
        )

    def _tell(self, channels: Sequence[str]) -> None:
        whole = len(channels) == len(self._names)
        self.choose(channels)
        self.chosen.emit(None if whole else tuple(channels))

    def _on_item_changed(self) -> None:
        self._tell(self._ticked())

    def _on_all_clicked(self) -> None:
        self._tell(self._names)

    def _on_none_clicked(self) -> None:
        self._tell(())

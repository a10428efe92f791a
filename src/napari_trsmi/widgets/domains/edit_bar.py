"""Buttons that change the domains, or show some of them only; what they do is said beforehand."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QGridLayout, QMenu, QPushButton

from napari_trsmi.data.wording import counted, listed
from napari_trsmi.viewer.domains.drawn import select_inside
from napari_trsmi.viewer.regions import has_regions
from napari_trsmi.widgets.common.panel import Panel
from napari_trsmi.widgets.domains.legend import swatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_trsmi.viewer.domains.layer import DomainLayer
    from napari_trsmi.widgets.domains.legend import LegendView

UNDO, REDO, MERGE = "Ctrl+Z", "Ctrl+Shift+Z", "Ctrl+J"
"""Keys that napari's window has no use for."""

_MERGE_TIP = f"Make one of the selected domains ({MERGE})"
_ASSIGN_TIP = (
    "Put the selected spots into a domain, or a new one. Select them with the lasso, in the "
    "embedding, or by what is drawn in a Shapes or Labels layer."
)
_IN_PART = (
    "Only some spots of these domains are selected. Select whole domains in the legend to merge "
    "them, or assign the spots to a domain."
)


class EditBar(Panel):
    """Rename, recolour, merge, assign, undo and redo, and what is shown.

    Parameters
    ----------
    legend
        Whose selection says which domains.
    viewer
        In whose layers spots can be drawn around.
    """

    def __init__(self, legend: LegendView, viewer: ViewerModel) -> None:
        super().__init__()
        self._legend, self._viewer = legend, viewer
        self.solo = _button("Solo", "Show the selected domains only")
        self.show_all = _button("Show all", "Show every spot of every domain")
        self.rename = _button("Rename", "Name the selected domain (F2)")
        self.recolor = _button("Colour …", "Choose a colour for the selected domain (C)")
        self.merge = _button("Merge", _MERGE_TIP)
        self.assign = _button("Assign", _ASSIGN_TIP)
        self.undo = _button("Undo", f"Take back the last edit ({UNDO})")
        self.redo = _button("Redo", f"Do again what was undone ({REDO})")
        self._menu = QMenu(self.assign)
        self.assign.setMenu(self._menu)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for row, buttons in enumerate(
            (
                (self.rename, self.recolor, self.merge, self.undo),
                (self.solo, self.show_all, self.assign, self.redo),
            )
        ):
            for column, button in enumerate(buttons):
                layout.addWidget(button, row, column)
        self._menu.aboutToShow.connect(self._on_menu_about_to_show)
        self.solo.clicked.connect(self._on_solo_clicked)
        self.show_all.clicked.connect(self._on_show_all_clicked)
        self.rename.clicked.connect(legend.edit_name)
        self.recolor.clicked.connect(self._on_recolor_clicked)
        self.merge.clicked.connect(self.merge_selected)
        self.undo.clicked.connect(self.undo_last)
        self.redo.clicked.connect(self.redo_last)
        legend.recolor_asked.connect(self.ask_color)

    def show_state(self) -> None:
        """Enable what can be done with what is selected, and say what merging would do."""
        edits = None if self._domains is None else self._domains.edits
        names = [] if edits is None else self._legend.selected_names()
        self.solo.setEnabled(bool(names))
        self.rename.setEnabled(len(names) == 1)
        self.recolor.setEnabled(len(names) == 1)
        self.assign.setEnabled(edits is not None)
        self.undo.setEnabled(edits is not None and edits.can_undo)
        self.redo.setEnabled(edits is not None and edits.can_redo)
        self.show_all.setEnabled(edits is not None and not edits.shown.all())
        whole = len(names) > 1 and self._whole(names)
        self.merge.setEnabled(whole)
        self.merge.setText(f"Merge {len(names)}" if whole else "Merge")
        if whole:
            self.merge.setToolTip(f"Make one domain of {self._with_sizes(names)} ({MERGE})")
        else:
            self.merge.setToolTip(_IN_PART if len(names) > 1 else _MERGE_TIP)

    def merge_selected(self) -> None:
        """Make one of the domains that are selected whole, and say which."""
        domains, names = self._domains, self._legend.selected_names()
        if domains is None:
            return
        if len(names) > 1 and not self._whole(names):
            self.failed.emit(_IN_PART)
            return
        merged = self._with_sizes(names)
        kept: list[str] = []
        if self._try(lambda: kept.append(domains.edits.merge(names))):
            self.said.emit(f"{merged} are one domain now: {kept[0]}.")

    def assign_selected(self, name: str | None) -> None:
        """Put the selected spots into a domain; None makes one and lets the user name it."""
        domains = self._domains
        if domains is None:
            return
        edits, chosen = domains.edits, name
        if chosen is None:
            free = (f"New {number}" for number in count(1))
            chosen = next(new for new in free if new not in edits.names)
        spots = edits.result().domains.index[domains.selected()]
        if self._try(lambda: edits.assign(spots, chosen)) and name is None:
            self._legend.select_quietly([chosen])
            self._legend.edit_name()

    def ask_color(self, name: str) -> None:
        """Open a colour dialog that does not block."""
        domains = self._domains
        if domains is None:
            return
        dialog = QColorDialog(QColor(domains.edits.colors[name]), self)
        dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
        dialog.setWindowTitle(f"Colour of {name}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(
            lambda color: self._try(lambda: domains.edits.recolor(name, color.name()))
        )
        dialog.open()

    def undo_last(self) -> None:
        """Take back the last edit."""
        if self._domains is not None:
            self._domains.edits.undo()

    def redo_last(self) -> None:
        """Do again what was undone."""
        if self._domains is not None:
            self._domains.edits.redo()

    def _connect(self, domains: DomainLayer) -> None:
        self._links.connect(domains.edits.changed, self.show_state)
        self._links.connect(domains.edits.visibility_changed, self.show_state)

    def _refresh(self) -> None:
        self.show_state()

    def _whole(self, names: Sequence[str]) -> bool:
        """Whether all spots of these domains that are shown are selected."""
        assert self._domains is not None  # noqa: S101
        edits, selected = self._domains.edits, self._domains.selected_counts()
        shown = np.bincount(edits.codes[edits.shown], minlength=len(edits.names))
        return all(selected.get(name, 0) == shown[edits.names.index(name)] for name in names)

    def _with_sizes(self, names: Sequence[str]) -> str:
        assert self._domains is not None  # noqa: S101
        sizes = self._domains.edits.counts
        return listed([f"{name} ({counted(sizes[name], 'spot')})" for name in names])

    def _on_menu_about_to_show(self) -> None:
        self._menu.clear()
        if self._domains is None:
            return
        any_spot = bool(self._domains.selected_counts())
        for name, color in [(None, ""), *self._domains.edits.colors.items()]:
            action = self._menu.addAction("New domain" if name is None else f"Assign to {name}")
            assert action is not None  # noqa: S101
            if name is not None:
                action.setIcon(swatch(color))
            action.setEnabled(any_spot)
            action.triggered.connect(lambda _=False, name=name: self.assign_selected(name))
        self._menu.addSeparator()
        for layer in filter(has_regions, self._viewer.layers):
            action = self._menu.addAction(f"Select the spots inside {layer.name}")
            assert action is not None  # noqa: S101
            action.triggered.connect(lambda _=False, layer=layer: self._select_inside(layer))

    def _select_inside(self, drawn: Layer) -> None:
        domains = self._domains
        if domains is not None and self._try(lambda: select_inside(drawn, domains)):
            self.said.emit(
                f"The spots inside {drawn.name} are selected: Assign puts them together."
            )

    def _on_solo_clicked(self) -> None:
        names = self._legend.selected_names()
        if self._domains is not None and names:
            self._domains.edits.solo(names)

    def _on_show_all_clicked(self) -> None:
        if self._domains is not None:
            self._domains.edits.show_all()

    def _on_recolor_clicked(self) -> None:
        names = self._legend.selected_names()
        if names:
            self.ask_color(names[0])


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button

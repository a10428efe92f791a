"""A picture of points in two dimensions in which some can be picked with the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_trsmi.requirements import needed_for

with needed_for("Drawing the embedding"):
    from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
    from matplotlib.figure import Figure
    from matplotlib.path import Path
    from matplotlib.widgets import LassoSelector, RectangleSelector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Tool = Literal["lasso", "rectangle"]

_DIMMED = 0.12
_SINGLE = 20_000  # more points than this are drawn as pixels
_CLICK = 3  # data of a drag over fewer places than this are a click


class Scatter(FigureCanvasQTAgg):
    """Points coloured by group, with a lasso and a rectangle to pick some.

    Each group is one line of markers, which Matplotlib draws faster than a scatter of coloured
    points.

    Attributes
    ----------
    picked
        Emitted with the indices of the points that the user has picked, ascending.
    """

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Figure(figsize=(3, 3)))  # type: ignore[no-untyped-call]
        self.setParent(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 120)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._axes = self.figure.add_axes((0.02, 0.02, 0.96, 0.96))
        self._axes.set_axis_off()
        self._places: NDArray[np.floating] = np.empty((0, 2))
        self._codes: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._colors: Sequence[str] = ()
        self._visible: NDArray[np.bool_] = np.empty(0, dtype=bool)
        self._selected: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._line = "#808080"
        self._selector: Any = None
        self._tool: Tool = "lasso"
        self.use_tool("lasso")

    def show_points(self, places: NDArray[np.floating]) -> None:
        """Show other points, shape (n, 2); `color_by_group` has to follow."""
        self._places = places
        self._selected = np.empty(0, dtype=np.intp)
        self._visible = np.ones(len(places), dtype=bool)
        self._codes = np.zeros(len(places), dtype=np.intp)
        if len(places):
            low, high = places.min(axis=0), places.max(axis=0)
            margin = np.where(high > low, 0.04 * (high - low), 1)
            (left, lower), (right, upper) = low - margin, high + margin
            self._axes.set(xlim=(left, right), ylim=(lower, upper))

    def color_by_group(
        self, codes: NDArray[np.intp], colors: Sequence[str], visible: NDArray[np.bool_]
    ) -> None:
        """Colour the points.

        Parameters
        ----------
        codes
            Group of each point, from 0, shape (n,).
        colors
            Of each group.
        visible
            Whether a point is drawn and can be picked, shape (n,).
        """
        self._codes, self._colors, self._visible = codes, colors, visible
        self._redraw()

    def highlight(self, selected: NDArray[np.intp]) -> None:
        """Dim all points but these; none to dim none."""
        if not np.array_equal(selected, self._selected):
            self._selected = selected
            self._redraw()

    def set_theme(self, background: str, line: str) -> None:
        """Take colours for the background and for the lasso."""
        self.figure.set_facecolor(background)
        self._line = line
        self.use_tool(self._tool)
        self.draw_idle()  # type: ignore[no-untyped-call]

    def use_tool(self, tool: Tool) -> None:
        """Pick with a lasso or a rectangle."""
        self._tool = tool
        if self._selector is not None:
            self._selector.disconnect_events()
            self._selector.set_visible(False)
        if tool == "lasso":
            self._selector = LassoSelector(
                self._axes, self._on_lasso_closed, props={"color": self._line, "linewidth": 1.5}
            )
        else:
            self._selector = RectangleSelector(
                self._axes,
                self._on_rectangle_drawn,
                useblit=True,
                props={"edgecolor": self._line, "facecolor": "none", "linewidth": 1.5},
            )

    def pick_inside(self, corners: Sequence[tuple[float, float]]) -> None:
        """Pick the drawn points inside a polygon; none if it is no polygon."""
        inside = np.zeros(len(self._places), dtype=bool)
        if len(corners) >= _CLICK:
            inside = Path(corners).contains_points(self._places) & self._visible
        self.picked.emit(np.flatnonzero(inside))

    def _redraw(self) -> None:
        for line in list(self._axes.lines):
            if line is not getattr(self._selector, "_selection_artist", None):
                line.remove()
        everything = self._visible
        chosen = np.zeros(len(self._places), dtype=bool)
        chosen[self._selected[self._selected < len(chosen)]] = True
        chosen &= everything
        if chosen.any():
            self._add(everything & ~chosen, _DIMMED)
            self._add(chosen, 1.0)
        else:
            self._add(everything, 1.0)
        self.draw_idle()  # type: ignore[no-untyped-call]

    def _add(self, drawn: NDArray[np.bool_], opacity: float) -> None:
        many = len(self._places) > _SINGLE
        size = 4.0 if len(self._places) < _SINGLE / 10 else 2.5
        for group, color in enumerate(self._colors):
            places = self._places[drawn & (self._codes == group)]
            self._axes.plot(
                *places.T,
                "," if many else "o",
                color=color,
                alpha=opacity,
                markersize=size,
                markeredgewidth=0,
                scalex=False,
                scaley=False,
            )

    def _on_lasso_closed(self, corners: list[tuple[float, float]]) -> None:
        self.pick_inside(corners)

    def _on_rectangle_drawn(self, *_: object) -> None:
        left, right, lower, upper = self._selector.extents
        self.pick_inside([(left, lower), (right, lower), (right, upper), (left, upper)])
        self._selector.set_visible(False)

"""The boundaries of the followed domains on the canvas: drawn, kept in step, taken away."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from napari_trsmi.spots.boundaries import domain_boundaries
from napari_trsmi.spots.cells import spot_cells
from napari_trsmi.viewer.domains.boundaries import add_boundaries
from napari_trsmi.widgets.common.background import Background
from napari_trsmi.widgets.common.links import Links
from napari_trsmi.widgets.common.panel import Panel

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Points, Vectors
    from numpy.typing import NDArray

    from napari_trsmi.spots.boundaries import Boundary
    from napari_trsmi.spots.cells import Cells
    from napari_trsmi.viewer.domains.layer import DomainLayer


class _Cells:
    """The cells of a run's spots, which no edit moves, found once; several threads may ask."""

    def __init__(self, coordinates: NDArray[np.float64]) -> None:
        self._coordinates = coordinates
        self._found: Cells | None = None
        self._lock = Lock()

    def get(self) -> Cells:
        """Find them, or wait until they are found."""
        with self._lock:
            if self._found is None:
                self._found = spot_cells(self._coordinates)
            return self._found


class BoundariesPanel(Panel):
    """A check box: whether the boundaries of the followed domains are drawn.

    Parameters
    ----------
    viewer
        Where they are drawn.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._drawn: WeakKeyDictionary[Points, Vectors] = WeakKeyDictionary()
        self._cells: WeakKeyDictionary[Points, _Cells] = WeakKeyDictionary()
        self._codes: WeakKeyDictionary[Points, NDArray[np.intp]] = WeakKeyDictionary()  # as drawn
        self.background = Background(self)
        self.box = QCheckBox("Boundaries")
        self.box.setToolTip("Draw lines where neighbouring spots have different domains")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.box)
        self._viewer_links = Links(self)
        self._viewer_links.connect(viewer.layers.events.removed, self._show_state)
        self.box.clicked.connect(self._on_box_clicked)
        self.background.finished.connect(self._on_background_finished)
        self.background.failed.connect(self._on_background_failed)

    def _connect(self, domains: DomainLayer) -> None:
        self._links.connect(domains.edits.changed, self._on_edits_changed)
        self._links.connect(domains.layer.events.visible, self.show_with_runs)

    def _refresh(self) -> None:
        self.background.drop()
        self._show_state()

    def _on_box_clicked(self, wanted: bool) -> None:
        if wanted:
            self.draw()
        else:
            self._remove()

    def show_with_runs(self) -> None:
        """Show and hide boundaries with the runs that they belong to."""
        for points, lines in self._drawn.items():
            lines.visible = points.visible

    def _on_edits_changed(self) -> None:
        # Names and colours move no boundary.
        if self._domains is not None and self.box.isChecked():
            drawn = self._codes.get(self._domains.layer)
            if drawn is None or not np.array_equal(drawn, self._domains.edits.codes):
                self.draw()

    def draw(self) -> None:
        """Draw the boundaries of what is followed, anew if they are there."""
        if self._domains is None:
            return
        self._remove()
        points, edits = self._domains.layer, self._domains.edits
        self._codes[points] = edits.codes
        result = edits.result().side_by_side()
        cells = self._cells.setdefault(points, _Cells(result.coordinates))

        def find() -> tuple[Points, list[Boundary]]:
            found = domain_boundaries(result.coordinates, result.domains, cells=cells.get())
            return points, found

        self.background.start(find)  # seconds on a large section
        self._show_state()

    def _remove(self) -> None:
        self.background.drop()
        if self._domains is not None:
            drawn = self._drawn.pop(self._domains.layer, None)
            if drawn in self._viewer.layers:
                self._viewer.layers.remove(drawn)

    def _on_background_finished(self, found: tuple[Points, list[Boundary]]) -> None:
        points, boundaries = found
        active = self._viewer.layers.selection.active

        def draw() -> None:
            self._drawn[points] = add_boundaries(self._viewer, points, boundaries=boundaries)

        self._try(draw)
        self._viewer.layers.selection.active = active  # napari makes a new layer the active one
        self._show_state()

    def _on_background_failed(self, reason: str) -> None:
        self.failed.emit(reason)
        self._show_state()

    def _show_state(self) -> None:
        drawn = None if self._domains is None else self._drawn.get(self._domains.layer)
        shown = drawn is not None and drawn in self._viewer.layers
        self.box.setChecked(shown or self.background.busy)

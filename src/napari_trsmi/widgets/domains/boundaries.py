"""The boundaries of the followed domains on the canvas: drawn, kept in step, taken away."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from napari_trsmi.spots.boundaries import domain_boundaries
from napari_trsmi.spots.cells import spot_cells
from napari_trsmi.viewer.domains.boundaries import boundaries_data, looks_of
from napari_trsmi.widgets.common.background import Background
from napari_trsmi.widgets.common.links import Links
from napari_trsmi.widgets.common.panel import Panel

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Points, Vectors
    from numpy.typing import NDArray

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
        self._awaited: Points | None = None  # whose lines are being found
        self._show = QTimer(self)
        self._show.setSingleShot(True)
        self._show.timeout.connect(self.show_with_runs)
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
        self._drop()
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
        points, edits = self._domains.layer, self._domains.edits
        if self._awaited is not points:
            self._drop()
        self._awaited = points
        if (before := self._lines_of(points)) is not None:
            before.data = np.zeros((0, 2, 2))  # where no line belongs any more, none is seen
        self._codes[points] = edits.codes
        result = edits.result().side_by_side()
        cells = self._cells.setdefault(points, _Cells(result.coordinates))
        looks = looks_of(self._viewer, points)

        def find() -> tuple[Points, Vectors]:
            from napari.layers import Layer

            found = domain_boundaries(result.coordinates, result.domains, cells=cells.get())
            data, arguments, kind = boundaries_data(found, result.coordinates, looks)
            return points, Layer.create(data, {**arguments, "visible": False}, kind)

        self.background.start(find)  # seconds on a large section
        self._show_state()

    def stop(self) -> None:
        """Wait no more for lines; those that are drawn stay."""
        if self.background.busy:
            self._drop()

    def _lines_of(self, points: Points) -> Vectors | None:
        lines = self._drawn.get(points)
        return lines if lines in self._viewer.layers else None

    def _drop(self) -> None:
        """Wait no more for lines, and take the layer away that they were to fill."""
        self.background.drop()
        if self._awaited is not None:
            self._take_away(self._awaited)

    def _remove(self) -> None:
        self._drop()
        if self._domains is not None:
            self._take_away(self._domains.layer)

    def _take_away(self, points: Points) -> None:
        self._awaited = None
        lines = self._lines_of(points)
        self._drawn.pop(points, None)
        if lines is not None:
            self._viewer.layers.remove(lines)

    def _on_background_finished(self, found: tuple[Points, Vectors]) -> None:
        points, lines = found
        self._awaited = None
        if (before := self._lines_of(points)) is not None:
            # napari collects all garbage, a fifth of a second, for each layer that is removed.
            before.visible = False
            before.data, before.features = lines.data, lines.features
        else:
            active = self._viewer.layers.selection.active
            self._drawn[points] = self._viewer.add_layer(lines)
            self._viewer.layers.selection.active = active  # not the new one, as napari has it
        self._show.start()  # so that drawing is not part of the same wait
        self._show_state()

    def _on_background_failed(self, reason: str) -> None:
        self._drop()
        self.failed.emit(reason)
        self._show_state()

    def _show_state(self) -> None:
        drawn = None if self._domains is None else self._drawn.get(self._domains.layer)
        shown = drawn is not None and drawn in self._viewer.layers
        self.box.setChecked(shown or self.background.busy)

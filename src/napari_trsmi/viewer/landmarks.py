"""Pairs of landmarks in a window, with undo: a picture moves onto spots or another picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from psygnal import Signal

from napari_trsmi.errors import InputError
from napari_trsmi.spots.landmarks import LEAST_PAIRS, Registration, fit_landmarks
from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.plane import Plane
from napari_trsmi.viewer.register import register_of
from napari_trsmi.viewer.registration import REGISTRATION, affine_onto, matrix_of, written_on
from napari_trsmi.viewer.turns import Turns

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Points
    from numpy.typing import NDArray

    from napari_trsmi.data.quarter_turns import Turn
    from napari_trsmi.spots.landmarks import TransformKind

LANDMARKS = "trsmi_landmarks"
"""Marks a layer of landmarks in its metadata."""

_OF_EXTENT = 0.025  # of the spots' extent: the width of a mark
_SPOTS, _PICTURE = "#ff9f1c", "#2ec4ff"


@dataclass(frozen=True, eq=False)
class _State:
    """What undo brings back."""

    spots: NDArray[np.float64]
    picture: NDArray[np.float64]
    affine: NDArray[np.float64]
    written: dict[str, Any] | None


class Landmarks:
    """Two layers of numbered landmarks: one among the spots, one on the picture.

    A click among the spots asks for the same place on the picture, and so on. Marks may be dragged
    and deleted as any points; a pair goes as a whole. Where pairs are set on another picture that
    lies on the spots, what is asked for is shown alone.

    Parameters
    ----------
    viewer
        The window.
    spots
        A layer of a section's spots, or of a run.
    picture
        The layer that is to be moved onto them.
    onto
        The picture on whose pixels the first place of each pair is set; None: among the spots.

    Attributes
    ----------
    changed
        Emitted after every change of the landmarks and of the picture's place.
    """

    changed = Signal()

    def __init__(
        self, viewer: ViewerModel, spots: Points, picture: Image, onto: Image | None = None
    ) -> None:
        for layer in (spots, picture, onto):
            if layer is not None and layer.ndim != 2:
                raise InputError(
                    f"Layer {layer.name!r} has {layer.ndim} dimensions. Landmarks are set on "
                    "two-dimensional layers."
                )
        self._viewer, self.spots, self.picture = viewer, spots, picture
        self._turns = None if onto is None else Turns(viewer, spots, onto, picture)
        if viewer.layers.index(picture) > viewer.layers.index(spots):  # which it would cover
            viewer.layers.move(viewer.layers.index(picture), viewer.layers.index(spots))
        width = _OF_EXTENT * float(np.ptp(spots.extent.world, axis=0).max())
        where = "among the spots" if onto is None else "on the first picture"
        self._on_spots = self._add(spots, f"Landmarks {where}", _SPOTS, width)
        self._on_picture = self._add(picture, "Landmarks on the picture", _PICTURE, width)
        self._past: list[_State] = []
        self._now = self._look()
        self._quiet = False
        for layer in (self._on_spots, self._on_picture):
            layer.events.data.connect(self._on_data_changed)
        self._ask(self._on_spots)

    # -- what is there ---------------------------------------------------------

    @property
    def n_pairs(self) -> int:
        """Number of whole pairs."""
        return min(len(self._on_spots.data), len(self._on_picture.data))

    @property
    def n_marks(self) -> int:
        """Number of pairs, whole or begun."""
        return max(len(self._on_spots.data), len(self._on_picture.data))

    @property
    def asks_for_picture(self) -> bool:
        """Whether the next click is to be on the picture."""
        return len(self._on_spots.data) > len(self._on_picture.data)

    @property
    def is_there(self) -> bool:
        """Whether all four layers are in the window still."""
        layers = (self.spots, self.picture, self._on_spots, self._on_picture)
        if self._turns is not None and self._turns.first not in self._viewer.layers:
            return False
        return all(layer in self._viewer.layers for layer in layers)

    def fit(self, kind: TransformKind) -> Registration | None:
        """The transform that the pairs give; None while they are too few.

        Raises
        ------
        InputError
            If they lie on one place or one line.
        """
        pairs = self.n_pairs
        if pairs < LEAST_PAIRS[kind]:
            return None
        return fit_landmarks(
            self._on_spots.data[:pairs, ::-1], self._on_picture.data[:pairs, ::-1], kind=kind
        )

    def places(self) -> dict[str, list[list[float]]]:
        """Rows and columns of all marks, in plain JSON types."""
        return {
            "spots": np.asarray(self._on_spots.data, dtype=float).tolist(),
            "picture": np.asarray(self._on_picture.data, dtype=float).tolist(),
        }

    # -- changes ---------------------------------------------------------------

    def set_places(self, *, spots: list[list[float]], picture: list[list[float]]) -> None:
        """Set all marks at once, as `places` returned them."""
        for places, layer in ((spots, self._on_spots), (picture, self._on_picture)):
            self._quietly(np.array(places, dtype=float).reshape(-1, 2), layer)
        self._settle()

    def move_picture(self, registration: Registration) -> None:
        """Lay the picture onto the spots."""
        self._remember()
        affine = affine_onto(self.picture, matrix_of(self.spots), registration)
        self._put(affine, registration.written())
        self._now = self._look()
        self.changed.emit()

    def turn_picture(self, turn: Turn) -> None:
        """Turn or mirror the picture by what `fit_of_picture` found."""
        places = self.spots_as_pixels(self._corners()[:, ::-1])
        moved = places @ turn.matrix[:, :2].T + turn.matrix[:, 2]
        self.move_picture(fit_landmarks(self._corners(), moved))

    def remove(self, pair: int) -> None:
        """Remove a pair by its number, from 0."""
        self._remember()
        for layer in (self._on_spots, self._on_picture):
            if pair < len(layer.data):
                self._quietly(np.delete(layer.data, pair, axis=0), layer)
        self._settle()

    @property
    def can_undo(self) -> bool:
        """Whether something was changed."""
        return bool(self._past)

    def undo(self) -> None:
        """Take the last change back: of a landmark, or of the picture's place."""
        if not self._past:
            return
        state = self._past.pop()
        self._quietly(state.spots, self._on_spots)
        self._quietly(state.picture, self._on_picture)
        self._put(state.affine, state.written)
        self._settle()

    def close(self) -> None:
        """Take the landmarks off the window; the picture stays where it is."""
        if self._turns is not None:
            self._turns.end()
        for layer in (self._on_spots, self._on_picture):
            layer.events.data.disconnect(self._on_data_changed)
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        if self.spots in self._viewer.layers:
            self._viewer.layers.selection.active = self.spots

    # -- places ----------------------------------------------------------------

    def spots_as_pixels(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """(column, row) on the picture of (row, column) among the spots, as both lie now."""
        world = Plane.of(self.spots).to_world(places)
        return Plane.of(self.picture).to_data(world)[:, ::-1]

    def _corners(self) -> NDArray[np.float64]:
        places = np.asarray(self.spots.data, dtype=np.float64)
        top, left = places.min(axis=0)
        bottom, right = np.maximum(places.max(axis=0), (top + 1, left + 1))
        return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)

    # -- inside ----------------------------------------------------------------

    def _add(self, below: Points | Image, name: str, color: str, width: float) -> Points:
        layer = self._viewer.add_points(
            np.zeros((0, 2)),
            size=width / abs(float(below.scale[-1])),
            symbol="cross",
            face_color=color,
            border_color="black",
            border_width=0.15,
            features=pd.DataFrame({"pair": np.zeros(0, dtype=object)}),
            text={"string": "{pair}", "size": 14, "color": color, "anchor": "upper_left"},
            name=name,
            metadata={LANDMARKS: True},
            **register_of(below),
        )
        layer.current_size = width / abs(float(below.scale[-1]))
        return layer

    def _look(self) -> _State:
        return _State(
            np.array(self._on_spots.data),
            np.array(self._on_picture.data),
            np.array(self.picture.affine.affine_matrix),
            written_on(self.picture),
        )

    def _remember(self) -> None:
        self._past.append(self._look())

    def _on_data_changed(self, event: Any) -> None:
        if self._quiet or event.action not in ("added", "removed", "changed"):
            return
        layer = event.source
        other = self._on_picture if layer is self._on_spots else self._on_spots
        if event.action == "removed":
            gone = [index for index in event.data_indices if index < len(other.data)]
            self._quietly(np.delete(other.data, gone, axis=0), other)
        self._past.append(self._now)
        self._settle()

    def _settle(self) -> None:
        """Number the marks, ask for the next one, and tell."""
        self._now = self._look()
        for layer in (self._on_spots, self._on_picture):
            numbers = np.array([str(number + 1) for number in range(len(layer.data))], dtype=object)
            layer.features = pd.DataFrame({"pair": numbers})
        if self._viewer.layers.selection.active in (self._on_spots, self._on_picture):
            self._ask(self._on_picture if self.asks_for_picture else self._on_spots)
        self.changed.emit()

    def _ask(self, layer: Points) -> None:
        """Make a click add to this layer, unless the person is moving marks."""
        active = self._viewer.layers.selection.active
        if active in (self._on_spots, self._on_picture) and active.mode == "select":
            return
        if self._turns is not None:
            self._turns.show(is_first=layer is self._on_spots)
        self._viewer.layers.selection.active = layer
        layer.mode = "add"

    def _quietly(self, places: NDArray[np.float64], layer: Points) -> None:
        self._quiet = True
        try:
            layer.data = places
        finally:
            self._quiet = False

    def _put(self, affine: NDArray[np.float64], written: dict[str, Any] | None) -> None:
        for layer in (self.picture, self._on_picture):
            layer.affine = affine
        self.picture.units = self._on_picture.units = self.spots.units
        if self._turns is not None:
            self._turns.forget_second()
        kept = {key: value for key, value in self.picture.metadata.items() if key != REGISTRATION}
        self.picture.metadata = kept if written is None else {**kept, REGISTRATION: written}


def has_spots(layer: Any) -> bool:
    """Whether a picture can be registered to a layer's points."""
    from napari.layers import Points

    return isinstance(layer, Points) and (
        dataset_of(layer) is not None or result_of(layer) is not None
    )

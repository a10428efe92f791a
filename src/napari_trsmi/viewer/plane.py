"""A layer's last two axes in the world, as one affine map of many points at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari.layers import Layer
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Plane:
    """The map world = matrix @ data + offset, both as (row, column).

    Attributes
    ----------
    matrix
        Shape (2, 2).
    offset
        Shape (2,).
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]

    @classmethod
    def of(cls, layer: Layer) -> Plane:
        """The plane of a layer; leading axes are taken at their origin."""
        origin = _world(layer, (0, 0))
        columns = [_world(layer, axis) - origin for axis in ((1, 0), (0, 1))]
        return cls(np.column_stack(columns), origin)

    @property
    def magnification(self) -> float:
        """World units per data unit, the geometric mean over directions."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix))))

    def to_world(self, data: NDArray[np.floating]) -> NDArray[np.float64]:
        """World coordinates of data coordinates, both (n, 2)."""
        return data @ self.matrix.T + self.offset

    def to_data(self, world: NDArray[np.floating]) -> NDArray[np.float64]:
        """Data coordinates of world coordinates, both (n, 2)."""
        moved: NDArray[np.float64] = (world - self.offset) @ np.linalg.inv(self.matrix).T
        return moved


def _world(layer: Layer, place: tuple[int, int]) -> NDArray[np.float64]:
    whole = (*(0,) * (layer.ndim - 2), *place)
    return np.asarray(layer.data_to_world(whole), dtype=np.float64)[-2:]

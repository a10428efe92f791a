"""Shapes of made-up tissue: where spots lie, and which domain a place belongs to.

Places are points (x, y) in pixels of the made-up image, `IMAGE_SIDE` wide and high. A shape is a
function of place, so that the same tissue can be sampled by a thousand spots or by a million, and
painted pixel by pixel (`napari_trsmi.data.simulated.histology`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

IMAGE_SIDE = 1200
"""Width and height of the made-up image in pixels."""

GLASS = -1
"""Domain of a place that has no tissue."""


class Tissue(Protocol):
    """A shape: a tissue of some domains, and the lattice on which an assay samples it."""

    @property
    def n_domains(self) -> int:
        """Number of domains, the background (0) among them."""

    @property
    def spot_share(self) -> float:
        """Diameter of a spot over the distance between neighbouring spots."""

    def lattice(self, n_spots: int) -> tuple[NDArray[np.float64], float]:
        """Return `n_spots` places on the tissue, shape (n_spots, 2), and their pitch."""

    def domain_at(self, places: NDArray[np.float64]) -> NDArray[np.int8]:
        """Return the domain of each place, shape (n,), `GLASS` where there is no tissue."""


@dataclass(frozen=True)
class Quilt:
    """A square tissue cut into 6 x 6 cells, each wholly of one domain.

    Attributes
    ----------
    cells
        For domain 1, 2, ... the cells that belong to it, numbered 0 to 35 row by row; the
        rest is background.
    """

    cells: tuple[tuple[int, ...], ...]
    spot_share: float = 0.8

    _PER_SIDE = 6
    _MARGIN = 75

    @property
    def n_domains(self) -> int:
        """Number of domains, the background (0) among them."""
        return len(self.cells) + 1

    def lattice(self, n_spots: int) -> tuple[NDArray[np.float64], float]:
        """Return a square grid, filled row by row; the last row may stay short."""
        per_side = ceil(sqrt(n_spots))
        pitch = (IMAGE_SIDE - 2 * self._MARGIN) / per_side
        row, column = np.divmod(np.arange(n_spots), per_side)
        return self._MARGIN + pitch * (np.column_stack([column, row]) + 0.5), pitch

    def domain_at(self, places: NDArray[np.float64]) -> NDArray[np.int8]:
        """Return the domain of the cell that each place lies in."""
        cell_side = (IMAGE_SIDE - 2 * self._MARGIN) / self._PER_SIDE
        column, row = np.floor((places - self._MARGIN) / cell_side).astype(np.int64).T
        domain_of_cell = np.zeros(self._PER_SIDE**2, dtype=np.int8)
        for domain, cells in enumerate(self.cells, start=1):
            domain_of_cell[list(cells)] = domain
        inside = (row >= 0) & (row < self._PER_SIDE) & (column >= 0) & (column < self._PER_SIDE)
        domains = np.full(len(places), GLASS, dtype=np.int8)
        domains[inside] = domain_of_cell[(self._PER_SIDE * row + column)[inside]]
        return domains


@dataclass(frozen=True)
class Organ:
    """An organ in section: rim, nodules in a stroma, an inner layer, and a core of two kinds.

    Every boundary is curved and bent by smooth noise. The rim is only some spots wide, and the
    nodules are islands: averaging over space alone blurs both.

    Attributes
    ----------
    shape_seed
        Which organ; the same seed gives the same outline and domains.
    """

    shape_seed: int = 7
    spot_share: float = 0.55

    STROMA, RIM, NODULE, INNER_LAYER, CORE, CORE_OTHER = range(6)

    @property
    def n_domains(self) -> int:
        """Number of domains, the background (0) among them."""
        return 6

    def lattice(self, n_spots: int) -> tuple[NDArray[np.float64], float]:
        """Return the `n_spots` deepest places of a hexagonal lattice laid over the organ."""
        probe_pitch = 12.0
        n_probes = np.count_nonzero(self._depth(_hexagonal(probe_pitch)) > 0)
        pitch = probe_pitch * sqrt(n_probes / n_spots)
        while True:
            places = _hexagonal(pitch)
            depth = self._depth(places)
            if np.count_nonzero(depth > 0) >= n_spots:
                deepest = np.sort(np.argpartition(-depth, n_spots - 1)[:n_spots])
                return places[deepest], pitch
            pitch *= 0.995

    def domain_at(self, places: NDArray[np.float64]) -> NDArray[np.int8]:
        """Return the domain of each place by its depth under the outline."""
        outline_depth = self._depth(places)
        depth = outline_depth + 0.07 * self._noise(1, places, wavelength=300)
        kind = self._noise(2, places, wavelength=420)
        island = self._noise(3, places, wavelength=170)
        domains = np.full(len(places), self.STROMA, dtype=np.int8)
        domains[island > 0.55] = self.NODULE
        domains[depth > 0.43] = self.INNER_LAYER
        domains[depth > 0.56] = self.CORE
        domains[(depth > 0.56) & (kind < -0.1)] = self.CORE_OTHER
        domains[depth < 0.13 + 0.05 * kind] = self.RIM
        domains[outline_depth <= 0] = GLASS
        return domains

    def _depth(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Depth under the outline: 1 at the centre, 0 on the outline, negative outside."""
        rng = np.random.default_rng([self.shape_seed, 0])
        lobes = np.arange(2, 8)
        phases = rng.uniform(0, 2 * np.pi, lobes.size)
        x, y = ((places - IMAGE_SIDE / 2) / (IMAGE_SIDE / 2)).T
        angle = np.arctan2(y, x)
        swell = 0.25 / lobes**1.5 * np.cos(lobes * angle[:, np.newaxis] + phases)
        radius = np.hypot(x, y * 1.12) / (0.92 + swell.sum(axis=1))
        depth: NDArray[np.float64] = 1 - radius
        return depth

    def _noise(
        self, stream: int, places: NDArray[np.float64], wavelength: float
    ) -> NDArray[np.float64]:
        """Smooth noise of mean 0 and variance 1: a sum of plane waves of all directions."""
        n_waves = 16
        rng = np.random.default_rng([self.shape_seed, stream])
        direction = rng.uniform(0, 2 * np.pi, n_waves)
        frequency = 2 * np.pi / wavelength * rng.uniform(0.6, 1.4, n_waves)
        phase = rng.uniform(0, 2 * np.pi, n_waves)
        total = np.zeros(len(places))
        for wave in range(n_waves):
            towards = frequency[wave] * np.array([np.cos(direction[wave]), np.sin(direction[wave])])
            total += np.cos(places @ towards + phase[wave])
        return total * sqrt(2 / n_waves)


def _hexagonal(pitch: float) -> NDArray[np.float64]:
    """Return a hexagonal lattice over the image, as Visium's: every other row is shifted."""
    n_rows = int(IMAGE_SIDE / (pitch * sqrt(3) / 2)) + 1
    n_columns = int(IMAGE_SIDE / pitch) + 1
    row, column = np.divmod(np.arange(n_rows * n_columns), n_columns)
    return pitch * np.column_stack([column + 0.5 * (row % 2), row * sqrt(3) / 2])

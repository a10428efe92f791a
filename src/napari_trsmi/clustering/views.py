"""Views of the tissue around each spot, that regions are sought in.

No rule without labels says how far around a spot its region reaches, how many axes speak of it, or
whether one tissue that stands far out (white matter, blood) may take up the whole scale. So there
is a view for every answer, and `regions` keeps what they agree on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import scipy.sparse as sp

from napari_trsmi.clustering.mixture import winsorized
from napari_trsmi.graphs.autocorrelation import signal_to_noise
from napari_trsmi.graphs.normalize import add_self_loops, row_normalized
from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

Rows: TypeAlias = "slice | NDArray[np.int64]"

LIMITS = (np.inf, 2.0)
"""Standard deviations that the axes are pulled in to."""


@dataclass(frozen=True, eq=False)
class View:
    """One view of the spots.

    Its points are made where they are asked for: views that differ by their number of axes share
    the averages, and a tile of them is enough at a time.

    Attributes
    ----------
    averages
        Axes of each modality, ``float64``, (n_spots, n_axes_m), and maybe more than are looked at.
    hops
        How often the axes were averaged over a spot and its neighbours.
    widths
        Axes of each modality.
    center, scale
        What was taken off the averages, and what they were multiplied by, each (n_axes,).
    limit
        Standard deviations that the axes were pulled in to.
    """

    averages: tuple[NDArray[np.float64], ...]
    hops: int
    widths: tuple[int, ...]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    limit: float

    def __len__(self) -> int:
        return len(self.averages[0])

    @property
    def points(self) -> NDArray[np.float64]:
        """All spots' points, shape (n_spots, n_axes), modalities side by side."""
        return self.at(slice(None))

    def at(self, rows: Rows) -> NDArray[np.float64]:
        """Points of some spots."""
        points = np.hstack(
            [block[rows, :n] for block, n in zip(self.averages, self.widths, strict=True)]
        )
        points -= self.center
        points *= self.scale
        return points

    def only(self, rows: Rows) -> View:
        """The same view of some spots."""
        return replace(self, averages=tuple(block[rows] for block in self.averages))


def region_views(
    factors: Sequence[NDArray[np.float64]],
    spatial: sp.csr_array,
    *,
    hops: Sequence[int],
    n_factors: Sequence[int],
    measured: Sequence[Rows] | None = None,
    noise: Sequence[sp.csr_array] | None = None,
    check: Callable[[], None] = lambda: None,
    portion: Portion = WHOLE,
) -> Iterator[View]:
    """Every combination of a limit, a number of hops and a number of axes.

    An axis is pulled in to the limit, averaged over the spot and its neighbours as often as there
    are hops, and scaled to the standard deviation √(signal / noise).

    Parameters
    ----------
    factors
        `autocorrelation_factors` of each modality.
    spatial
        0/1 spatial graph without self loops, (n_spots, n_spots).
    hops
        Increasing.
    n_factors
        Numbers of axes of each modality, the first of its factors.
    measured
        Rows where each modality was measured; None for all. Its centre and scales are theirs.
    noise
        Graph of each modality between whose neighbours its noise is measured; `spatial` if None.
    check
        Called before every view; what it raises ends the work.
    portion
        Of the spots, whose rows these are.
    """
    mean = _mean(spatial)
    rows = measured or [slice(None)] * len(factors)
    graphs = noise or [spatial] * len(factors)
    for limit in LIMITS:
        blocks = list(factors)
        if limit != np.inf:
            blocks = [winsorized(block, limit=limit, portion=portion) for block in factors]
        spreads = [_signal(*each, portion) for each in zip(blocks, graphs, rows, strict=True)]
        done = 0
        for wanted in hops:
            for _ in range(wanted - done):
                check()
                blocks = [mean @ portion.around(block) for block in blocks]
            done = wanted
            spread = [_spread(*block, portion) for block in zip(blocks, spreads, rows, strict=True)]
            sizes = {tuple(min(n, block.shape[1]) for block in blocks) for n in n_factors}
            for size in sorted(sizes):
                check()
                center, scale = (
                    np.hstack([part[:n] for part, n in zip(parts, size, strict=True)])
                    for parts in zip(*spread, strict=True)
                )
                yield View(tuple(blocks), wanted, size, center, scale, limit)


def region_embedding(
    factors: Sequence[NDArray[np.float64]],
    spatial: sp.csr_array,
    *,
    hops: int,
    measured: Sequence[Rows] | None = None,
    noise: Sequence[sp.csr_array] | None = None,
    portion: Portion = WHOLE,
) -> NDArray[np.float64]:
    """All axes as one view has them, without a limit.

    Parameters
    ----------
    factors, spatial, measured, noise, portion
        As for `region_views`.
    hops
        How often they are averaged over a spot and its neighbours.

    Returns
    -------
    ndarray
        Shape (n_spots, n_axes), modalities side by side.
    """
    mean = _mean(spatial)
    parts = []
    rows = measured or [slice(None)] * len(factors)
    graphs = noise or [spatial] * len(factors)
    for block, graph, own in zip(factors, graphs, rows, strict=True):
        averaged = block
        for _ in range(hops):
            averaged = mean @ portion.around(averaged)
        signal = _signal(block, graph, own, portion)
        center, scale = _spread(averaged, signal, own, portion)
        parts.append((averaged - center) * scale)
    return np.hstack(parts)


def _mean(spatial: sp.csr_array) -> sp.csr_array:
    """Over a spot and its neighbours."""
    return row_normalized(add_self_loops(spatial)).astype(np.float64)


def _signal(
    block: NDArray[np.float64], spatial: sp.csr_array, rows: Rows, portion: Portion
) -> NDArray[np.float64]:
    """√(signal / noise) of each column in some rows, which have no edge to others."""
    if not isinstance(rows, slice):
        block, spatial = block[rows], sp.csr_array(spatial[rows][:, rows])
    return np.sqrt(signal_to_noise(block, spatial, portion))


def _spread(
    block: NDArray[np.float64], deviations: NDArray[np.float64], rows: Rows, portion: Portion
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What centres the columns and brings them to these standard deviations, in some rows.

    Returns
    -------
    What is taken off them, and what they are multiplied by.
    """
    own = block[rows]
    center = portion.mean(own)
    spread = np.sqrt(portion.variances(own - center))
    scale = deviations / np.maximum(spread, 1e-12)
    return center, scale

"""Views of the tissue around each spot, that regions are sought in.

No rule without labels says how far around a spot its region reaches, how many axes speak of it, or
whether one tissue that stands far out (white matter, blood) may take up the whole scale. So there
is a view for every answer, and `regions` keeps what they agree on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.clustering.mixture import winsorized
from napari_trsmi.graphs.autocorrelation import signal_to_noise
from napari_trsmi.graphs.normalize import add_self_loops, row_normalized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import scipy.sparse as sp
    from numpy.typing import NDArray

LIMITS = (np.inf, 2.0)
"""Standard deviations that the axes are pulled in to."""


@dataclass(frozen=True, eq=False)
class View:
    """One view of the spots.

    Attributes
    ----------
    points
        ``float64``, shape (n_spots, n_axes), modalities side by side.
    hops
        How often the axes were averaged over a spot and its neighbours.
    """

    points: NDArray[np.float64]
    hops: int


def region_views(
    factors: Sequence[NDArray[np.float64]],
    spatial: sp.csr_array,
    *,
    hops: Sequence[int],
    n_factors: Sequence[int],
    check: Callable[[], None] = lambda: None,
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
    check
        Called before every view; what it raises ends the work.
    """
    mean = _mean(spatial)
    for limit in LIMITS:
        blocks = [block if limit == np.inf else winsorized(block, limit=limit) for block in factors]
        spreads = [np.sqrt(signal_to_noise(block, spatial)) for block in blocks]
        done = 0
        for wanted in hops:
            for _ in range(wanted - done):
                check()
                blocks = [mean @ block for block in blocks]
            done = wanted
            scaled = [_spread(*block) for block in zip(blocks, spreads, strict=True)]
            sizes = {tuple(min(n, block.shape[1]) for block in scaled) for n in n_factors}
            for size in sorted(sizes):
                check()
                parts = [block[:, :n] for block, n in zip(scaled, size, strict=True)]
                yield View(np.hstack(parts), wanted)


def region_embedding(
    factors: Sequence[NDArray[np.float64]], spatial: sp.csr_array, *, hops: int
) -> NDArray[np.float64]:
    """All axes as one view has them, without a limit.

    Parameters
    ----------
    factors, spatial
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
    for block in factors:
        averaged = block
        for _ in range(hops):
            averaged = mean @ averaged
        parts.append(_spread(averaged, np.sqrt(signal_to_noise(block, spatial))))
    return np.hstack(parts)


def _mean(spatial: sp.csr_array) -> sp.csr_array:
    """Over a spot and its neighbours."""
    return row_normalized(add_self_loops(spatial)).astype(np.float64)


def _spread(block: NDArray[np.float64], deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    """The columns centred, at these standard deviations."""
    centred = block - block.mean(axis=0)
    scaled: NDArray[np.float64] = centred * (deviations / np.maximum(centred.std(axis=0), 1e-12))
    return scaled

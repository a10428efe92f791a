"""The order in which a run holds the spots.

It does not depend on the order of the input, so neither does the result, and it puts spots that
meet in a sparse product, neighbours in features or in space, near each other in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

_BITS = 16
_CLUSTERS = 64


def canonical_order(coordinates: NDArray[np.float64], spots: pd.Index) -> NDArray[np.int64]:
    """Positions of the spots along a Morton (Z-order) curve, ties by name.

    Parameters
    ----------
    coordinates
        Finite, shape (n_spots, 2).
    spots
        Unique names, length n_spots.

    Returns
    -------
    ndarray
        A permutation, ``int64``, shape (n_spots,).
    """
    low = coordinates.min(axis=0)
    extent = max(float((coordinates.max(axis=0) - low).max()), np.finfo(float).tiny)
    cells = ((coordinates - low) / extent * (2**_BITS - 1)).astype(np.uint64)
    code = _spread(cells[:, 0]) | (_spread(cells[:, 1]) << np.uint64(1))
    by_name = np.argsort(np.asarray(spots, dtype=str), kind="stable")
    order: NDArray[np.int64] = by_name[np.argsort(code[by_name], kind="stable")]
    return order


def clustered_order(features: Sequence[NDArray[np.floating]], *, seed: int) -> NDArray[np.int64]:
    """Positions of the spots cluster by cluster of their features, in the given order in each.

    Feature neighbours outnumber spatial ones, and would else lie all over a large section.

    Parameters
    ----------
    features
        One a modality, each (n_spots, n_features_m), finite.
    seed
        Of k-means.

    Returns
    -------
    ndarray
        A permutation, ``int64``, shape (n_spots,).
    """
    scaled = [np.asarray(f) / max(float(np.std(f)), np.finfo(float).tiny) for f in features]
    stacked = np.hstack(scaled).astype(np.float32, copy=False)
    clusters = MiniBatchKMeans(min(_CLUSTERS, len(stacked)), random_state=seed, n_init=1)
    with threadpool_limits(1):  # a batch takes less than its threads wait for each other
        order: NDArray[np.int64] = np.argsort(clusters.fit_predict(stacked), kind="stable")
    return order


def _spread(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Put a zero between neighbouring bits of 16-bit numbers."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
    return bits

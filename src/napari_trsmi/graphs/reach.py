"""How far space predicts: whether near neighbours tell a spot, or the region around it does.

A twentieth of the spots is hidden at a time, and their features are predicted from the spots that
are left, by the two views of space that the scheduled gate mixes: the near one of the local
refinement, and the far one of the diffusion.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from napari_trsmi.graphs.normalize import add_self_loops, row_normalized
from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Sequence

    import scipy.sparse as sp
    from numpy.typing import NDArray

_HIDDEN = 0.05
"""Share of the spots: few, so that hidden spots have nearly all of their neighbours."""
_ENOUGH = 20_000
_MOST_ROUNDS = 10
_RIDGE = 1e-12  # where both views are the same


def spatial_reach(
    features: NDArray[np.floating],
    spatial: sp.csr_array,
    *,
    local_gate: float,
    diffusion: Sequence[float],
    seed: int,
    portion: Portion = WHOLE,
) -> float:
    """Share of the far view in the best prediction of hidden spots.

    With A the mean over a spot and its neighbours in space and X the features, hidden spots at 0,
    the near view is N = (A + α_loc A²) X and the far one Σ_i c_i Aⁱ N. The hidden spots are fitted
    by both together (non-negative least squares), and the reach is the far one's part of the two
    coefficients. Only space predicts, and the spatial graph knows nothing of the features, so
    nothing of what is hidden leaks in. Rounds end after ten, or at 20,000 hidden spots:
    O(edges · features).

    Parameters
    ----------
    features
        Centred features of one modality, shape (n_spots, n_features).
    spatial
        Spatial graph without self loops, (n_spots, n_spots).
    local_gate
        α_loc.
    diffusion
        c_i, the coefficients of the powers of A.
    seed
        Of which spots are hidden.
    portion
        Of the spots, whose rows these are.

    Returns
    -------
    float
        In [0, 1]: 0 where near neighbours tell all, 1 where the region does, or space nothing.
    """
    n = portion.n_spots(len(features))
    rng = np.random.default_rng(seed)
    mean = row_normalized(add_self_loops(spatial)).astype(np.float32)
    size = ceil(_HIDDEN * n)
    gram, product = np.zeros((2, 2)), np.zeros(2)
    for _ in range(min(_MOST_ROUNDS, ceil(_ENOUGH / size))):
        hidden = portion.own(rng.permutation(n)[:size])
        seen = features.astype(np.float32)
        seen[hidden] = 0
        near = mean @ portion.around(seen)
        near += local_gate * (mean @ portion.around(near))
        far = diffusion[-1] * near
        for coefficient in diffusion[-2::-1]:
            far = mean @ portion.around(far)
            far += coefficient * near
        views = np.stack([near[hidden].ravel(), far[hidden].ravel()]).astype(np.float64)
        gram += views @ views.T
        product += views @ features[hidden].ravel()
    gram, product = portion.sum(gram), portion.sum(product)
    if product.max() <= 0:
        return 1.0
    # all rounds in one fit: the least squares of the normal equations, gram = L Lᵀ
    lower = np.linalg.cholesky(gram + _RIDGE * np.trace(gram) * np.eye(2))
    (by_near, by_far), _ = nnls(lower.T, np.linalg.solve(lower, product))
    return float(by_far / (by_near + by_far))

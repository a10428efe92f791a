"""One untrained hop over a graph whose mix of space and features is set without labels.

A modality's components are scaled to the same variance and split at random into halves A and B.
The feature graph is built on A only, and B is predicted as w_S (mean over the spatial neighbours)
+ w_F (mean over the feature-graph neighbours) by non-negative least squares, averaged over a few
splits. Each block is then averaged once over the spot and its neighbours in both graphs with the
weights (w_S, w_F), raised to a power and scaled to sum 1, and the blocks are put side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from trsmi_benchmark.blocks import (
    SPATIAL_NEIGHBORS,
    feature_graph,
    mean_over,
    neighbor_graph,
    side_by_side,
)
from trsmi_benchmark.exchange import Output

if TYPE_CHECKING:
    import scipy.sparse as sp
    from numpy.typing import NDArray

    from trsmi_benchmark.exchange import Inputs

_FEATURE_NEIGHBORS = 20
_SPLITS = 5


def run(inputs: Inputs, *, power: float) -> Output:
    """Average each modality once over its mixed graph.

    Parameters
    ----------
    inputs
        What every method gets.
    power
        What the two weights are raised to; 0 is half and half.
    """
    space = neighbor_graph(inputs.coordinates, SPATIAL_NEIGHBORS)
    in_space, with_itself = (mean_over(space, itself=itself) for itself in (False, True))
    k = _FEATURE_NEIGHBORS
    blocks, notes = [], []
    for place, block in enumerate(inputs.blocks):
        x = block.features.astype(np.float64)
        x = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)
        rng = np.random.default_rng([inputs.seed, place])
        weights = _held_out_weights(x, in_space, k, rng)
        raised = (weights / max(weights.max(), 1e-12)) ** power
        share = raised / raised.sum()
        in_features = mean_over(feature_graph(x, k), itself=True)
        blocks.append(share[0] * (with_itself @ x) + share[1] * (in_features @ x))
        notes.append(f"{block.name}: w_S {weights[0]:.2f}, w_F {weights[1]:.2f}.")
    return Output(side_by_side(blocks), notes=tuple(notes))


def _held_out_weights(
    x: NDArray[np.float64], in_space: sp.csr_array, k: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(w_S, w_F), both 1 where there is nothing to hold out."""
    n_components = x.shape[1]
    if n_components < 2:
        return np.ones(2)
    spatial = in_space @ x
    found = []
    for _ in range(_SPLITS):
        shown, held = np.array_split(rng.permutation(n_components), 2)
        by_features = mean_over(feature_graph(x[:, shown], k), itself=False) @ x[:, held]
        predictors = np.column_stack([spatial[:, held].ravel(), by_features.ravel()])
        found.append(nnls(predictors, x[:, held].ravel())[0])
    weights: NDArray[np.float64] = np.mean(found, axis=0)
    return weights if weights.max() > 0 else np.ones(2)

"""Few spatial axes: what is smooth in space and nothing else, untrained.

MULTISPATI (Dray et al. 2008, J. Vegetation Science 19:45) finds the axes of largest spatial
covariance: the eigenvectors of X'WX, W the mean over the spatial neighbours. The scores on the
first of them, averaged some times over each spot and its neighbours and brought to a standard
deviation of the root of their Moran's I, stand side by side for all modalities. Domains come from
a Gaussian mixture with a covariance of its own for each: the likeliest of several starts, as single
ones can end 25 points of ARI lower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.mixture import GaussianMixture

from trsmi_benchmark.blocks import SPATIAL_NEIGHBORS, mean_over, neighbor_graph
from trsmi_benchmark.exchange import Output

if TYPE_CHECKING:
    import scipy.sparse as sp
    from numpy.typing import NDArray

    from trsmi_benchmark.exchange import Inputs

_STARTS = 15
_REGULARISATION = 1e-4
_LEAST_MORAN = 1e-3
"""Axes that are no smoother than this weigh this little and not nothing."""


def run(inputs: Inputs, *, n_axes: int = 6, hops: int = 2) -> Output:
    """Cluster the spatial axes of all modalities.

    Parameters
    ----------
    inputs
        What every method gets.
    n_axes
        Of each modality.
    hops
        How often they are averaged.
    """
    graph = neighbor_graph(inputs.coordinates, SPATIAL_NEIGHBORS)
    smooth = mean_over(graph, itself=True)
    blocks, notes = [], []
    for block in inputs.blocks:
        scores, moran = spatial_axes(block.features, mean_over(graph, itself=False), n_axes)
        for _ in range(hops):
            scores = smooth @ scores
        blocks.append(scores / np.maximum(scores.std(axis=0), 1e-12) * np.sqrt(moran))
        notes.append(f"{block.name}: Moran's I {', '.join(f'{value:.2f}' for value in moran)}.")
    z = np.hstack(blocks)
    mixture = GaussianMixture(
        inputs.n_domains,
        covariance_type="full",
        n_init=_STARTS,
        reg_covar=_REGULARISATION,
        random_state=inputs.seed,
    )
    return Output(z, mixture.fit_predict(z).astype(np.int64), tuple(notes))


def spatial_axes(
    features: NDArray[np.floating], mean: sp.csr_array, n_axes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores on the axes of largest spatial covariance, and Moran's I of each.

    Parameters
    ----------
    features
        Shape (n_spots, n_components).
    mean
        Averages over each spot's neighbours, shape (n_spots, n_spots).
    n_axes
        How many; fewer where there are fewer components.
    """
    x = np.asarray(features, dtype=np.float64)
    x = x - x.mean(axis=0)
    covariance = x.T @ (mean @ x)
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    scores = x @ vectors[:, np.argsort(-values)[:n_axes]]
    moran = (scores * (mean @ scores)).sum(axis=0) / np.maximum((scores**2).sum(axis=0), 1e-12)
    return scores, np.maximum(moran, _LEAST_MORAN)

"""Axes of a modality along which neighbours in space agree most, in units of its noise.

What a spot and its neighbours share is tissue; what they differ by is noise, and states that change
from spot to spot. Measured in units of that difference, all axes have the same noise in all
directions, so that a distance says how surely two places differ, and an axis without structure
in space weighs next to nothing. A few hundred spots cannot tell the noise of every component: what
they cannot tell is taken to be the same in all directions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import eigh

from napari_trsmi.spots.portion import WHOLE, Portion
from napari_trsmi.spots.tiles import tiles_of, with_halo

if TYPE_CHECKING:
    import scipy.sparse as sp
    from numpy.typing import NDArray

_RIDGE = 1e-6
"""Of the mean variance: noise of components on which all neighbours are equal."""
_LEAST_RATIO = 1e-3


def autocorrelation_factors(
    features: NDArray[np.floating],
    spatial: sp.csr_array,
    *,
    n_factors: int,
    tiles: int = 1,
    portion: Portion = WHOLE,
) -> NDArray[np.float64]:
    """Scores of the spots on the axes of largest signal over noise.

    With N half of the mean of (x_i - x_j)(x_i - x_j)ᵀ over the edges, shrunk by `shrunk`, and C the
    covariance of the features, the axes are the eigenvectors of C u = λ N u, largest λ first,
    scaled to uᵀNu = 1 (min/max autocorrelation factors: Switzer & Green, Stanford 1984). Without
    the shrinkage 1 - 1/λ is the autocorrelation as Geary's c measures it.
    O(edges · features + features³).

    Parameters
    ----------
    features
        Components of one modality, shape (n_spots, n_components).
    spatial
        0/1 spatial graph without self loops, symmetric, (n_spots, n_spots).
    n_factors
        At most as many as there are components.
    tiles
        In how many the sums are taken.
    portion
        Of the spots, whose rows these are.

    Returns
    -------
    ndarray
        Shape (n_spots, n_factors), centred and uncorrelated, from the most to the least structured
        axis, in units of the (shrunk) noise between neighbours.
    """
    size = features.shape[1]
    n = portion.n_spots(len(features))
    center = portion.mean(features)
    rows_of_tiles = tiles_of(len(features), tiles)
    nearby = portion.around(features)
    covariance, noise = np.zeros((size, size)), np.zeros((size, size))
    for rows in rows_of_tiles:
        spots, edges = with_halo(spatial, rows)
        centred = features[rows] - center
        alone = len(rows_of_tiles) == 1 and nearby is features
        around = centred if alone else nearby[spots] - center
        covariance += centred.T @ centred
        noise += _apart(centred, around, edges)
    covariance = portion.sum(covariance) / n
    noise = shrunk(portion.sum(noise) / max(portion.count(spatial.nnz), 1), n_spots=n)
    axes = portion.ranks.of_first(factor_axes(covariance, noise, n_factors=n_factors))
    scores = np.empty((len(features), axes.shape[1]))
    for rows in rows_of_tiles:
        scores[rows] = (features[rows] - center) @ axes
    return scores


def factor_axes(
    covariance: NDArray[np.float64], noise: NDArray[np.float64], *, n_factors: int
) -> NDArray[np.float64]:
    """The axes of `autocorrelation_factors`, one a column, (n_components, n_factors).

    Parameters
    ----------
    covariance, noise
        C and the shrunk N, each (n_components, n_components).
    n_factors
        At most as many as there are components.
    """
    ridge = max(_RIDGE * np.trace(covariance) / len(covariance), np.finfo(np.float64).tiny)
    _, axes = eigh(covariance, noise + ridge * np.eye(len(noise)))
    largest_first: NDArray[np.float64] = axes[:, ::-1][:, :n_factors]
    return largest_first


def shrunk(covariance: NDArray[np.float64], *, n_spots: int) -> NDArray[np.float64]:
    """Oracle approximating shrinkage of a covariance to the same variance in all directions.

    What `sklearn.covariance.oas` does to observations (Chen, Wiesel, Eldar & Hero, IEEE Trans.
    Signal Process. 58, 2010), for a covariance that comes from edges.

    Parameters
    ----------
    covariance
        Shape (n_features, n_features).
    n_spots
        How many observations it rests on: spots, as the edges of a spot are not independent.
    """
    size = len(covariance)
    mean_variance = np.trace(covariance) / size
    mean_square = np.square(covariance).mean()
    spread = mean_square - mean_variance**2 / size
    share = 1.0
    if spread > 0:
        share = min(1.0, (mean_square + mean_variance**2) / ((n_spots + 1) * spread))
    mixed: NDArray[np.float64] = (1 - share) * covariance + share * mean_variance * np.eye(size)
    return mixed


def signal_to_noise(
    scores: NDArray[np.float64], spatial: sp.csr_array, portion: Portion = WHOLE
) -> NDArray[np.float64]:
    """Variance of each column beyond that between neighbours, over it; at least .001.

    Parameters
    ----------
    scores
        Shape (n_spots, n_factors).
    spatial, portion
        As for `autocorrelation_factors`.
    """
    degrees = np.asarray(spatial.sum(axis=1)).ravel()
    squares = np.square(scores)
    cross = (scores * (spatial @ portion.around(scores))).sum(axis=0)
    nnz = portion.count(spatial.nnz)
    noise = portion.sum((degrees @ squares) - cross) / max(nnz, 1)
    noise = np.maximum(noise, np.finfo(np.float64).tiny)
    total = float(portion.sum(np.array([degrees.sum(dtype=np.float64)]))[0])
    own = nnz / max(total, 1.0)  # noise of a row, of which a mean over some is made
    ratio: NDArray[np.float64] = np.maximum(portion.variances(scores) / noise - own, _LEAST_RATIO)
    return ratio


def between_neighbors(centred: NDArray[np.float64], spatial: sp.csr_array) -> NDArray[np.float64]:
    """N, half of the mean of (x_i - x_j)(x_i - x_j)ᵀ over the edges, without a row an edge."""
    return _apart(centred, centred, spatial) / max(spatial.nnz, 1)


def _apart(
    centred: NDArray[np.float64], around: NDArray[np.float64], edges: sp.csr_array
) -> NDArray[np.float64]:
    """Half of the sum of (x_i - x_j)(x_i - x_j)ᵀ over edges from `centred` to `around`.

    Of a symmetric graph, whose rows may be taken some at a time: the squares of x_j are left to
    the edge the other way.
    """
    degrees = np.asarray(edges.sum(axis=1)).ravel()
    cross = centred.T @ (edges @ around)
    own = (centred * degrees[:, None]).T @ centred
    total: NDArray[np.float64] = own - (cross + cross.T) / 2
    return total

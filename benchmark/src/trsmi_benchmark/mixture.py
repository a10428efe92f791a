"""The common clustering: a Gaussian mixture with one shared covariance, mclust's "EEE".

Own code on scikit-learn and not the package's, so that the rows of other methods stay as they are
when the package's clustering changes. As in mclust, EM starts from Ward's linkage; as its local
optima can be far apart, it also starts from several k-means, and the likeliest fit is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_COMPONENTS = 20
_K_MEANS_STARTS = 5
_SAMPLE = 10_000
"""Ward's linkage takes memory by the square of the points: of more than these, of a sample."""
_REGULARISATION = 1e-6
_LIMIT, _PULLS = 3.0, 5
"""Standard deviations: points further out are pulled in, or a handful becomes a domain."""


def eee_domains(
    embedding: NDArray[np.floating], n_domains: int, order: NDArray[np.int64], *, seed: int
) -> NDArray[np.int64]:
    """Cluster an embedding into a given number of domains.

    Parameters
    ----------
    embedding
        Shape (n_spots, d); its first 20 principal components are clustered.
    n_domains
        How many.
    order
        The order in which the spots are clustered, a permutation: what is found then does not
        depend on that of the file.
    seed
        Of the starts.

    Returns
    -------
    Numbers from 1, shape (n_spots,).

    Raises
    ------
    ValueError
        If it cannot be clustered.
    """
    with threadpool_limits(1):  # matrices are small: a second thread only waits
        points = _components(np.asarray(embedding, dtype=np.float64)[order])
        rng = np.random.default_rng(seed)
        fits = [_fit(points, start) for start in _starts(points, n_domains, rng)]
        found = max(fits, key=lambda fit: float(fit.lower_bound_)).predict(points)
    domains = np.empty(len(order), dtype=np.int64)
    domains[order] = found + 1
    return domains


def _components(points: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        scale = max(float(points.std()), 1e-300)
    if not np.isfinite(scale):
        raise ValueError("its values are too large")
    points = (points - points.mean(axis=0)) / scale
    wanted = min(N_COMPONENTS, *points.shape)
    found: NDArray[np.float64] = PCA(wanted, svd_solver="full").fit_transform(points)
    for _ in range(_PULLS):  # what is far out widens the deviation that it is judged by
        middle, reach = found.mean(axis=0), _LIMIT * found.std(axis=0)
        found = np.clip(found, middle - reach, middle + reach)
    return found / max(float(found[:, 0].std()), 1e-12)


def _starts(
    points: NDArray[np.float64], n_domains: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Partitions of the points; -1 where a point is left out.

    Of the components as they are and of whitened ones: each finds what the other misses.
    """
    white = points / np.maximum(points.std(axis=0), 1e-6)
    sample = np.sort(rng.permutation(len(points))[:_SAMPLE])
    found = []
    for view in (points, white):
        ward = np.full(len(points), -1, dtype=np.int64)
        ward[sample] = AgglomerativeClustering(n_domains).fit_predict(view[sample])
        found.append(ward)
        found += [
            KMeans(n_domains, n_init=1, random_state=state).fit_predict(view)
            for state in rng.integers(2**31, size=_K_MEANS_STARTS).tolist()
        ]
    return found


def _fit(points: NDArray[np.float64], partition: NDArray[np.int64]) -> GaussianMixture:
    """EM from a partition's means and pooled covariance."""
    known = partition >= 0
    one_hot = np.eye(int(partition.max()) + 1)[partition[known]]
    counts = one_hot.sum(axis=0)
    means = one_hot.T @ points[known] / counts[:, None]
    within = points[known] - means[partition[known]]
    covariance = within.T @ within / known.sum() + _REGULARISATION * np.eye(points.shape[1])
    model = GaussianMixture(
        len(means),
        covariance_type="tied",
        weights_init=counts / counts.sum(),
        means_init=means,
        precisions_init=np.linalg.inv(covariance),
        reg_covar=_REGULARISATION,
        max_iter=300,
        tol=1e-4,
    )
    return model.fit(points)

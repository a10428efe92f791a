"""Split-and-merge refinement of a mixture, to seed the prototypes.

Moves are judged by the marginal likelihood of a Gaussian cluster under a
Normal-inverse-Wishart prior with a Chinese-restaurant prior on the partition (the Hastings
ratios of Chang & Fisher 2013, accepted when above 1 so that the outcome is repeatable).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln, multigammaln
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COMPONENTS = 10
_START = 10
_ROUNDS = 5
_CONCENTRATION = 1.0
_SPOTS = 20_000


def split_and_merge(
    points: NDArray[np.floating], *, n_clusters: int = 0, seed: int = 0
) -> NDArray[np.int64]:
    """Partition points, with as many clusters as the marginal likelihood asks for.

    Parameters
    ----------
    points
        Shape (n, d).
    n_clusters
        Number of clusters; 0 leaves it to the moves.
    seed
        Seed of the starting partition and of the splits.

    Returns
    -------
    ndarray
        Labels from 0, ``int64``, shape (n,).
    """
    n, d = points.shape
    rng = np.random.default_rng(seed)
    reduced = PCA(min(_COMPONENTS, d, n), random_state=seed).fit_transform(points)
    chosen = np.sort(rng.permutation(n)[:_SPOTS])
    seen = reduced[chosen]
    prior = _Prior(seen)
    labels = _k_means(seen, min(n_clusters or _START, n), rng)
    for _ in range(_ROUNDS):
        before = labels
        labels = _split(seen, labels, prior, rng)
        labels = _merge(seen, labels, prior, at_least=n_clusters or 1)
        if np.array_equal(labels, before):
            break
    if n_clusters:
        labels = _merge(seen, labels, prior, at_least=n_clusters, forced=True)
    return _assign(reduced, seen, labels)


class _Prior:
    """A weak Normal-inverse-Wishart prior centred on the data."""

    def __init__(self, points: NDArray[np.float64]) -> None:
        p = points.shape[1]
        self.mean = points.mean(axis=0)
        self.kappa = 1.0
        self.nu = p + 2.0
        spread = np.atleast_2d(np.cov(points.T)) / _START
        self.scale = spread + 1e-9 * np.trace(spread) * np.eye(p) + 1e-12 * np.eye(p)

    def log_marginal(self, points: NDArray[np.float64]) -> float:
        """Log marginal likelihood of points in one cluster (Murphy 2007, equation 266)."""
        n, p = points.shape
        mean = points.mean(axis=0)
        centred = points - mean
        offset = mean - self.mean
        kappa, nu = self.kappa + n, self.nu + n
        scale = self.scale + centred.T @ centred
        scale = scale + self.kappa * n / kappa * np.outer(offset, offset)
        return float(
            -0.5 * n * p * np.log(np.pi)
            + multigammaln(nu / 2, p)
            - multigammaln(self.nu / 2, p)
            + 0.5 * self.nu * np.linalg.slogdet(self.scale)[1]
            - 0.5 * nu * np.linalg.slogdet(scale)[1]
            + 0.5 * p * (np.log(self.kappa) - np.log(kappa))
        )

    def log_split_ratio(self, left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
        """Log ratio of two clusters to one; above 0 speaks for two."""
        return float(
            np.log(_CONCENTRATION)
            + gammaln(len(left))
            + gammaln(len(right))
            - gammaln(len(left) + len(right))
            + self.log_marginal(left)
            + self.log_marginal(right)
            - self.log_marginal(np.concatenate([left, right]))
        )


def _split(
    points: NDArray[np.float64],
    labels: NDArray[np.int64],
    prior: _Prior,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    labels = labels.copy()
    for cluster in np.unique(labels):
        members = np.flatnonzero(labels == cluster)
        if len(members) < 2 * points.shape[1]:
            continue
        halves = _k_means(points[members], 2, rng)
        left, right = members[halves == 0], members[halves == 1]
        if min(len(left), len(right)) < 2:
            continue
        if prior.log_split_ratio(points[left], points[right]) > 0:
            labels[right] = labels.max() + 1
    return labels


def _merge(
    points: NDArray[np.float64],
    labels: NDArray[np.int64],
    prior: _Prior,
    *,
    at_least: int,
    forced: bool = False,
) -> NDArray[np.int64]:
    """Merge the best pair as long as one cluster is likelier than two, or whatever is likelier."""
    while len(np.unique(labels)) > at_least:
        ratio, left, right = _best_merge(points, labels, prior)
        if ratio >= 0 and not forced:
            break
        labels = np.where(labels == right, left, labels)
    return labels


def _best_merge(
    points: NDArray[np.float64], labels: NDArray[np.int64], prior: _Prior
) -> tuple[float, int, int]:
    clusters = np.unique(labels)
    members = {int(c): points[labels == c] for c in clusters}
    return min(
        (prior.log_split_ratio(members[a], members[b]), a, b)
        for a in members
        for b in members
        if a < b
    )


def _assign(
    points: NDArray[np.float64], seen: NDArray[np.float64], labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Label all points by the nearest mean of the seen ones, with labels from 0."""
    means = np.stack([seen[labels == c].mean(axis=0) for c in np.unique(labels)])
    nearest = np.argmin(
        (means**2).sum(axis=1) - 2 * points @ means.T,
        axis=1,
    )
    return np.unique(nearest, return_inverse=True)[1].astype(np.int64)


def _k_means(points: NDArray[np.float64], k: int, rng: np.random.Generator) -> NDArray[np.int64]:
    state = int(rng.integers(2**31))
    labels: NDArray[np.int64] = KMeans(k, n_init=3, random_state=state).fit_predict(points)
    return labels.astype(np.int64)

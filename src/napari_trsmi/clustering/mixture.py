"""Gaussian mixture with one shared covariance ("EEE" in mclust's naming), well started.

EM finds the optimum nearest to its start, and on one embedding the optima differ widely in
score. So EM runs from several partitions, by Ward's linkage and by k-means, each
on plain and on whitened components, and the most likely fit is kept. Neither view will do alone:
plain ones find domains that the largest components tell apart, whitened ones those of the small.

A handful of outlying spots has more likelihood to give than a domain, and would be a domain of
its own; so spots are first pulled in to 3 standard deviations along each component (winsorised).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

_WARD_SPOTS = 2_000  # Ward's linkage holds all pairs of the spots that it sees
_EM_SPOTS = 20_000  # EM sees at most this many; the others are assigned
_REGULARISATION = 1e-6  # of the largest variance
_LIMIT = 3.0  # standard deviations
_WARD_SAMPLES = 2


@dataclass(frozen=True)
class Mixture:
    """A fitted mixture.

    Attributes
    ----------
    labels
        Most likely component of each point, ``int64``, shape (n,), from 0.
    confidence
        Its posterior probability, shape (n,).
    log_likelihood
        Mean log-likelihood of a point.
    bic
        Bayesian information criterion of the points that EM saw; lower is better.
    """

    labels: NDArray[np.int64]
    confidence: NDArray[np.float64]
    log_likelihood: float
    bic: float


def fit_mixture(
    points: NDArray[np.floating],
    n_components: int,
    *,
    seed: int,
    train: NDArray[np.int64] | None = None,
    n_starts: int = 3,
    check: Callable[[], None] = lambda: None,
) -> Mixture:
    """Fit the mixture from several starts and keep the most likely one.

    Parameters
    ----------
    points
        Shape (n, p).
    n_components
        At most n.
    seed
        Seed of the starts.
    train
        Positions of the points that EM sees; a sample of at most 20,000 when None. All points
        are labelled.
    n_starts
        Number of k-means starts on either view, beside those of Ward's linkage.
    check
        Called before every start; what it raises ends the fit.
    """
    points = winsorized(np.asarray(points, dtype=np.float64))
    points = points / max(float(points.std(axis=0).max()), 1e-12)
    rng = np.random.default_rng(seed)
    seen = points[_sample(rng, len(points), _EM_SPOTS) if train is None else train]
    starts = _starts(seen, n_components, n_starts, rng, check)
    # the matrices are small: a second BLAS thread costs several times what it saves
    with threadpool_limits(1), warnings.catch_warnings():
        # an unfinished EM is still a candidate, and k-means may find fewer distinct points
        warnings.simplefilter("ignore", ConvergenceWarning)
        best = max(
            (_expectation_maximisation(seen, *start) for start in starts),
            key=lambda model: model.lower_bound_,
        )
        posterior = best.predict_proba(points)
    return Mixture(
        labels=posterior.argmax(axis=1),
        confidence=posterior.max(axis=1),
        log_likelihood=float(best.lower_bound_),
        bic=float(best.bic(seen)),
    )


def winsorized(points: NDArray[np.float64], *, limit: float = _LIMIT) -> NDArray[np.float64]:
    """Points pulled in to `limit` standard deviations from the mean along each component.

    Repeated five times, since outliers widen the deviation that they are judged by.
    """
    for _ in range(5):
        mean, reach = points.mean(axis=0), limit * points.std(axis=0)
        points = np.clip(points, mean - reach, mean + reach)
    return points


def _starts(
    points: NDArray[np.float64],
    k: int,
    n_starts: int,
    rng: np.random.Generator,
    check: Callable[[], None],
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Points and a partition of them, one a start."""
    whitened = points / np.maximum(points.std(axis=0), 1e-12)
    for view in (points, whitened):
        for _ in range(1 if len(points) <= _WARD_SPOTS else _WARD_SAMPLES):
            check()
            sample = _sample(rng, len(points), _WARD_SPOTS)
            ward = AgglomerativeClustering(k, linkage="ward").fit_predict(view[sample])
            yield points[sample], ward
        for _ in range(n_starts):
            check()
            state = int(rng.integers(2**31))
            yield points, KMeans(k, n_init=1, random_state=state).fit_predict(view)


def _expectation_maximisation(
    points: NDArray[np.float64],
    partitioned: NDArray[np.float64],
    labels: NDArray[np.int64],
) -> GaussianMixture:
    k, p = int(labels.max()) + 1, points.shape[1]
    means = np.stack([partitioned[labels == c].mean(axis=0) for c in range(k)])
    within = partitioned - means[labels]
    covariance = within.T @ within / len(partitioned) + _REGULARISATION * np.eye(p)
    model = GaussianMixture(
        k,
        covariance_type="tied",
        weights_init=np.bincount(labels, minlength=k) / len(labels),
        means_init=means,
        precisions_init=np.linalg.inv(covariance),
        reg_covar=_REGULARISATION,
        max_iter=300,
        tol=1e-4,
    )
    return model.fit(points)


def _sample(rng: np.random.Generator, n: int, size: int) -> NDArray[np.int64]:
    if n <= size:
        return np.arange(n)
    return np.sort(rng.permutation(n)[:size])

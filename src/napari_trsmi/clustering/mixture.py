"""Gaussian mixture with one shared covariance ("EEE" in mclust's naming), well started.

EM finds the optimum nearest to its start, and on one embedding the optima differ widely in
score. So EM runs from several partitions, by Ward's linkage and by k-means, each
on plain and on whitened components, and the most likely fit is kept. Neither view will do alone:
plain ones find domains that the largest components tell apart, whitened ones those of the small.
From the two most likely fits that differ SMEM moves are made for as long as one
raises the likelihood, so that different seeds end at the same domains far more often than by more
starts. From one alone is not enough: the most likely one is often where no single move helps.

A handful of outlying spots has more likelihood to give than a domain, and would be a domain of
its own; so spots are first pulled in to 3 standard deviations along each component (winsorised).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from napari_trsmi.clustering.gaussians import Gaussians, fitted, on_device, whitening
from napari_trsmi.clustering.smem import smem_moves
from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

_WARD_SPOTS = 2_000  # Ward's linkage holds all pairs of the spots that it sees
_EM_SPOTS = 20_000  # EM sees at most this many; the others are assigned
_REGULARISATION = 1e-6  # of the largest variance
_LIMIT = 3.0  # standard deviations
_WARD_SAMPLES = 2
_TRIED_SPOTS = 2_000  # moves are compared on a sample, a few steps of EM each
_TRIED_STEPS = 8
_TRIED_IN_FULL = 3
_MOST_MOVES = 10
_REARRANGED = 2
_LEAST_GAIN = 1e-3  # nats a spot
_LIKELIHOOD = attrgetter("likelihood")


@dataclass(frozen=True, eq=False)
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
    rearrange: bool = True,
    device: torch.device | None = None,
    check: Callable[[], None] = lambda: None,
    portion: Portion = WHOLE,
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
    rearrange
        Whether to make SMEM moves from the best starts.
    device
        Where EM runs; the CPU if None.
    check
        Called before every start and step of EM; what it raises ends the fit.
    portion
        Of the spots, whose points these are.
    """
    within = winsorized(np.asarray(points, dtype=np.float64), portion=portion)
    within -= portion.mean(within)  # EM takes the variance as a difference of squares
    within /= float(np.sqrt(portion.variances(within).max())) or 1.0
    rng = np.random.default_rng(seed)
    n = portion.n_spots(len(within))
    seen = portion.drawn(within, _sample(rng, n, _EM_SPOTS) if train is None else train)
    with warnings.catch_warnings():
        # k-means may find fewer distinct points
        warnings.simplefilter("ignore", ConvergenceWarning)
        starts = list(_starts(seen, n_components, rng, check))
    trained = on_device(seen, device or torch.device("cpu"))
    # the matrices are small: a second BLAS thread costs several times what it saves
    with threadpool_limits(1):
        begun = [_of_partition(*start, trained) for start in starts]
        fits = fitted(trained, begun, ridge=_REGULARISATION, check=check)
        fits.sort(key=_LIKELIHOOD, reverse=True)
        if rearrange:
            tried = on_device(seen[_sample(rng, len(seen), _TRIED_SPOTS)], trained.device)
            fits = [
                _rearranged(fit, trained, tried, check) for fit in _distinct(fits)[:_REARRANGED]
            ]
        best = max(fits, key=_LIKELIHOOD)
        agreed = portion.ranks.of_first  # on a GPU a sum is not the same every time
        best = replace(
            best,
            weights=agreed(best.weights),
            means=agreed(best.means),
            whiten=agreed(best.whiten),
        )
        everywhere = on_device(within, trained.device)
        found = [posterior.max(dim=1) for posterior in best.posterior(everywhere)]
        bic = best.bic(trained)
    return Mixture(
        labels=np.concatenate([each.indices.cpu().numpy() for each in found]),
        confidence=np.concatenate([each.values.cpu().numpy() for each in found]),
        log_likelihood=best.likelihood,
        bic=bic,
    )


def winsorized(
    points: NDArray[np.float64], *, limit: float = _LIMIT, portion: Portion = WHOLE
) -> NDArray[np.float64]:
    """Points pulled in to `limit` standard deviations from the mean along each component.

    Repeated five times, since outliers widen the deviation that they are judged by.
    """
    for _ in range(5):
        mean, reach = portion.mean(points), limit * np.sqrt(portion.variances(points))
        points = np.clip(points, mean - reach, mean + reach)
    return points


def _starts(
    points: NDArray[np.float64],
    k: int,
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
        check()
        state = int(rng.integers(2**31))
        yield points, KMeans(k, n_init=1, random_state=state).fit_predict(view)


def _of_partition(
    partitioned: NDArray[np.float64], labels: NDArray[np.int64], points: Tensor
) -> Gaussians:
    """What a partition of some points says of all, where those are."""
    labels = np.unique(labels, return_inverse=True)[1]  # k-means may leave numbers out
    k, p = int(labels.max()) + 1, partitioned.shape[1]
    means = np.stack([partitioned[labels == c].mean(axis=0) for c in range(k)])
    within = partitioned - means[labels]
    covariance = within.T @ within / len(partitioned) + _REGULARISATION * np.eye(p)
    weights = np.bincount(labels, minlength=k) / len(labels)
    return Gaussians.of(weights, means, whitening(torch.from_numpy(covariance)).to(points))


def _distinct(fits: list[Gaussians]) -> list[Gaussians]:
    """The fits, from the most to the least likely, without those as likely as the one before."""
    kept = fits[:1]
    for fit in fits[1:]:
        if kept[-1].likelihood - fit.likelihood >= _LEAST_GAIN:
            kept.append(fit)
    return kept


def _rearranged(
    model: Gaussians, points: Tensor, sample: Tensor, check: Callable[[], None]
) -> Gaussians:
    """The model after all moves that make it more likely, the most likely one at a time."""
    for _ in range(_MOST_MOVES):
        moves = list(smem_moves(model, points))
        moved = fitted(sample, moves, ridge=_REGULARISATION, steps=_TRIED_STEPS, check=check)
        promising = sorted(moved, key=_LIKELIHOOD, reverse=True)[:_TRIED_IN_FULL]
        full = fitted(points, promising, ridge=_REGULARISATION, check=check)
        best = max([model, *full], key=_LIKELIHOOD)
        if best.likelihood < model.likelihood + _LEAST_GAIN:
            break
        model = best
    return model


def _sample(rng: np.random.Generator, n: int, size: int) -> NDArray[np.int64]:
    if n <= size:
        return np.arange(n)
    return np.sort(rng.permutation(n)[:size])

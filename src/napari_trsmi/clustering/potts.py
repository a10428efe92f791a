"""Boundaries between domains set by each spot's own values, and not by an average around it.

Averages over neighbours blur where two domains meet, and rather the more the further they reach. So
the domains found in them are taken for known: each spot is placed by its own values under their
means and one covariance, while its neighbours' domains weigh as in a Potts model (a hidden Markov
random field: Besag, J. R. Stat. Soc. B 48, 1986). Where single spots say little, the neighbours
decide; where they say much, as at a sharp boundary, they do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Callable

    import scipy.sparse as sp
    from numpy.typing import NDArray

_SWEEPS = 10
_COUPLINGS = (0.05, 2.0)
"""Bounds of β: labels from averages are so smooth that its estimate has none."""
_RIDGE = 1e-3  # of a variance


def sharpened(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    spatial: sp.csr_array,
    *,
    check: Callable[[], None] = lambda: None,
    portion: Portion = WHOLE,
) -> NDArray[np.int64]:
    """Place every spot anew, by its own values and its neighbours' domains.

    Mean-field sweeps over log p(k) = log N(x; μ_k, Σ) + β · (neighbours in k), with means and
    covariance of the labels given and β by maximum pseudo-likelihood. O(edges · domains).

    Parameters
    ----------
    labels
        From 0, shape (n_spots,).
    scores
        Not averaged over neighbours, shape (n_spots, n_axes).
    spatial
        0/1 spatial graph without self loops, (n_spots, n_spots).
    check
        Called before every sweep; what it raises ends the work.
    portion
        Of the spots, whose rows these are.

    Returns
    -------
    ndarray
        From 0, shape (n_spots,). A domain may lose all of its spots.
    """
    members = np.eye(portion.largest(int(labels.max(initial=0))) + 1)[labels]
    own = _log_density(scores, members, portion)
    coupling = _coupling(members, spatial @ portion.around(members), portion)
    for _ in range(_SWEEPS):
        check()
        members = softmax(own + coupling * (spatial @ portion.around(members)), axis=1)
    placed: NDArray[np.int64] = members.argmax(axis=1)
    return placed


def _log_density(
    scores: NDArray[np.float64], members: NDArray[np.float64], portion: Portion
) -> NDArray[np.float64]:
    """Log-density of every spot in every domain, up to a constant, shape (n_spots, n_domains)."""
    sizes = portion.sum(members.sum(axis=0))
    means = portion.sum(members.T @ scores) / np.maximum(sizes, 1)[:, None]
    within = scores - members @ means
    covariance = portion.sum(within.T @ within) / portion.n_spots(len(scores))
    variances = np.maximum(covariance.diagonal(), np.finfo(np.float64).tiny)
    covariance[np.diag_indices_from(covariance)] += _RIDGE * variances
    whiten = np.linalg.inv(np.linalg.cholesky(covariance)).T
    points, centers = scores @ whiten, means @ whiten
    density: NDArray[np.float64] = points @ centers.T - np.square(centers).sum(axis=1) / 2
    return density


def _coupling(members: NDArray[np.float64], around: NDArray[np.float64], portion: Portion) -> float:
    """β of largest pseudo-likelihood."""

    def loss(beta: float) -> float:
        own = (members * log_softmax(beta * around, axis=1)).sum(axis=1)
        return -float(portion.mean(own))

    return float(minimize_scalar(loss, bounds=_COUPLINGS, method="bounded").x)

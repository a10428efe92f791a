"""Gaussians with one covariance, and EM on them.

scikit-learn's `GaussianMixture` whitens the points anew for every Gaussian at every step. Here the
points' second moments are summed up once, and a step is two products of points by Gaussians.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import solve_triangular

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SETTLED = 1e-4  # nats a spot that a step gains
_STEPS = 300
_LEAST = 10 * float(np.finfo(np.float64).eps)  # spots of a Gaussian that has lost all


@dataclass(frozen=True, eq=False)
class Gaussians:
    """A mixture of Gaussians with one covariance.

    Attributes
    ----------
    weights
        Shape (k,), they sum to 1.
    means
        Shape (k, p).
    whiten
        Shape (p, p): points times it have the identity for a covariance.
    likelihood
        Mean log-likelihood of a point of the last fit, before its last step.
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    whiten: NDArray[np.float64]
    likelihood: float = -np.inf

    def joint(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-density of points and Gaussians up to what depends on the point alone, (k, n)."""
        slopes = self.means @ self.whiten @ self.whiten.T
        with np.errstate(divide="ignore"):  # a Gaussian without weight
            offsets = np.log(self.weights) - (slopes * self.means).sum(axis=1) / 2
        density: NDArray[np.float64] = slopes @ points.T
        density += offsets[:, None]
        return density

    def alone(self, moments: NDArray[np.float64]) -> float:
        """What `joint` leaves out, in the mean of points with these second moments (p, p)."""
        spread = np.einsum("ij,ik,kj->", self.whiten, moments, self.whiten)
        size = np.log(self.whiten.diagonal()).sum()
        return float(size - (len(moments) * np.log(2 * np.pi) + spread) / 2)

    def bic(self, points: NDArray[np.float64]) -> float:
        """Bayesian information criterion; lower is better."""
        n, p = points.shape
        k = len(self.weights)
        _, evidence = _posterior(self.joint(points))
        likelihood = evidence + self.alone(points.T @ points / n)
        parameters = k * p + p * (p + 1) / 2 + k - 1
        return float(parameters * np.log(n) - 2 * n * likelihood)

    def posterior(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of each Gaussian at each point, shape (n, k)."""
        return _posterior(self.joint(points))[0].T


def whitening(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Upper triangle whose product with points has the identity for a covariance."""
    lower = np.linalg.cholesky(covariance)
    inverse: NDArray[np.float64] = solve_triangular(lower, np.eye(len(lower)), lower=True)
    return inverse.T


def fitted(
    points: NDArray[np.float64], start: Gaussians, *, ridge: float, steps: int = _STEPS
) -> Gaussians:
    """Expectation maximisation, until a step gains less than 1e-4 nats a point.

    Parameters
    ----------
    points
        Shape (n, p), about 0.
    start
        Where it begins.
    ridge
        Added to the variances.
    steps
        Most steps.
    """
    n, p = points.shape
    moments = points.T @ points / n
    found, before = start, -np.inf
    for _ in range(steps):
        posterior, evidence = _posterior(found.joint(points))
        likelihood = evidence + found.alone(moments)
        sizes = posterior.sum(axis=1) + _LEAST
        means = posterior @ points / sizes[:, None]
        total = sizes.sum()
        covariance = moments * (n / total) - (sizes / total * means.T) @ means
        covariance[np.diag_indices(p)] += ridge
        found = Gaussians(sizes / total, means, whitening(covariance), likelihood)
        if abs(likelihood - before) < _SETTLED:
            break
        before = likelihood
    return found


def _posterior(joint: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Probability of each Gaussian at each point, in place, and the mean log of their sum."""
    highest = joint.max(axis=0)
    joint -= highest
    np.exp(joint, out=joint)
    total = joint.sum(axis=0)
    joint /= total
    return joint, float((highest + np.log(total)).mean())

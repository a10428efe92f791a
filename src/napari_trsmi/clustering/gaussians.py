"""Gaussians with one covariance, and EM on many mixtures of them at once, on the CPU or a GPU.

scikit-learn's `GaussianMixture` whitens the points anew for every Gaussian at every step. Here the
points' second moments are summed up once, and a step is two products of points by Gaussians, which
all mixtures share: what it leaves of the points are sufficient statistics, summed block by block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

_SETTLED = 1e-4  # nats a spot that a step gains
_STEPS = 300
_LEAST = 10 * float(np.finfo(np.float64).eps)  # spots of a Gaussian that has lost all
_AT_ONCE = {"cpu": 1 << 19, "cuda": 1 << 26}
"""Points times Gaussians in a block: what a cache holds, and what keeps a GPU busy."""


@dataclass(frozen=True, eq=False)
class Gaussians:
    """A mixture of Gaussians with one covariance, in double precision.

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

    weights: Tensor
    means: Tensor
    whiten: Tensor
    likelihood: float = -np.inf

    @classmethod
    def of(
        cls, weights: NDArray[np.float64], means: NDArray[np.float64], whiten: Tensor
    ) -> Gaussians:
        """A mixture of what is known of it, beside its `whitening`."""
        return cls(torch.from_numpy(weights).to(whiten), torch.from_numpy(means).to(whiten), whiten)

    def bic(self, points: Tensor) -> float:
        """Bayesian information criterion; lower is better."""
        n, p = points.shape
        k = len(self.weights)
        likelihood = _Batch.of([self]).statistics(points, points.T @ points / n)[2].item()
        parameters = k * p + p * (p + 1) / 2 + k - 1
        return float(parameters * np.log(n) - 2 * n * likelihood)

    def posterior(self, points: Tensor) -> Iterator[Tensor]:
        """Probability of each Gaussian at each point, (n, k), a block of points at a time."""
        for _, posterior, _ in _Batch.of([self]).posterior(points):
            yield posterior[0].T


def whitening(covariance: Tensor) -> Tensor:
    """Upper triangle whose product with points has the identity for a covariance."""
    lower = torch.linalg.cholesky(covariance)
    unit = torch.eye(covariance.shape[-1]).to(covariance).expand_as(covariance)
    inverse: Tensor = torch.linalg.solve_triangular(lower, unit, upper=False)
    return inverse.mT


def fitted(
    points: Tensor,
    starts: Sequence[Gaussians],
    *,
    ridge: float,
    steps: int = _STEPS,
    check: Callable[[], None] = lambda: None,
) -> list[Gaussians]:
    """Expectation maximisation, of each until a step gains less than 1e-4 nats a point.

    Parameters
    ----------
    points
        ``float64``, shape (n, p), about 0.
    starts
        Where it begins.
    ridge
        Added to the variances.
    steps
        Most steps.
    check
        Called before every step; what it raises ends the work.

    Returns
    -------
    One mixture a start, in their order.
    """
    found = list(starts)
    moments = points.T @ points / len(points)
    for k in {len(start.weights) for start in starts}:
        active = [place for place, start in enumerate(starts) if len(start.weights) == k]
        batch = _Batch.of([starts[place] for place in active])
        before = torch.full((len(active),), -torch.inf).to(points)
        for step in range(1, steps + 1):
            check()
            batch, likelihood = batch.stepped(points, moments, ridge)
            going = (likelihood - before).abs() >= _SETTLED
            if step == steps:
                going = torch.zeros_like(going)
            before = likelihood
            on = going.tolist()
            if all(on):
                continue
            for place, mixture, goes_on in zip(active, batch.apart(likelihood), on, strict=True):
                if not goes_on:
                    found[place] = mixture
            active = [place for place, goes_on in zip(active, on, strict=True) if goes_on]
            if not active:
                break
            batch, before = batch.only(going), likelihood[going]
    return found


class _Batch:
    """Mixtures of as many Gaussians each, side by side."""

    def __init__(self, weights: Tensor, means: Tensor, whiten: Tensor) -> None:
        self.weights, self.means, self.whiten = weights, means, whiten
        self.slopes = means @ whiten @ whiten.mT
        # of a Gaussian without weight it is -inf
        self.offsets = weights.log() - (self.slopes * means).sum(dim=2) / 2

    @classmethod
    def of(cls, mixtures: Sequence[Gaussians]) -> _Batch:
        return cls(
            torch.stack([mixture.weights for mixture in mixtures]),
            torch.stack([mixture.means for mixture in mixtures]),
            torch.stack([mixture.whiten for mixture in mixtures]),
        )

    def only(self, chosen: Tensor) -> _Batch:
        """Some of them."""
        return _Batch(self.weights[chosen], self.means[chosen], self.whiten[chosen])

    def apart(self, likelihood: Tensor) -> Iterator[Gaussians]:
        """Each by itself."""
        return map(Gaussians, self.weights, self.means, self.whiten, likelihood.tolist())

    def posterior(self, points: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """A block of points at a time.

        Yields
        ------
        Points (b, p), the probability of each Gaussian at them (m, k, b), and the log of their sum
        up to what depends on the point alone, (m, b).
        """
        count, k, p = self.means.shape
        size = max(1, _AT_ONCE.get(points.device.type, _AT_ONCE["cpu"]) // (count * k))
        for block in torch.split(points, size):
            joint = (self.slopes.view(-1, p) @ block.T).view(count, k, len(block))
            joint += self.offsets[:, :, None]
            highest = joint.amax(dim=1)
            joint -= highest[:, None]
            total = joint.exp_().sum(dim=1)
            joint /= total[:, None]
            yield block, joint, highest + total.log_()

    def statistics(self, points: Tensor, moments: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Points of each Gaussian (m, k), their sums (m, k, p), and the mean log-likelihood (m,).

        `moments` are the points' second ones, (p, p).
        """
        count, k, p = self.means.shape
        sizes, sums = torch.zeros_like(self.weights), torch.zeros_like(self.means)
        evidence = torch.zeros_like(self.weights[:, 0])
        for block, posterior, log_sum in self.posterior(points):
            sizes += posterior.sum(dim=2)
            sums += (posterior.view(-1, len(block)) @ block).view(count, k, p)
            evidence += log_sum.sum(dim=1)
        # what depends on the points alone, in their mean
        spread = ((moments @ self.whiten) * self.whiten).sum(dim=(1, 2))
        alone = self.whiten.diagonal(dim1=1, dim2=2).log().sum(dim=1)
        alone -= (p * np.log(2 * np.pi) + spread) / 2
        return sizes, sums, evidence / len(points) + alone

    def stepped(self, points: Tensor, moments: Tensor, ridge: float) -> tuple[_Batch, Tensor]:
        """The mixtures after a step, and the mean log-likelihood before it, (m,)."""
        sizes, sums, likelihood = self.statistics(points, moments)
        sizes += _LEAST
        means = sums / sizes[:, :, None]
        total = sizes.sum(dim=1, keepdim=True)
        weights = sizes / total
        covariance = moments * (len(points) / total[:, :, None])
        covariance -= (weights[:, :, None] * means).mT @ means
        covariance.diagonal(dim1=1, dim2=2).add_(ridge)
        return _Batch(weights, means, whitening(covariance)), likelihood


def on_device(points: NDArray[np.float64], device: torch.device) -> Tensor:
    """Points where EM runs: a device without double precision (MPS) leaves them on the CPU."""
    tensor = torch.from_numpy(np.ascontiguousarray(points))
    return tensor.to(device) if device.type in _AT_ONCE else tensor

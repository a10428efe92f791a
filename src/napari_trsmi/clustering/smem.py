"""SMEM moves of a mixture: where EM could go on from, if it could jump.

EM moves Gaussians a little at a time, so two that share one cluster stay there while another covers
two clusters. A move merges two that are hardly apart and splits one that is stretched, which keeps
their number (SMEM: Ueda, Nakano, Ghahramani & Hinton, Neural Computation 12, 2000).
Both are chosen by what they would cost or give under the shared covariance.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_trsmi.clustering.gaussians import Gaussians

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

_MERGES, _SPLITS = 8, 4


def smem_moves(model: Gaussians, points: Tensor) -> Iterator[Gaussians]:
    """Where the most promising moves lead.

    Parameters
    ----------
    model
        Fitted.
    points
        ``float64``, shape (n, p).

    Yields
    ------
    Gaussians
        With the covariance of the model, at most 32 of them; none for fewer than three Gaussians.
    """
    # where the shared covariance is the identity, distances are costs
    white = points @ model.whiten
    to_white = model.whiten.cpu().numpy()
    centers, weights = model.means.cpu().numpy() @ to_white, model.weights.cpu().numpy()
    labels = torch.cat([posterior.argmax(dim=1) for posterior in model.posterior(points)])
    stretched = [
        _longest_axis(white[labels == c] - torch.from_numpy(center).to(white))
        for c, center in enumerate(centers)
    ]
    excess = weights * [axis @ axis - 1.0 for axis in stretched]
    for (a, b), c in product(_closest(centers, weights), np.argsort(-excess)[:_SPLITS]):
        if c in (a, b) or excess[c] <= 0:
            continue
        moved, shares = centers.copy(), weights.copy()
        shares[a] += shares[b]
        moved[a] = (weights[a] * centers[a] + weights[b] * centers[b]) / shares[a]
        moved[b], moved[c] = centers[c] + stretched[c], centers[c] - stretched[c]
        shares[b] = shares[c] = weights[c] / 2
        back = np.asarray(np.linalg.solve(to_white.T, moved.T).T, dtype=np.float64)
        yield Gaussians.of(shares, back, model.whiten)


def _closest(
    centers: NDArray[np.float64], weights: NDArray[np.float64]
) -> list[tuple[np.intp, np.intp]]:
    """The pairs that lose least by sharing a mean (Ward's criterion)."""
    first, second = np.triu_indices(len(centers), 1)
    squared = ((centers[first] - centers[second]) ** 2).sum(axis=1)
    lost = squared * weights[first] * weights[second] / (weights[first] + weights[second])
    return [(first[i], second[i]) for i in np.argsort(lost)[:_MERGES]]


def _longest_axis(members: Tensor) -> NDArray[np.float64]:
    """The direction of largest scatter about 0, one standard deviation long."""
    if len(members) < 2:
        return np.zeros(members.shape[1])
    variances, axes = np.linalg.eigh((members.T @ members / len(members)).cpu().numpy())
    longest: NDArray[np.float64] = np.sqrt(max(variances[-1], 0.0)) * axes[:, -1]
    return longest

"""How far partitions of the same spots agree, all pairs at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def adjusted_rand_indices(partitions: Sequence[NDArray[np.integer]]) -> NDArray[np.float64]:
    """Adjusted Rand index of every pair (Hubert & Arabie, Journal of Classification 2, 1985).

    Parameters
    ----------
    partitions
        Labels from 0, each of shape (n_spots,).

    Returns
    -------
    ndarray
        Symmetric, shape (n_partitions, n_partitions); 1 where both have one part only.
    """
    n, count = len(partitions[0]), len(partitions)
    k = max(int(labels.max()) for labels in partitions) + 1
    places = np.concatenate([labels + j * k for j, labels in enumerate(partitions)])
    members = sp.csr_array(
        (np.ones(n * count), (np.tile(np.arange(n), count), places)), shape=(n, count * k)
    )
    common = (members.T @ members).toarray().reshape(count, k, count, k)
    together = _pairs(common).sum(axis=(1, 3))
    within = together.diagonal()
    expected = np.outer(within, within) / max(n * (n - 1) / 2, 1)
    most = (within[:, None] + within) / 2
    indices: NDArray[np.float64] = np.divide(
        together - expected,
        most - expected,
        out=np.ones_like(together),
        where=most - expected > 0,
    )
    return indices


def most_agreed(agreement: NDArray[np.float64], *, share: float) -> tuple[int, float]:
    """The partition that agrees best with the ones most like it.

    Parameters
    ----------
    agreement
        Symmetric, shape (n_partitions, n_partitions).
    share
        Of the partitions that are looked at for each, the most alike: where the partitions are of
        two minds, the larger camp has a say and not the mean of both.

    Returns
    -------
    Its position, and how far it agrees with them in the mean, itself among them.
    """
    nearest = max(2, int(len(agreement) * share))
    within = np.sort(agreement, axis=1)[:, -nearest:].mean(axis=1)
    best = int(within.argmax())
    return best, float(within[best])


def _pairs(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    pairs: NDArray[np.float64] = counts * (counts - 1) / 2
    return pairs

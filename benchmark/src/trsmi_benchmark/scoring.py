"""From domains to scores: the only place where labels are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from napari_trsmi import score

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

PERMUTATIONS = 199
AT_CHANCE = 0.05
"""A p-value above this is at chance."""


def scores_against(
    columns: Mapping[str, pd.Series], domains: NDArray[np.int64]
) -> dict[str, dict[str, float]]:
    """The nine metrics and the four averages against each column of labels.

    Parameters
    ----------
    columns
        Labels by column name, each of length n_spots.
    domains
        Shape (n_spots,), in the same order.
    """
    return {
        name: {
            metric: round(value, 4)
            for metric, value in score(np.asarray(labels), domains).as_dict().items()
        }
        for name, labels in columns.items()
    }


def degenerate_domains(kind: str, labels: pd.Series, seed: int) -> NDArray[np.int64]:
    """Answers that know nothing of the tissue: one domain, or the labels dealt out at random."""
    if kind == "one_domain":
        return np.ones(len(labels), dtype=np.int64)
    codes = pd.factorize(np.asarray(labels))[0].astype(np.int64) + 1
    dealt: NDArray[np.int64] = np.random.default_rng(seed).permutation(codes)
    return np.unique(dealt, return_inverse=True)[1] + 1


def chance_p_value(labels: ArrayLike, domains: NDArray[np.int64], *, seed: int = 0) -> float:
    """How often permuted domains agree with the labels as well as these do.

    Agreement is the adjusted Rand index.

    Parameters
    ----------
    labels
        Length n_spots; spots without a label do not count.
    domains
        Shape (n_spots,).
    seed
        Of the permutations.

    Returns
    -------
    (1 + number that are as good) / (1 + `PERMUTATIONS`).
    """
    codes = pd.factorize(np.asarray(labels))[0]
    known = codes >= 0
    codes, domains = codes[known], domains[known]
    rng = np.random.default_rng(seed)
    reached = adjusted_rand_score(codes, domains)
    # a hair's breadth: the same table counted in another order may differ in the last digit
    as_good = sum(
        adjusted_rand_score(codes, rng.permutation(domains)) >= reached - 1e-12
        for _ in range(PERMUTATIONS)
    )
    return float(1 + as_good) / (1 + PERMUTATIONS)

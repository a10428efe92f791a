"""How many domains: stability of the clustering under resampling.

The likelihood of smoothed spots keeps growing with the number of components: neighbouring spots
are not independent, so BIC counts too many observations. A number of domains that two disjoint
halves of the spots agree on is one that the data support (Lange et al. 2004, Neural
Computation): mixtures fitted to either half label all spots, and the adjusted Rand index of the
two labellings is averaged over several halvings. BIC is reported beside it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from napari_trsmi.clustering.mixture import fit_mixture
from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from numpy.typing import NDArray

_SPOTS = 3_000
_HALVINGS = 3
_TOLERANCE = 0.05
"""Loss of stability that one more domain may cost."""


def stability_curve(
    points: NDArray[np.floating],
    *,
    smallest: int,
    largest: int,
    seed: int,
    device: torch.device | None = None,
    check: Callable[[], None] = lambda: None,
    portion: Portion = WHOLE,
) -> pd.DataFrame:
    """Stability and BIC of every number of domains.

    Parameters
    ----------
    points
        Components of the embedding, shape (n_spots, p). At most 3,000 spots are looked at.
    smallest, largest
        Numbers of domains tried; `largest` is cut to a fifth of the spots looked at.
    seed
        Seed of the sample and of the halvings.
    device, check, portion
        See `fit_mixture`.

    Returns
    -------
    DataFrame
        Columns ``n_domains``, ``stability`` (mean adjusted Rand index, at most 1) and ``bic``
        (per spot, lower is better).
    """
    rng = np.random.default_rng(seed)
    fit = partial(fit_mixture, seed=seed, rearrange=False, device=device, check=check)
    n = portion.n_spots(len(points))
    seen = portion.drawn(points, np.sort(rng.permutation(n)[:_SPOTS]))
    half = len(seen) // 2
    halvings = [rng.permutation(len(seen)) for _ in range(_HALVINGS)]
    rows = []
    for k in range(smallest, max(smallest, min(largest, half // 5)) + 1):
        agreement = [
            adjusted_rand_score(
                *(fit(seen, k, train=part).labels for part in (shuffled[:half], shuffled[half:]))
            )
            for shuffled in halvings
        ]
        bic = fit(seen, k).bic / len(seen)
        rows.append({"n_domains": k, "stability": float(np.mean(agreement)), "bic": bic})
    return pd.DataFrame(rows)


def choose_n_domains(curve: pd.DataFrame) -> int:
    """The largest number of domains whose stability is within .05 of the best."""
    stable = curve["stability"] >= curve["stability"].max() - _TOLERANCE
    return int(curve.loc[stable, "n_domains"].max())

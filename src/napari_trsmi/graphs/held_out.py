"""Hold out some of a modality's components and predict them from a spot's neighbours.

A random quarter of the components is held out at a time. They are predicted at a spot from its
neighbours in space, and from its neighbours in a feature graph built on the other components, so
that what is predicted is never seen by the graph that predicts it; the spot itself is left out.
Only a sample of the spots is looked at, and similar spots are sought in a sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from napari_trsmi.graphs.neighbors import top_cosine, unit_rows
from napari_trsmi.graphs.normalize import row_normalized
from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_PROBES = 3_000
_CANDIDATES = 20_000
"""Among which spots a probe's feature neighbours are sought; all, if there are fewer."""
_FOLDS = 4
N_SPLITS = 8
"""How often the components are dealt into quarters; with 4, single seeds go astray."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out components at the sampled spots, each array (n_probes, n_held).

    Attributes
    ----------
    components
        Which they are, shape (n_held,).
    values
        Their centred values.
    in_space, in_features
        Their means over the neighbours in space and in the feature graph of the others.
    """

    components: NDArray[np.int64]
    values: NDArray[np.float64]
    in_space: NDArray[np.float64]
    in_features: NDArray[np.float64]


def held_out(
    features: NDArray[np.floating],
    spatial: sp.csr_array,
    *,
    k: int,
    seed: int,
    device: str = "cpu",
    portion: Portion = WHOLE,
) -> Iterator[HeldOut]:
    """Hold every component out once in each of the `N_SPLITS` splits.

    Parameters
    ----------
    features
        Components of one modality, shape (n_spots, n_components), 2 components or more.
    spatial
        Spatial graph without self loops, (n_spots, n_spots).
    k
        Neighbours in the feature graph.
    seed
        Seed of the sample and the splits.
    device
        Where similar spots are sought.
    portion
        Of the spots, whose rows these are. Several processes take turns: each has some splits.
    """
    rng = np.random.default_rng(seed)
    n_components = features.shape[1]
    centred = (features - portion.mean(features)).astype(features.dtype, copy=False)
    drawn = rng.permutation(portion.n_spots(len(features)))
    probes, candidates = np.sort(drawn[:_PROBES]), np.sort(drawn[:_CANDIDATES])
    own = row_normalized(spatial)[portion.own(probes)]
    in_space = portion.all_rows(own @ portion.around(centred))
    # probes are candidates too, so each finds itself: one more neighbour is sought, and it dropped
    itself = np.searchsorted(candidates, probes)
    near = portion.drawn(centred, candidates)
    k = min(k, len(candidates) - 1)
    for split in range(N_SPLITS):
        folds = np.array_split(rng.permutation(n_components), min(_FOLDS, n_components))
        if not portion.takes(split):
            continue
        for held in folds:
            shown = np.setdiff1d(np.arange(n_components), held)
            unit = unit_rows(near[:, shown])
            found = top_cosine(unit[itself], unit, k + 1, device=device)
            others = found != itself[:, None]
            others[others.all(axis=1), -1] = False
            columns = found[others].reshape(len(probes), k)
            mean = sp.csr_array(
                (
                    np.full(columns.size, 1.0 / k),
                    columns.ravel(),
                    np.arange(0, columns.size + 1, k),
                ),
                shape=(len(probes), len(candidates)),
            )
            yield HeldOut(held, near[itself][:, held], in_space[:, held], mean @ near[:, held])


def correlation(predicted: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Column-wise cosine of centred data, negative ones as 0."""
    norms = np.linalg.norm(predicted, axis=0) * np.linalg.norm(target, axis=0)
    products = (predicted * target).sum(axis=0)
    cosines: NDArray[np.float64] = np.divide(
        products, norms, out=np.zeros_like(norms), where=norms > 0
    )
    return cosines.clip(min=0.0)

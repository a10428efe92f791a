"""Chromatin accessibility counts to components: TF-IDF, LSI, without the depth component."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from sklearn.decomposition import TruncatedSVD

from napari_trsmi.preprocessing.counts import are_counts, depth, varying

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

_SCALE = 1e4
_DEPTH_CORRELATION = 0.75


def chromatin_components(
    table: AnnData, *, n_components: int, seed: int
) -> tuple[NDArray[np.float32], list[str]]:
    """Components of a chromatin table by latent semantic indexing.

    TF-IDF as log(1 + 10⁴ · TF · IDF) with IDF = log(1 + n / (1 + spots with the peak)). The first
    singular vector of an uncentred matrix follows sequencing depth; it and any other component
    whose correlation with log depth exceeds .75 are dropped, and which ones is said.

    Parameters
    ----------
    table
        Spots x peaks (or gene activities).
    n_components, seed
        Components wanted; seed of the randomised SVD.

    Returns
    -------
    components
        ``float32``, shape (n_spots, ≤ n_components), centred.
    notes
        What was done that the user may want to know.
    """
    counts = sp.csr_array(table.X, dtype=np.float64)
    totals = depth(table)
    n = counts.shape[0]
    notes: list[str] = []
    if are_counts(table):
        spots_with = np.bincount(counts.indices, minlength=counts.shape[1])
        weighted = tf_idf(counts, totals, inverse_frequency(spots_with, n))
    else:
        notes.append("values are not counts: taken as normalised, no TF-IDF")
        weighted = counts
    if not varying(weighted).any():
        return np.zeros((n, 1), dtype=np.float32), notes
    wanted = max(1, min(n_components + 1, min(weighted.shape) - 1))
    if weighted.shape[1] == 1:
        scores = weighted.toarray()
    else:
        scores = TruncatedSVD(wanted, random_state=seed, n_iter=7).fit_transform(weighted)
    components, said = without_depth(scores, totals, n_components)
    return components, notes + said


def inverse_frequency(spots_with: NDArray[np.int64], n_spots: int) -> NDArray[np.float64]:
    """IDF of peaks that were seen in so many spots."""
    idf: NDArray[np.float64] = np.log1p(n_spots / (1.0 + spots_with))
    return idf


def tf_idf(
    counts: sp.csr_array, totals: NDArray[np.float64], idf: NDArray[np.float64]
) -> sp.csr_array:
    """log(1 + 10⁴ · TF · IDF); `totals` are those of the spots."""
    inverse = np.divide(1.0, totals, out=np.zeros(len(totals)), where=totals > 0)
    weighted = sp.csr_array(sp.diags_array(inverse) @ counts @ sp.diags_array(idf))
    weighted.data = np.log1p(_SCALE * weighted.data)
    return weighted


def without_depth(
    scores: NDArray[np.float64], totals: NDArray[np.float64], n_components: int
) -> tuple[NDArray[np.float32], list[str]]:
    """The components that do not follow depth, centred, and which do in words."""
    notes: list[str] = []
    correlation = np.abs(_correlations(scores, np.log1p(totals)))
    is_depth = correlation > _DEPTH_CORRELATION
    is_depth[0] = True
    if not is_depth.all():
        scores = scores[:, ~is_depth]
        dropped = ", ".join(
            f"{i + 1} (|r| = {correlation[i]:.2f})" for i in np.flatnonzero(is_depth)
        )
        notes.append(f"LSI component dropped for following depth: {dropped}")
    scores = scores[:, :n_components]
    components: NDArray[np.float32] = (scores - scores.mean(axis=0)).astype(np.float32)
    return components, notes


def _correlations(columns: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = columns - columns.mean(axis=0)
    aim = target - target.mean()
    norms = np.linalg.norm(centred, axis=0) * np.linalg.norm(aim)
    found: NDArray[np.float64] = np.divide(
        aim @ centred, norms, out=np.zeros(columns.shape[1]), where=norms > 0
    )
    return found

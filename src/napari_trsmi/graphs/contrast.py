"""Contrast in the spatial graph: an edge between spots that differ weighs less.

Means over neighbours in space blur where two domains meet. Anisotropic diffusion (Perona & Malik,
IEEE TPAMI 12, 1990) lets fewer of the neighbours across a boundary in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.graphs.normalize import add_self_loops, row_normalized
from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Sequence

    import scipy.sparse as sp
    from numpy.typing import NDArray

_BLOCK = 1 << 18
"""Edges looked at together, so that memory stays O(edges + spots · features)."""
_MOST = 1e3  # times `half`: no edge vanishes, so the graph's pattern stays


def weighted_by_contrast(
    spatial: sp.csr_array,
    features: Sequence[NDArray[np.floating]],
    *,
    half: float,
    portion: Portion = WHOLE,
) -> sp.csr_array:
    """The spatial graph with edges that weigh less the more their spots differ.

    With A the mean over a spot and its neighbours, a modality's contrast at an edge is
    |(A²X)_i - (A²X)_j|² / (v_i + v_j), where v = A² |X - AX|² is the noise around a spot: without
    it, spots that merely vary much, such as those with few counts, would be taken for boundaries.
    The modalities' contrasts, each over its median, are summed, and with c the sum over its own
    median the weight is 1 / (1 + (c / half)²): few edges of a tissue lie on a boundary, so most
    keep nearly all of their weight. O(edges · features).

    Parameters
    ----------
    spatial
        0/1 spatial graph without self loops, symmetric, (n_spots, n_spots).
    features
        One array a modality, each (n_spots, n_features_m).
    half
        Contrast at which an edge weighs a half, above 0, in medians.
    portion
        Of the spots, whose rows these are.

    Returns
    -------
    csr_array
        ``float32``, the pattern of `spatial`, symmetric, weights in (0, 1]. A modality that does
        not differ at most edges has no say; if none has, all weights are 1.
    """
    mean = row_normalized(add_self_loops(spatial)).astype(np.float32)
    contrast = np.zeros(spatial.nnz)
    for values in features:
        seen = values.astype(np.float32, copy=False)
        contrast += _in_medians(_contrast(seen, mean, spatial, portion), portion)
    relative = np.minimum(_in_medians(contrast, portion), _MOST * half) / half
    weighted = spatial.copy()
    weighted.data = (1 / (1 + relative**2)).astype(np.float32)
    return weighted


def _contrast(
    values: NDArray[np.float32], mean: sp.csr_array, spatial: sp.csr_array, portion: Portion
) -> NDArray[np.float64]:
    """Of every edge, in CSR order."""
    near = mean @ portion.around(values)
    noise = mean @ portion.around(np.square(values - near).sum(axis=1))
    noise = portion.around(mean @ portion.around(noise))
    smooth = portion.around(mean @ portion.around(near))
    rows = np.repeat(np.arange(spatial.shape[0]), np.diff(spatial.indptr))
    contrast = np.zeros(spatial.nnz)
    for start in range(0, spatial.nnz, _BLOCK):
        block = slice(start, start + _BLOCK)
        i, j = rows[block], spatial.indices[block]
        apart = np.square(smooth[i] - smooth[j]).sum(axis=1)
        both = noise[i] + noise[j]
        contrast[block] = np.divide(apart, both, out=np.zeros_like(apart), where=both > 0)
    return contrast


def _in_medians(contrast: NDArray[np.float64], portion: Portion) -> NDArray[np.float64]:
    """Over its median; zeros where that is 0."""
    everywhere = portion.all_rows(contrast)
    middle = float(np.median(everywhere)) if len(everywhere) else 0.0
    return contrast / middle if middle > 0 else np.zeros_like(contrast)

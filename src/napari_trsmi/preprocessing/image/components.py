"""What was measured on a picture to components: fill, scale, PCA."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.preprocessing.counts import dense, principal_components

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

LIMIT = 4.0
"""Standard deviations that values are pulled in to: folds, dust and ink stand far out."""


def image_components(
    table: AnnData, *, n_components: int, seed: int
) -> tuple[NDArray[np.float32], list[str]]:
    """Components of image features or of embeddings of patches.

    Parameters
    ----------
    table
        Spots x features, in any units.
    n_components, seed
        See `napari_trsmi.preprocessing.counts.principal_components`.

    Returns
    -------
    components
        ``float32``, shape (n_spots, ≤ n_components).
    notes
        What was done that the user may want to know: nothing.
    """
    values = dense(table.X).astype(np.float64)
    values -= values.mean(axis=0)
    spread = values.std(axis=0)
    varying = spread > 1e-9
    values = np.clip(values[:, varying] / spread[varying], -LIMIT, LIMIT)
    if not varying.any():
        return np.zeros((len(values), 1), dtype=np.float32), []
    return principal_components(values, n_components, seed=seed), []

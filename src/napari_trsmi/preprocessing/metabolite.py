"""Intensities of metabolites and lipids to components: share of the total, log, scale, PCA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.preprocessing.counts import dense, principal_components

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray


def metabolite_components(
    table: AnnData, *, n_components: int, seed: int
) -> tuple[NDArray[np.float32], list[str]]:
    """Components of a table of intensities, as mass spectrometry imaging gives them.

    Parameters
    ----------
    table
        Spots x ions, none negative.
    n_components, seed
        See `napari_trsmi.preprocessing.counts.principal_components`.

    Returns
    -------
    components
        ``float32``, shape (n_spots, ≤ n_components).
    notes
        What was done that the user may want to know: nothing.
    """
    values = relative_intensities(dense(table.X))
    values -= values.mean(axis=0)
    spread = values.std(axis=0)
    values /= np.where(spread > 0, spread, 1.0)
    return principal_components(values, n_components, seed=seed), []


def relative_intensities(intensities: NDArray[Any]) -> NDArray[np.float64]:
    """log(1 + x / m): x relative to a spot's total, m the median of what is above zero.

    The total ion current is the usual measure of how well a spot was ionised (Deininger et al.
    2011); the median takes the place of a unit, which intensities do not have.

    Parameters
    ----------
    intensities
        Shape (n_spots, n_ions).
    """
    values = shares_of_total(intensities)
    seen = values[values > 0]
    shares: NDArray[np.float64] = np.log1p(values / (np.median(seen) if seen.size else 1.0))
    return shares


def shares_of_total(intensities: NDArray[Any]) -> NDArray[np.float64]:
    """Each value as a share of its spot's total ion current."""
    values = intensities.astype(np.float64)
    total = values.sum(axis=1, keepdims=True)
    values /= np.where(total > 0, total, 1.0)
    return values

"""Which components of a modality speak of the tissue: their spatial axes, and what each weighs.

Principal components mix what is laid out in space with what is not, such as a cell state
scattered over the section, so scaling one of them down takes some of both. `spatial_axes` turns
them first so that the two come apart, and `component_gains` then weighs each by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.graphs.held_out import N_SPLITS, correlation, held_out
from napari_trsmi.graphs.normalize import row_normalized
from napari_trsmi.spots.portion import WHOLE, Portion
from napari_trsmi.spots.tiles import tiles_of, with_halo

if TYPE_CHECKING:
    import scipy.sparse as sp
    from numpy.typing import NDArray

_UNSURE = 0.005
"""Share of variance below which structure is too weak to say whether it is spatial."""
_HALF_SHARE = 0.45
_STEEPNESS = 6
_NOISE_QUANTILE = 0.25
_NO_VARIANCE = 1e-12


def spatial_axes(
    features: NDArray[np.floating],
    spatial: sp.csr_array,
    *,
    center: NDArray[np.float64] | None = None,
    tiles: int = 1,
    portion: Portion = WHOLE,
) -> NDArray[np.float64]:
    """Orthogonal axes of a modality, from the most to the least spatial.

    The eigenvectors of Xᵀ(W + Wᵀ)X / 2 for the mean W over a spot's neighbours: along the first,
    variance times spatial autocorrelation (Moran's I) is largest (MULTISPATI, Dray, Saïd &
    Débias, J. Veg. Sci. 2008). A turn changes no distance between spots.

    Parameters
    ----------
    features
        Components of one modality, shape (n_spots, n_components).
    spatial
        Spatial graph without self loops, (n_spots, n_spots).
    center
        What is taken off them; None: they are centred.
    tiles
        In how many the sums are taken.
    portion
        Of the spots, whose rows these are.

    Returns
    -------
    ndarray
        One axis a column, shape (n_components, n_components).
    """
    mean = row_normalized(spatial)
    parts = tiles_of(len(features), tiles)
    covariance = np.zeros((features.shape[1],) * 2)
    nearby = portion.around(features)
    for rows in parts:
        spots, near = with_halo(mean, rows)
        own = features[rows] if center is None else features[rows] - center
        around = own
        if len(parts) > 1 or nearby is not features:
            around = nearby[spots] if center is None else nearby[spots] - center
        covariance += own.T @ (near @ around)
    _, axes = np.linalg.eigh(portion.sum(covariance + covariance.T))
    turned: NDArray[np.float64] = portion.ranks.of_first(axes[:, ::-1])
    return turned


def component_gains(
    features: NDArray[np.floating],
    spatial: sp.csr_array,
    *,
    k: int,
    seed: int,
    device: str = "cpu",
    portion: Portion = WHOLE,
) -> NDArray[np.float64]:
    """What each component is multiplied by: the less spatial its structure, the less.

    With r_S and r_F the correlations of a held-out component with its mean over the neighbours
    in space and over those in the feature graph, the gain is s⁶ / (s⁶ + .45⁶), scaled to 1 at
    s = 1, for the share s = min(1, √((r_S² + ε) / (r_F² + ε))) of the structure that is spatial.
    What similar spots share although neighbours in space do not says nothing about tissue
    domains, and draws edges between them.

    Components at the level of noise, the lower quartile of the variances, have a share that
    cannot be told from chance; they get one gain, of their mean squared correlations. Between
    once and twice that variance the gain goes over to the component's own.

    The constants are measured in docs/defaults.md.

    Parameters
    ----------
    features, spatial, k, seed, device, portion
        As for `held_out`.

    Returns
    -------
    ndarray
        Shape (n_components,), in (0, 1]; ones when there are fewer than 2 components.
    """
    n_components = features.shape[1]
    if n_components < 2:
        return np.ones(n_components)
    correlations = np.zeros((2, n_components))
    parts = held_out(features, spatial, k=k, seed=seed, device=device, portion=portion)
    for part in parts:
        for row, predicted in zip(correlations, (part.in_space, part.in_features), strict=True):
            row[part.components] += correlation(predicted, part.values) / N_SPLITS
    correlations = portion.sum(correlations)
    variances = portion.variances(features)
    least = max(_NO_VARIANCE * variances.max(), np.finfo(np.float64).tiny)
    noise = max(float(np.quantile(variances, _NOISE_QUANTILE)), least)
    above = np.clip(variances / noise - 1, 0, 1)
    at_noise = np.average(correlations**2, axis=1, weights=1 - above)
    gains: NDArray[np.float64] = above * _gain(correlations**2) + (1 - above) * _gain(at_noise)
    return gains


def _gain(squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """From squared correlations with space, the first row, and with similar spots."""
    by_space, by_features = squared
    squared_share = np.minimum(1.0, (by_space + _UNSURE) / (by_features + _UNSURE))
    powered, half = squared_share ** (_STEEPNESS / 2), _HALF_SHARE**_STEEPNESS
    gain: NDArray[np.float64] = powered / (powered + half) * (1.0 + half)
    return gain

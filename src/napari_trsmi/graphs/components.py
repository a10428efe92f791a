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

if TYPE_CHECKING:
    import scipy.sparse as sp
    from numpy.typing import NDArray

_UNSURE = 0.02
"""Share of variance below which structure is too weak to say whether it is spatial."""
_HALF_SHARE = 0.45
_STEEPNESS = 4
_HALF_SIGNAL = 0.03
_LEAST_SIGNAL = 0.01


def spatial_axes(features: NDArray[np.floating], spatial: sp.csr_array) -> NDArray[np.float64]:
    """Orthogonal axes of a modality, from the most to the least spatial.

    The eigenvectors of Xᵀ(W + Wᵀ)X / 2 for the mean W over a spot's neighbours: along the first,
    variance times spatial autocorrelation (Moran's I) is largest (MULTISPATI, Dray, Saïd &
    Débias, J. Veg. Sci. 2008). A turn changes no distance between spots.

    Parameters
    ----------
    features
        Centred components of one modality, shape (n_spots, n_components).
    spatial
        Spatial graph without self loops, (n_spots, n_spots).

    Returns
    -------
    ndarray
        One axis a column, shape (n_components, n_components).
    """
    covariance = features.T @ (row_normalized(spatial) @ features)
    _, axes = np.linalg.eigh(covariance + covariance.T)
    turned: NDArray[np.float64] = axes[:, ::-1]
    return turned


def component_gains(
    features: NDArray[np.floating], spatial: sp.csr_array, *, k: int, seed: int
) -> NDArray[np.float64]:
    """What each component is multiplied by: two soft thresholds.

    With r_S and r_F the correlations of a held-out component with its mean over the neighbours
    in space and over those in the feature graph, the gain is the product of

    - s⁴ / (s⁴ + .45⁴), scaled to 1 at s = 1, for the share s = min(1, √((r_S² + ε) / (r_F² + ε)))
      of the structure that is spatial. What similar spots share although neighbours in space do
      not says nothing about tissue domains, and draws edges between them;
    - q / (q + .03²) for the signal q = max(r_S, r_F)²: what neither predicts is noise.

    The constants are measured in docs/defaults.md.

    Parameters
    ----------
    features, spatial, k, seed
        As for `held_out`.

    Returns
    -------
    ndarray
        Shape (n_components,), in (0, 1]; ones when there are fewer than 2 components.
    """
    n_components = features.shape[1]
    if n_components < 2:
        return np.ones(n_components)
    by_space, by_features = np.zeros(n_components), np.zeros(n_components)
    for part in held_out(features, spatial, k=k, seed=seed):
        by_space[part.components] += correlation(part.in_space, part.values) / N_SPLITS
        by_features[part.components] += correlation(part.in_features, part.values) / N_SPLITS
    share = np.sqrt(np.minimum(1.0, (by_space**2 + _UNSURE) / (by_features**2 + _UNSURE)))
    half = _HALF_SHARE**_STEEPNESS
    spatial_gain = share**_STEEPNESS / (share**_STEEPNESS + half) * (1.0 + half)
    signal = np.maximum(np.maximum(by_space, by_features), _LEAST_SIGNAL) ** 2
    gains: NDArray[np.float64] = spatial_gain * signal / (signal + _HALF_SIGNAL**2)
    return gains

"""Everything the training loop works on: features, graphs and their starting weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from napari_trsmi.graphs.contrast import weighted_by_contrast
from napari_trsmi.graphs.neighbors import feature_graph, search_memory
from napari_trsmi.graphs.reach import spatial_reach
from napari_trsmi.graphs.spatial_axes import component_gains, spatial_axes
from napari_trsmi.graphs.weights import GraphWeights, predictive_weights
from napari_trsmi.model.diffusion import appnp_coefficients
from napari_trsmi.spots.tiles import tiles_of
from napari_trsmi.training.devices import explained

if TYPE_CHECKING:
    from collections.abc import Sequence

    import scipy.sparse as sp
    from numpy.typing import NDArray

    from napari_trsmi.config import Config


@dataclass(frozen=True, eq=False)
class Problem:
    """A training problem.

    Attributes
    ----------
    features
        F^m, ``float32``, each (n_spots, n_features_m), centred, mean square 1.
    spatial
        Spatial graph, 0/1, symmetric, no self loops.
    weighted
        The same with weights in (0, 1], low where spots differ.
    feature_graphs
        The modalities' feature graphs, 0/1, likewise.
    weights
        Start of each modality's (w_S, w_F).
    gate_ends
        Where each modality's gate ends, in [0, 1].
    """

    features: tuple[NDArray[np.float32], ...]
    spatial: sp.csr_array
    weighted: sp.csr_array
    feature_graphs: tuple[sp.csr_array, ...]
    weights: tuple[GraphWeights, ...]
    gate_ends: tuple[float, ...]

    @property
    def n_spots(self) -> int:
        """Number of spots."""
        return len(self.features[0])


def build_problem(
    features: Sequence[NDArray[np.floating]],
    spatial: sp.csr_array,
    config: Config,
    *,
    device: str = "cpu",
) -> Problem:
    """Scale the features and build their graphs.

    Parameters
    ----------
    features
        Components of each modality, each (n_spots, n_components_m).
    spatial
        Spatial graph, 0/1, symmetric, no self loops, (n_spots, n_spots).
    config
        Neighbour counts, edge contrast, how the weights start, where the gates end, seed.
    device
        Where similar spots are sought.

    Raises
    ------
    InputError
        If there are not more spots than neighbours.
    DeviceError
        If the device runs out of memory.
    TrainingError
        If PyTorch fails.
    """
    scaled, graphs, weights, ends = [], [], [], []
    for block in features:
        try:
            # spots by components: threads of BLAS would wait for each other longer than they work
            with threadpool_limits(1, user_api="blas"):
                values, graph, start = _of_modality(block, spatial, config, device)
        except RuntimeError as error:
            needed = search_memory(len(block), block.shape[1], device)
            raise explained(error, needed, torch.device(device)) from error
        scaled.append(values.astype(np.float32, copy=False))
        graphs.append(graph)
        weights.append(start)
        ends.append(_gate_end(values, spatial, config))
    weighted = spatial
    if config.edge_contrast:
        weighted = weighted_by_contrast(spatial, scaled, half=config.edge_contrast)
    return Problem(tuple(scaled), spatial, weighted, tuple(graphs), tuple(weights), tuple(ends))


def _of_modality(
    block: NDArray[np.floating], spatial: sp.csr_array, config: Config, device: str
) -> tuple[NDArray[np.floating], sp.csr_array, GraphWeights]:
    """Its scaled features, their graph, and how the graphs' weights start."""
    k, seed = config.feature_neighbors, config.seed
    values = _scaled(block, spatial, config, device)
    graph = feature_graph(values, k, device=device, seed=seed)
    if config.graph_weights == "even":
        return values, graph, GraphWeights.even()
    weights = predictive_weights(
        values,
        spatial,
        k=k,
        power=config.graph_weight_power,
        floors=(config.spatial_weight_floor, config.feature_weight_floor),
        seed=seed,
        device=device,
    )
    return values, graph, weights


def _scaled(
    block: NDArray[np.floating], spatial: sp.csr_array, config: Config, device: str
) -> NDArray[np.floating]:
    """Centred, turned to spatial axes and scaled; in single precision where tiles save memory."""
    center: NDArray[np.float64] = np.asarray(np.mean(block, axis=0, dtype=np.float64))
    parts = tiles_of(len(block), config.n_tiles)
    values = np.empty(block.shape, dtype=np.float64 if len(parts) == 1 else np.float32)
    axes = None
    if config.spatial_share:
        axes = spatial_axes(block, spatial, center=center, tiles=config.n_tiles)
    for rows in parts:
        centred = block[rows] - center
        values[rows] = centred if axes is None else centred @ axes
    if config.spatial_share:
        values *= component_gains(
            values, spatial, k=config.feature_neighbors, seed=config.seed, device=device
        )
    power = sum(float(np.square(values[rows], dtype=np.float64).sum()) for rows in parts)
    values /= max(float(np.sqrt(power / values.size)), 1e-12)
    return values


def _gate_end(features: NDArray[np.floating], spatial: sp.csr_array, config: Config) -> float:
    """Where a modality's gate ends."""
    if not config.gate:
        return 1.0
    if config.gate_end == "floor":
        return config.gate_floor
    # the diffusion starts as the mean over its scales
    diffusion = appnp_coefficients(*config.diffusion).mean(dim=0).tolist()
    reach = spatial_reach(
        features, spatial, local_gate=config.local_gate, diffusion=diffusion, seed=config.seed
    )
    return max(reach, config.gate_floor)

"""Everything the training loop works on: features, graphs and their starting weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from napari_trsmi.graphs.contrast import weighted_by_contrast
from napari_trsmi.graphs.neighbors import feature_graph, search_memory, unit_rows
from napari_trsmi.graphs.neighbors_of_portions import exact_graph, indexed_graphs, is_exact
from napari_trsmi.graphs.reach import spatial_reach
from napari_trsmi.graphs.spatial_axes import component_gains, spatial_axes
from napari_trsmi.graphs.weights import GraphWeights, predictive_weights
from napari_trsmi.model.diffusion import appnp_coefficients
from napari_trsmi.spots.portion import WHOLE, HeldPortion, Portion
from napari_trsmi.spots.tiles import tiles_of
from napari_trsmi.training.devices import explained

if TYPE_CHECKING:
    from collections.abc import Iterable

    import scipy.sparse as sp
    from numpy.typing import NDArray

    from napari_trsmi.config import Config


@dataclass(frozen=True, eq=False)
class Problem:
    """A training problem: of several processes each has the rows of its own spots.

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
    portion
        Of the spots, with the halo of all graphs.
    """

    features: tuple[NDArray[np.float32], ...]
    spatial: sp.csr_array
    weighted: sp.csr_array
    feature_graphs: tuple[sp.csr_array, ...]
    weights: tuple[GraphWeights, ...]
    gate_ends: tuple[float, ...]
    portion: Portion = WHOLE

    @property
    def n_spots(self) -> int:
        """Number of all spots."""
        return self.portion.n_spots(len(self.features[0]))


def build_problem(
    features: Iterable[NDArray[np.floating]],
    spatial: sp.csr_array,
    config: Config,
    *,
    device: str = "cpu",
    portion: Portion = WHOLE,
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
    portion
        Of the spots, whose rows these are, with the halo of `spatial`.

    Raises
    ------
    InputError
        If there are not more spots than neighbours.
    DeviceError
        If the device runs out of memory.
    TrainingError
        If PyTorch fails.
    """
    scaled: list[NDArray[np.float32]] = []
    weights, ends = [], []
    graphs: dict[int, sp.csr_array] = {}
    waiting: dict[int, NDArray[np.float32]] = {}
    for block in features:  # an enumeration would keep the last one
        number, (n, width) = len(scaled), block.shape
        try:
            # spots by components: threads of BLAS would wait for each other longer than they work
            with threadpool_limits(1, user_api="blas"):
                values = _scaled(block, spatial, config, device, portion)
                if not isinstance(portion, HeldPortion):
                    graphs[number] = feature_graph(
                        values, config.feature_neighbors, device=device, seed=config.seed
                    )
                elif is_exact(portion.n_spots(n), device):
                    k = config.feature_neighbors
                    graphs[number] = exact_graph(values, k, portion, device=device)
                else:
                    waiting[number] = unit_rows(values, portion)
                start = _start_weights(values, spatial, config, device, portion)
        except RuntimeError as error:
            needed = search_memory(n, width, device)
            raise explained(error, needed, torch.device(device)) from error
        scaled.append(values.astype(np.float32, copy=False))
        weights.append(start)
        del block  # of which the caller may keep none
        ends.append(_gate_end(values, spatial, config, portion))
        del values
    weighted = spatial
    if config.edge_contrast:
        weighted = weighted_by_contrast(spatial, scaled, half=config.edge_contrast, portion=portion)
    if isinstance(portion, HeldPortion):
        graphs |= indexed_graphs(waiting, config.feature_neighbors, portion, seed=config.seed)
        spatial, weighted = (portion.over_all(graph) for graph in (spatial, weighted))
        wide = portion.borrowing([graph.indices for graph in (spatial, *graphs.values())])
        spatial, weighted = (wide.local(graph) for graph in (spatial, weighted))
        graphs = {number: wide.local(graph) for number, graph in graphs.items()}
        portion = wide
    similar = tuple(graphs[number] for number in range(len(scaled)))
    return Problem(tuple(scaled), spatial, weighted, similar, tuple(weights), tuple(ends), portion)


def _start_weights(
    values: NDArray[np.floating],
    spatial: sp.csr_array,
    config: Config,
    device: str,
    portion: Portion,
) -> GraphWeights:
    """How a modality's graphs start to be mixed."""
    if config.graph_weights == "even":
        return GraphWeights.even()
    return predictive_weights(
        values,
        spatial,
        k=config.feature_neighbors,
        power=config.graph_weight_power,
        floors=(config.spatial_weight_floor, config.feature_weight_floor),
        seed=config.seed,
        device=device,
        portion=portion,
    )


def _scaled(
    block: NDArray[np.floating],
    spatial: sp.csr_array,
    config: Config,
    device: str,
    portion: Portion,
) -> NDArray[np.floating]:
    """Centred, turned to spatial axes and scaled; in single precision where tiles save memory."""
    center = portion.mean(block)
    parts = tiles_of(len(block), config.n_tiles)
    values = np.empty(block.shape, dtype=np.float64 if len(parts) == 1 else np.float32)
    axes = None
    if config.spatial_share:
        axes = spatial_axes(block, spatial, center=center, tiles=config.n_tiles, portion=portion)
    for rows in parts:
        centred = block[rows] - center
        values[rows] = centred if axes is None else centred @ axes
    if config.spatial_share:
        values *= component_gains(
            values,
            spatial,
            k=config.feature_neighbors,
            seed=config.seed,
            device=device,
            portion=portion,
        )
    power = sum(float(np.square(values[rows], dtype=np.float64).sum()) for rows in parts)
    size = portion.count(values.size)
    power = float(portion.sum(np.array([power]))[0])
    values /= max(float(np.sqrt(power / size)), 1e-12)
    return values


def _gate_end(
    features: NDArray[np.floating], spatial: sp.csr_array, config: Config, portion: Portion
) -> float:
    """Where a modality's gate ends."""
    if not config.gate:
        return 1.0
    if config.gate_end == "floor":
        return config.gate_floor
    # the diffusion starts as the mean over its scales
    diffusion = appnp_coefficients(*config.diffusion).mean(dim=0).tolist()
    reach = spatial_reach(
        features,
        spatial,
        local_gate=config.local_gate,
        diffusion=diffusion,
        seed=config.seed,
        portion=portion,
    )
    return max(reach, config.gate_floor)

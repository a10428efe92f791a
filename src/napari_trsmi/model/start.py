"""The network at its start, in closed form: what it embeds before any training.

Every part starts so that it changes nothing or is a plain average: the encoder's residual and the
fusion's hidden layer at 0, alignment at the modality itself, refinement at the mean over the
neighbours, diffusion at the mean over its scales. What is left of a forward pass is products with
the fused graphs. No weights of edges are held to be learned, nothing is searched that would be
multiplied by 0, and one modality's graph is held at a time: at a million spots a fifth of the
memory that the network itself takes for the same embedding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import scipy.sparse as sp
import torch
from torch import Tensor
from torch.nn import functional

from napari_trsmi.graphs.normalize import add_self_loops, symmetric_normalized
from napari_trsmi.graphs.pattern import Pattern
from napari_trsmi.model.diffusion import MultiScaleAPPNP, appnp_coefficients
from napari_trsmi.model.encoder import start_projection
from napari_trsmi.model.fused_graph import WeightedGraph, start_weights
from napari_trsmi.model.fusion import Fusion
from napari_trsmi.model.gate import ScheduledGate
from napari_trsmi.model.refinement import start_gate
from napari_trsmi.model.tiled_graph import TiledGraph, loop_scale
from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_trsmi.config import Config
    from napari_trsmi.graphs.weights import GraphWeights


@dataclass(frozen=True, eq=False)
class Start:
    """What the network embeds before training.

    Attributes
    ----------
    z
        Z, shape (n, d).
    shares
        Of each modality in each spot, shape (n, n_modalities), rows sum to 1.
    graph_weights
        (w_S, w_F) of each modality, shape (n_modalities, 2).
    """

    z: Tensor
    shares: Tensor
    graph_weights: Tensor


@torch.no_grad()
def start_embedding(
    features: Sequence[NDArray[np.float32]],
    weighted: sp.csr_array,
    feature_graphs: Sequence[sp.csr_array],
    weights: Sequence[GraphWeights],
    gate_ends: Sequence[float],
    config: Config,
    device: torch.device,
    portion: Portion = WHOLE,
) -> Start:
    """Embed the spots as the untrained network does, at the end of its gates' schedule.

    Parameters
    ----------
    features
        F^m, each (n, n_features_m).
    weighted, feature_graphs, weights
        See `FusedGraphs`.
    gate_ends
        Where each modality's gate ends, in [0, 1].
    config
        Sizes, switches and starting values.
    device
        Where the products run.
    portion
        Of the spots, whose rows these are.
    """
    d = config.embedding_dim
    graph_weights = functional.softplus(start_weights(weights))
    if config.n_tiles > 1 and device.type == "cpu":
        parts = _tiled_parts(
            features, [weighted, *feature_graphs], graph_weights, gate_ends, config, portion
        )
    else:
        graphs = [weighted, *feature_graphs]
        parts = _parts(features, graphs, graph_weights, gate_ends, config, device, portion)
    fusion = Fusion(len(parts), d, hidden=False, portion=portion).to(device)
    if config.start == "informed":
        fusion.start_from(parts)
    return Start(fusion(parts), fusion.shares(parts), graph_weights)


def _parts(
    features: Sequence[NDArray[np.float32]],
    graphs: Sequence[sp.csr_array],
    graph_weights: Tensor,
    gate_ends: Sequence[float],
    config: Config,
    device: torch.device,
    portion: Portion,
) -> list[Tensor]:
    """Z_*^m of each modality, over whole graphs."""
    d = config.embedding_dim
    weighted, *feature_graphs = graphs
    spatial = symmetric_normalized(add_self_loops(weighted), portion=portion)
    mean = _scaled(spatial, graph_weights[:, 0].mean())
    parts = []
    for block, graph, (of_space, of_features) in zip(
        features, feature_graphs, graph_weights, strict=True
    ):
        learned = symmetric_normalized(add_self_loops(graph), portion=portion)
        mean = mean + _scaled(learned, of_features / len(features))
        fused = _scaled(spatial, of_space) + _scaled(learned, of_features)
        own = _on_device(fused, device, portion)
        del learned, fused
        parts.append(_local(torch.from_numpy(block).to(device), own, d, config, portion))
        del own
    if config.multiscale or config.gate:
        steps, teleports = config.diffusion
        diffusion = MultiScaleAPPNP(d, steps=steps, teleports=teleports).to(device)
        everywhere = _on_device(symmetric_normalized(mean, portion=portion), device, portion)
        del mean
        for local, end in zip(parts, gate_ends, strict=True):
            gate = ScheduledGate(logit=config.gate_logit, end=end, scheduled=config.gate)
            local.lerp_(diffusion(local, everywhere), gate.beta(1.0).to(device))
    return parts


def _tiled_parts(
    features: Sequence[NDArray[np.float32]],
    graphs: Sequence[sp.csr_array],
    graph_weights: Tensor,
    gate_ends: Sequence[float],
    config: Config,
    portion: Portion,
) -> list[Tensor]:
    """The same but for rounding, with a tile's rows of the fused graphs at a time."""
    scales = [portion.around(loop_scale(graph)) for graph in graphs]
    parts = []
    for m, (block, factors) in enumerate(zip(features, graph_weights.tolist(), strict=True)):
        chosen = (0, m + 1)
        own = TiledGraph(
            [graphs[i] for i in chosen],
            [scales[i] for i in chosen],
            factors,
            config.n_tiles,
            portion=portion,
        )
        parts.append(_local(torch.from_numpy(block), own, config.embedding_dim, config, portion))
    if config.multiscale or config.gate:
        shares = (graph_weights[:, 1] / len(features)).tolist()
        factors = [graph_weights[:, 0].mean().item(), *shares]
        everywhere = TiledGraph(graphs, scales, factors, config.n_tiles, portion=portion)
        everywhere = everywhere.normalized()
        coefficients = appnp_coefficients(*config.diffusion).mean(dim=0).tolist()
        for local, end in zip(parts, gate_ends, strict=True):
            gate = ScheduledGate(logit=config.gate_logit, end=end, scheduled=config.gate)
            local.lerp_(everywhere.polynomial(local, coefficients), gate.beta(1.0))
    return parts


def _local(
    features: Tensor,
    graph: WeightedGraph | TiledGraph,
    d: int,
    config: Config,
    portion: Portion,
) -> Tensor:
    """Encode and refine one modality, shape (n, d)."""
    hidden = features @ start_projection(features, d, portion).to(features)
    if config.rpr and config.encoder_normalize:
        hidden = functional.normalize(graph @ functional.normalize(hidden, dim=1), dim=1)
    else:
        hidden = graph @ hidden
    if not (config.multiscale or config.gate):
        return hidden
    around = graph @ hidden
    return hidden.add_(around.mul_(start_gate(config.local_gate).sigmoid().to(around)))


def _scaled(graph: sp.csr_array, factor: Tensor) -> sp.csr_array:
    return sp.csr_array((graph.data * factor.numpy(), graph.indices, graph.indptr), graph.shape)


def _on_device(graph: sp.csr_array, device: torch.device, portion: Portion) -> WeightedGraph:
    pattern = Pattern.from_scipy(graph, symmetric=True, portion=portion)
    return WeightedGraph(pattern.to(device), torch.from_numpy(graph.data).to(device))

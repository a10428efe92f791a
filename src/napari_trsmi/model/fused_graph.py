"""The fused graphs Â^m = w_S A_S + w_F A_F^m and their mean Â_g."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_trsmi.graphs.normalize import add_self_loops, symmetric_normalize
from napari_trsmi.graphs.pattern import Pattern
from napari_trsmi.graphs.products import spmm
from napari_trsmi.model.feature_graph import LearnedFeatureGraph
from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import scipy.sparse as sp

    from napari_trsmi.graphs.weights import GraphWeights


@dataclass(frozen=True, eq=False)
class WeightedGraph:
    """A sparse matrix in the making: a pattern and differentiable values."""

    pattern: Pattern
    values: Tensor

    def __matmul__(self, dense: Tensor) -> Tensor:
        """Propagate node features, shape (n, d)."""
        return spmm(self.pattern, self.values, dense)


class FusedGraphs(nn.Module):
    """The graphs of all modalities over shared, precomputed patterns.

    Parameters
    ----------
    spatial
        Symmetric 0/1 spatial graph without self loops.
    weighted
        The same with weights in (0, 1]: A_S of the fused graphs.
    feature_graphs
        One symmetric 0/1 feature graph a modality, without self loops.
    weights
        Start of (w_S, w_F), one a modality.
    ema_decay
        Decay of the learned graphs' running mean.
    portion
        Of the spots, whose rows of the graphs these are.
    """

    def __init__(
        self,
        spatial: sp.csr_array,
        weighted: sp.csr_array,
        feature_graphs: Sequence[sp.csr_array],
        weights: Sequence[GraphWeights],
        ema_decay: float,
        portion: Portion = WHOLE,
    ) -> None:
        super().__init__()
        self.learned = nn.ModuleList(
            LearnedFeatureGraph(graph, ema_decay, portion) for graph in feature_graphs
        )
        looped = add_self_loops(spatial)
        self._spatial = Pattern.from_scipy(looped, symmetric=True, portion=portion)
        self._own: list[Pattern] = []
        parts = [add_self_loops(graph) for graph in feature_graphs]
        self._mean = _union([looped, *parts], portion)
        for number, part in enumerate(parts):
            own = _union([looped, part], portion)
            self._own.append(own)
            self._register(f"spatial_in_{number}", own.positions(looped))
            self._register(f"feature_in_{number}", own.positions(part))
            self._register(f"feature_in_mean_{number}", self._mean.positions(part))
        self._register("spatial_in_mean", self._mean.positions(looped))
        self.spatial_in_mean: Tensor
        self.spatial_values: Tensor
        self.weighted_values: Tensor
        for name, graph in (("spatial", looped), ("weighted", add_self_loops(weighted))):
            values = symmetric_normalize(self._spatial, torch.from_numpy(graph.data))
            self.register_buffer(f"{name}_values", values, persistent=False)
        self.raw_weights = nn.Parameter(start_weights(weights))

    def _register(self, name: str, positions: np.ndarray) -> None:
        self.register_buffer(name, torch.from_numpy(positions), persistent=False)

    def to_device(self, device: torch.device) -> FusedGraphs:
        """Move the index arrays along with the parameters."""
        self._spatial = self._spatial.to(device)
        self._mean = self._mean.to(device)
        self._own = [pattern.to(device) for pattern in self._own]
        for graph in self._graphs:
            graph.to_device(device)
        return self.to(device)

    @property
    def _graphs(self) -> list[LearnedFeatureGraph]:
        return cast("list[LearnedFeatureGraph]", list(self.learned))

    @property
    def weights(self) -> Tensor:
        """Current (w_S, w_F), shape (n_modalities, 2), non-negative."""
        return functional.softplus(self.raw_weights)

    @property
    def pattern(self) -> Pattern:
        """Where any of the graphs has an edge, and the diagonal."""
        return self._mean

    @property
    def spatial(self) -> WeightedGraph:
        """The 0/1 spatial graph, symmetrically normalised with self loops; fixed.

        It knows nothing of the features, so it can be asked to predict hidden ones.
        """
        return WeightedGraph(self._spatial, self.spatial_values)

    def forward(self) -> tuple[list[WeightedGraph], WeightedGraph]:
        """The fused graphs Â^m and their renormalised mean Â_g."""
        weights = self.weights
        own = []
        mean = self.weighted_values.new_zeros(self._mean.nnz)
        mean = mean.index_add(0, self.spatial_in_mean, self.weighted_values * weights[:, 0].mean())
        for number, graph in enumerate(self._graphs):
            values = graph()
            fused = values.new_zeros(self._own[number].nnz)
            fused = fused.index_add(
                0,
                getattr(self, f"spatial_in_{number}"),
                self.weighted_values * weights[number, 0],
            )
            fused = fused.index_add(
                0, getattr(self, f"feature_in_{number}"), values * weights[number, 1]
            )
            own.append(WeightedGraph(self._own[number], fused))
            mean = mean.index_add(
                0,
                getattr(self, f"feature_in_mean_{number}"),
                values * (weights[number, 1] / len(self.learned)),
            )
        return own, WeightedGraph(self._mean, symmetric_normalize(self._mean, mean))

    def regularizer(self) -> Tensor:
        """L_graph: the learned graphs' distance from their running means, summed."""
        return torch.stack([graph.regularizer() for graph in self._graphs]).sum()

    def share_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Add up what several processes found for parameters of the network, and for the edges."""
        portion = self._mean.portion
        if portion.ranks.size == 1:
            return
        edges = {id(graph.weight) for graph in self._graphs}
        shared = [p.grad for p in parameters if id(p) not in edges and p.grad is not None]
        flat = portion.sum(torch.cat([gradient.flatten() for gradient in shared]))
        for gradient, added in zip(
            shared, torch.split(flat, [gradient.numel() for gradient in shared]), strict=True
        ):
            gradient.copy_(added.view_as(gradient))
        for graph in self._graphs:
            graph.share_gradient()

    def update_means(self) -> None:
        """Advance the learned graphs' running means; once an epoch."""
        for graph in self._graphs:
            graph.update_mean()


def start_weights(weights: Sequence[GraphWeights]) -> Tensor:
    """What softplus makes the start of (w_S, w_F), and keeps positive; (n_modalities, 2)."""
    start = torch.tensor([[w.spatial, w.feature] for w in weights]).clamp_min(1e-3)
    return torch.log(torch.expm1(start))


def _union(graphs: Sequence[sp.csr_array], portion: Portion) -> Pattern:
    return Pattern.from_scipy(reduce(add, graphs).tocsr(), symmetric=True, portion=portion)

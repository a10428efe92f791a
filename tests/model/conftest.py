"""Small random graphs in float64, sparse and dense side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from napari_trsmi.graphs.normalize import add_self_loops, symmetric_normalize
from napari_trsmi.graphs.pattern import Pattern
from napari_trsmi.graphs.weights import GraphWeights
from napari_trsmi.model.fused_graph import FusedGraphs, WeightedGraph

if TYPE_CHECKING:
    from collections.abc import Callable

N = 12


@pytest.fixture(scope="session")
def adjacency() -> Callable[..., sp.csr_array]:
    """Make a random symmetric 0/1 graph without self loops."""

    def make(seed: int = 0, n: int = N, density: float = 0.3) -> sp.csr_array:
        upper = np.triu(np.random.default_rng(seed).random((n, n)) < density, 1)
        return sp.csr_array((upper | upper.T).astype(np.float32))

    return make


class Both(NamedTuple):
    """The same graph twice."""

    sparse: WeightedGraph
    dense: torch.Tensor


@pytest.fixture(scope="session")
def graph(adjacency) -> Both:
    """A normalised graph with self loops, float64."""
    dense = torch.from_numpy(adjacency().toarray()).double() + torch.eye(N, dtype=torch.float64)
    pattern = Pattern.from_scipy(sp.csr_array(dense.numpy()), symmetric=True)
    values = symmetric_normalize(pattern, torch.ones(pattern.nnz, dtype=torch.float64))
    scale = dense.sum(dim=1).rsqrt()
    return Both(WeightedGraph(pattern, values), scale[:, None] * dense * scale)


@pytest.fixture(scope="session")
def to_dense() -> Callable[[WeightedGraph], torch.Tensor]:
    """Multiply a sparse graph with the identity."""
    return lambda graph: graph @ torch.eye(graph.pattern.n, dtype=graph.values.dtype)


@pytest.fixture(scope="session")
def weighted(adjacency) -> Callable[..., sp.csr_array]:
    """Make the same graph with random symmetric weights."""

    def make(seed: int = 0) -> sp.csr_array:
        graph = adjacency(seed)
        weights = np.random.default_rng(seed).uniform(0.1, 1, size=graph.shape)
        return sp.csr_array(graph * (weights + weights.T) / 2, dtype=np.float32)

    return make


@pytest.fixture(scope="session")
def make_graphs(adjacency, weighted) -> Callable[..., FusedGraphs]:
    """Make the graphs of M modalities in float64 with random edge weights, some negative."""

    def make(n_modalities: int = 2, seed: int = 0) -> FusedGraphs:
        graphs = FusedGraphs(
            adjacency(seed),
            weighted(seed),
            [adjacency(seed + m + 1) for m in range(n_modalities)],
            [GraphWeights(0.3 + 0.2 * m, 0.7 - 0.2 * m, 0.0) for m in range(n_modalities)],
            0.9,
        ).double()
        # were float32
        pattern = graphs.spatial.pattern
        for name, graph in (("spatial", adjacency(seed)), ("weighted", weighted(seed))):
            values = torch.from_numpy(add_self_loops(graph).data).double()
            setattr(graphs, f"{name}_values", symmetric_normalize(pattern, values))
        random = torch.Generator().manual_seed(seed)
        for learned in graphs.learned:
            learned.weight.data.normal_(0.8, 0.6, generator=random)
        return graphs

    return make


@pytest.fixture(scope="session")
def random_matrix() -> Callable[..., torch.Tensor]:
    """Draw a float64 matrix."""

    def draw(*shape: int, seed: int = 0) -> torch.Tensor:
        random = torch.Generator().manual_seed(seed)
        return torch.randn(shape, dtype=torch.float64, generator=random)

    return draw

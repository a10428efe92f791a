import numpy as np
import pytest
import torch

from napari_trsmi.config import Config
from napari_trsmi.graphs.weights import GraphWeights
from napari_trsmi.model.fused_graph import FusedGraphs
from napari_trsmi.model.network import TRSMI
from napari_trsmi.model.start import start_embedding

N = 12
WIDTHS = (5, 9, 3)
"""Fewer features than dimensions, and more."""
CPU = torch.device("cpu")


def both(n_modalities, adjacency, weighted, config):
    """The start, and the network's own embedding before training."""
    rng = np.random.default_rng(0)
    features = [rng.normal(size=(N, w)).astype(np.float32) for w in WIDTHS[:n_modalities]]
    graphs = [adjacency(m + 1) for m in range(n_modalities)]
    weights = [GraphWeights(0.3 + 0.2 * m, 0.7 - 0.2 * m, 0.0) for m in range(n_modalities)]
    ends = [0.2 + 0.3 * m for m in range(n_modalities)]
    started = start_embedding(features, weighted(), graphs, weights, ends, config, CPU)
    blocks = [torch.from_numpy(f) for f in features]
    network = TRSMI(
        blocks, FusedGraphs(adjacency(), weighted(), graphs, weights, 0.9), ends, config
    )
    network.search_alignment(blocks, 4, None)
    if config.start == "informed":
        network.start_from_data(blocks)
    with torch.no_grad():
        embedded = network(blocks, progress=1.0)
        shares = network.fusion.shares(embedded.parts)
    return started, embedded.z, shares, network.graphs.weights


@pytest.mark.parametrize("n_modalities", [1, 2, 3])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"start": "mean"},
        {"encoder_normalize": True},
        {"gate": False},
        {"multiscale": False},
        {"multiscale": False, "gate": False},
        {"rpr": False, "align": False},
        {"tiles": 5},
        {"tiles": 2, "multiscale": False},
        {"tiles": 12, "encoder_normalize": True, "start": "mean"},
    ],
    ids=lambda changes: ",".join(changes) or "default",
)
def test_it_is_what_the_network_embeds_before_training(adjacency, weighted, n_modalities, changes):
    config = Config(embedding_dim=6, **changes)
    started, z, shares, graph_weights = both(n_modalities, adjacency, weighted, config)
    torch.testing.assert_close(started.z, z, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(started.shares, shares, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(started.graph_weights, graph_weights)


def test_the_graphs_stay_as_they_were(adjacency, weighted):
    graph, space = adjacency(1), weighted()
    before = graph.toarray(), space.toarray()
    features = [np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)]
    weights = [GraphWeights(0.5, 0.5, 0.0)]
    start_embedding(features, space, [graph], weights, [0.5], Config(embedding_dim=4), CPU)
    np.testing.assert_array_equal(graph.toarray(), before[0])
    np.testing.assert_array_equal(space.toarray(), before[1])

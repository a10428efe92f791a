"""Nothing of the size spots x spots is ever allocated, by PyTorch or by numpy."""

from __future__ import annotations

import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch.profiler import ProfilerActivity, profile

from napari_trsmi.config import Config
from napari_trsmi.graphs.neighbors import feature_graph, spatial_graph
from napari_trsmi.graphs.pattern import Pattern
from napari_trsmi.graphs.products import sddmm, spmm
from napari_trsmi.graphs.weights import GraphWeights
from napari_trsmi.training import loop
from napari_trsmi.training.loop import iter_train, memory_needed
from napari_trsmi.training.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 2**20


@contextmanager
def allocations() -> Iterator[dict[str, int]]:
    """Measure a block: PyTorch's largest allocation in one go, and the peak of numpy's."""
    found = {}
    tracemalloc.start()
    try:
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
            yield found
        found["numpy"] = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    found["torch"] = max(event.self_cpu_memory_usage for event in profiled.events())


def ring(n: int, step: int) -> sp.csr_array:
    """Each spot and the two that are `step` away from it."""
    ones = np.ones(n - step, dtype=np.float32)
    return sp.diags_array([ones, ones], offsets=[step, -step], format="csr")


def test_measuring_sees_what_is_allocated():
    with allocations() as found:
        torch.ones(30 * MIB, dtype=torch.uint8)
        np.ones(40 * MIB, dtype=np.uint8)
    assert found["torch"] >= 30 * MIB
    assert found["numpy"] >= 40 * MIB


def test_products_and_their_gradients_need_only_the_non_zeros():
    n = 60_000  # 14 GB as a dense matrix
    pattern = Pattern.from_scipy(ring(n, 1), symmetric=True)
    values = torch.rand(pattern.nnz, requires_grad=True)
    x = torch.rand(n, 8, requires_grad=True)
    with allocations() as found:
        (spmm(pattern, values, x).square().sum() + sddmm(pattern, x, x).sum()).backward()
    assert values.grad.any()
    assert max(found.values()) < 8 * MIB


@pytest.mark.parametrize("exact", [True, False])
def test_training_needs_memory_in_proportion_to_the_spots(monkeypatch, exact):
    n = 8_000  # 256 MB as a dense matrix
    monkeypatch.setattr(loop, "EXACT_ALIGNMENT_LIMIT", n if exact else 0)
    features = np.random.default_rng(0).normal(size=(2, n, 4)).astype(np.float32)
    problem = Problem(
        tuple(features),
        ring(n, 1),
        ring(n, 1),
        (ring(n, 2), ring(n, 3)),
        (GraphWeights(0.5, 0.5, 0.1),) * 2,
        (0.5, 0.5),
    )
    config = Config(embedding_dim=4, align_neighbors=3, epochs=1)
    with allocations() as found:
        (report,) = iter_train(problem, config, device=torch.device("cpu"))
    assert np.isfinite(report.loss)
    assert max(found.values()) < 16 * MIB
    assert memory_needed(problem, config) < 64 * MIB


def test_neighbour_searches_work_in_blocks():
    points = np.random.default_rng(0).normal(size=(6_000, 2))  # 144 MB as a dense matrix
    with allocations() as found:
        spatial_graph(points, 6)
        feature_graph(points, 6)
    assert max(found.values()) < 16 * MIB

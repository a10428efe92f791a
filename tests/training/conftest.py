"""A small training problem and a way to train on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
import torch

from napari_trsmi.config import Config
from napari_trsmi.graphs.neighbors import spatial_graph
from napari_trsmi.training.loop import Trained, iter_train
from napari_trsmi.training.problem import Problem, build_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_trsmi.training.report import EpochReport

SIDE = 9


@pytest.fixture(scope="session")
def config() -> Config:
    """Sizes small enough for the problem."""
    return Config(
        embedding_dim=6,
        feature_neighbors=5,
        align_neighbors=4,
        align_refresh=2,
        epochs=4,
        learning_rate=1e-2,
        mask_fraction=0.3,
    )


@pytest.fixture(scope="session")
def blocks() -> Callable[..., tuple[list[np.ndarray], np.ndarray]]:
    """Make features of M modalities and coordinates: three stripes on a square lattice."""

    def make(n_modalities: int = 2, side: int = SIDE) -> tuple[list[np.ndarray], np.ndarray]:
        rng = np.random.default_rng(0)
        x, y = np.meshgrid(np.arange(side), np.arange(side))
        stripe = x.ravel() * 3 // side
        features = [
            3 * rng.normal(size=(3, 8 - m))[stripe] + rng.normal(size=(side**2, 8 - m))
            for m in range(n_modalities)
        ]
        return features, np.column_stack([x.ravel(), y.ravel()]).astype(float)

    return make


@pytest.fixture(scope="session")
def make_problem(blocks, config) -> Callable[..., Problem]:
    """Make a training problem of M modalities."""

    def make(n_modalities: int = 2) -> Problem:
        features, coordinates = blocks(n_modalities)
        return build_problem(features, spatial_graph(coordinates, config.spatial_neighbors), config)

    return make


class Run(NamedTuple):
    """What training yielded, and what it returned."""

    reports: list[EpochReport]
    trained: Trained


@pytest.fixture(scope="session")
def train(make_problem, config) -> Callable[..., Run]:
    """Train to the end, calling `after` with each report."""

    def run(problem=None, *, device="cpu", stop=None, after=None, **parameters) -> Run:
        epochs = iter_train(
            problem or make_problem(),
            config.replace(**parameters),
            device=torch.device(device),
            stop=stop,
        )
        reports = []
        while True:
            try:
                reports.append(next(epochs))
            except StopIteration as finished:
                return Run(reports, finished.value)
            if after is not None:
                after(reports[-1])

    return run

"""Sparse patterns with their dense counterparts, and lattices of spots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from napari_trsmi.graphs.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@pytest.fixture(scope="session")
def make_pattern() -> Callable[..., tuple[Pattern, torch.Tensor]]:
    """Make a random pattern, and its positions as a dense mask; spot 1 has no neighbours."""

    def make(
        n: int = 7, *, symmetric: bool, seed: int = 0, density: float = 0.4
    ) -> tuple[Pattern, torch.Tensor]:
        mask = np.random.default_rng(seed).random((n, n)) < density
        if symmetric:
            mask |= mask.T
        mask[1] = False
        mask[:, 1] = False
        pattern = Pattern.from_scipy(sp.csr_array(mask.astype(np.float32)), symmetric=symmetric)
        return pattern, torch.from_numpy(mask)

    return make


@pytest.fixture(scope="session")
def to_dense() -> Callable[[Pattern, torch.Tensor], torch.Tensor]:
    """Write values at a pattern's positions into a dense matrix, differentiably."""

    def fill(pattern: Pattern, values: torch.Tensor) -> torch.Tensor:
        positions = (pattern.rows, pattern.columns.long())
        return values.new_zeros(pattern.n, pattern.n).index_put(positions, values)

    return fill


@pytest.fixture(scope="session")
def square_lattice() -> Callable[[int], NDArray[np.float64]]:
    """Make a square lattice of side x side spots, row by row."""

    def make(side: int) -> NDArray[np.float64]:
        return np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2) * 1.0

    return make

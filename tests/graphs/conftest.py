"""Sparse patterns with their dense counterparts, lattices of spots, and fields over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.ndimage import gaussian_filter

from napari_trsmi.graphs.neighbors import spatial_graph
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


class Fields:
    """Components over a square lattice that space, the features or nothing predicts."""

    side = 20

    def smooth(self, n_components: int, seed: int = 0) -> NDArray[np.float64]:
        """Independent fields that change slowly over the lattice."""
        shape = (n_components, self.side, self.side)
        noise = np.random.default_rng(seed).normal(size=shape)
        fields = np.stack([gaussian_filter(field, 2.5, mode="wrap") for field in noise])
        fields /= fields.std(axis=(1, 2), keepdims=True)
        return fields.reshape(n_components, -1).T

    def scattered(self, n_components: int, seed: int = 0) -> NDArray[np.float64]:
        """Five kinds of spots strewn over the lattice, far apart in their features."""
        rng = np.random.default_rng(seed)
        centres = 3 * rng.normal(size=(5, n_components))
        kinds = rng.integers(5, size=self.side**2)
        return centres[kinds] + self.noise(n_components, seed + 1) / 4

    def noise(self, n_components: int, seed: int = 0) -> NDArray[np.float64]:
        """Nothing that anything predicts."""
        return np.random.default_rng(seed).normal(size=(self.side**2, n_components))


@pytest.fixture(scope="session")
def fields() -> Fields:
    """Components whose truth is known."""
    return Fields()


@pytest.fixture(scope="session")
def space(square_lattice: Callable[[int], NDArray[np.float64]]) -> sp.csr_array:
    """The spatial graph of the lattice that `fields` lie on."""
    return spatial_graph(square_lattice(Fields.side), 6)

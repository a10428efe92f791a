"""What several tests of the viewer need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_trsmi.data.simulated.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_trsmi.data.dataset import SpatialOmics


@pytest.fixture(scope="session")
def make_dataset() -> Callable[..., SpatialOmics]:
    """Simulate a few spots with two modalities, and no image."""

    def make(n_spots: int = 60, seed: int = 0) -> SpatialOmics:
        return simulate(
            n_spots=n_spots,
            modalities=("rna", "protein"),
            n_features={"rna": 20, "protein": 8},
            seed=seed,
            image=False,
        )

    return make

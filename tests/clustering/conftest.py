"""Points whose clusters are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


@pytest.fixture(scope="session")
def blobs() -> Callable[..., tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Make Gaussian clusters that share one stretched covariance, and their labels."""

    def make(
        sizes: Sequence[int] = (60, 40, 25, 15),
        *,
        d: int = 4,
        apart: float = 12.0,
        seed: int = 0,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        rng = np.random.default_rng(seed)
        labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
        stretch = np.linalg.qr(rng.normal(size=(d, d)))[0] * np.linspace(0.5, 2, d)
        centres = np.zeros((len(sizes), d))
        for number, centre in enumerate(centres):  # corners of a cube, `apart` from each other
            centre[: max(1, d - 1)] = [number >> bit & 1 for bit in range(max(1, d - 1))]
        return apart * centres[labels] + rng.normal(size=(len(labels), d)) @ stretch, labels

    return make

"""Made-up stained pictures whose nuclei are known."""

from __future__ import annotations

import numpy as np
import pytest

HAEMATOXYLIN = np.array([0.65, 0.70, 0.29])
EOSIN = np.array([0.07, 0.99, 0.11])


def stained(haematoxylin: np.ndarray, eosin: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The colours of white light that passed two stains."""
    density = haematoxylin[..., None] * HAEMATOXYLIN + eosin[..., None] * EOSIN
    light = 245 * np.exp(-density) + rng.normal(0, 2, haematoxylin.shape)[..., None]
    return np.clip(light, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def cells() -> tuple[np.ndarray, np.ndarray]:
    """A picture of 900 x 900 pixels, nuclei the denser the farther right, and their centres."""
    rng = np.random.default_rng(0)
    side = 900
    places = rng.uniform(10, side - 10, (4000, 2))
    places = places[rng.random(len(places)) < 0.1 + 0.9 * places[:, 1] / side]
    kept = np.empty((0, 2))
    for place in places:  # nuclei may touch and hardly overlap
        if not len(kept) or np.hypot(*(kept - place).T).min() > 7:
            kept = np.vstack([kept, place])
    centers = kept
    haematoxylin = np.full((side, side), 0.08)
    rows, columns = np.mgrid[-8:9, -8:9]
    for row, column in centers:
        radius = rng.uniform(3.5, 5.0)
        r, c = int(row), int(column)
        disc = 1 / (1 + np.exp(3 * (np.hypot(rows - row + r, columns - column + c) - radius)))
        window = haematoxylin[r - 8 : r + 9, c - 8 : c + 9]
        np.maximum(window, rng.uniform(0.7, 1.1) * disc[: len(window)], out=window)
    eosin = 0.4 + 0.1 * np.sin(np.arange(side) / 30)[:, None] * np.ones(side)
    return stained(haematoxylin, eosin, rng), centers

import numpy as np
import pytest

from napari_trsmi.graphs.register import LEAST_SCORE, register_score


@pytest.fixture(scope="module")
def xy():
    grid = np.array([(x, y) for y in range(40) for x in range(40)], dtype=float)
    return grid[np.hypot(*(grid - 20).T) < 20]


def waves(xy, seed):
    """Smooth noise over the tissue, and a trend from the core to the rim that all have."""
    rng = np.random.default_rng(seed)
    turn, phase = rng.uniform(0, 2 * np.pi, (2, 12, 4))
    towards = np.stack([np.cos(turn), np.sin(turn)]) * 2 * np.pi / rng.uniform(6, 14, (12, 4))
    blobs = np.cos(np.tensordot(xy, towards, axes=([1], [0])) + phase).sum(axis=1)
    return blobs + 3 * np.hypot(*(xy - 20).T)[:, None] / 20 + rng.normal(0, 1, blobs.shape)


def test_a_picture_in_register_stands_out(xy):
    table = waves(xy, 0)
    picture = table[:, :3] @ np.random.default_rng(1).normal(size=(3, 3))
    assert (
        register_score(table, picture + np.random.default_rng(2).normal(size=picture.shape), xy)
        > 3 * LEAST_SCORE
    )


def test_pictures_of_other_tissue_do_not(xy):
    table = waves(xy, 0)
    scores = [register_score(table, waves(xy, seed), xy) for seed in range(1, 11)]
    assert max(scores) < LEAST_SCORE


def test_noise_and_nothing_do_not(xy):
    table = waves(xy, 0)
    assert (
        register_score(table, np.random.default_rng(0).normal(size=(len(xy), 3)), xy) < LEAST_SCORE
    )
    assert register_score(table, np.zeros((len(xy), 2)), xy) < LEAST_SCORE

import numpy as np
import pytest

from napari_trsmi.clustering.scale import Tissue
from napari_trsmi.config import Config
from napari_trsmi.graphs.autocorrelation import signal_to_noise
from napari_trsmi.graphs.neighbors import spatial_graph
from napari_trsmi.graphs.repeated import between_measurements

SIDE = 24


@pytest.fixture
def places():
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    return np.column_stack([x.ravel(), y.ravel()]).astype(float)


@pytest.fixture
def table(places):
    rng = np.random.default_rng(0)
    tissue = (places[:, :1] >= SIDE / 2) * rng.normal(size=(1, 6)) * 3
    return tissue + rng.normal(size=(SIDE**2, 6))


def in_squares(table, places, side):
    square = (places // side) @ [1, SIDE]
    means = np.stack([table[square == one].mean(axis=0) for one in np.unique(square)])
    return means[np.unique(square, return_inverse=True)[1]]


def test_a_table_of_the_spots_own_keeps_its_graph(table, places):
    graph = spatial_graph(places, 6)

    assert between_measurements(table, graph) is graph


def test_edges_within_a_measurement_are_left_out(table, places):
    graph = spatial_graph(places, 6)

    found = between_measurements(in_squares(table, places, 3), graph)

    here, there = found.tocoo().row, found.tocoo().col
    assert (places[here] // 3 != places[there] // 3).any(axis=1).all()
    assert 0 < found.nnz < graph.nnz
    np.testing.assert_allclose(found.data, 3)  # the root of the nine spots of a square


def test_rows_that_are_equal_everywhere_are_no_measurement_in_common(places):
    counts = np.random.default_rng(0).poisson(0.05, size=(SIDE**2, 3)).astype(float)
    graph = spatial_graph(places, 6)

    assert between_measurements(counts, graph) is graph


def test_a_coarse_table_is_not_trusted_without_limit(table, places):
    graph = spatial_graph(places, 6)
    coarse = in_squares(table, places, 4)

    tissue = Tissue.of([table, coarse], graph, Config())

    fine, of_squares = (
        signal_to_noise(block, noise)[0]
        for block, noise in zip(tissue.factors, tissue.noise, strict=True)
    )
    naive = signal_to_noise(tissue.factors[1], graph)[0]
    assert of_squares < naive
    assert of_squares < 10 * fine

import numpy as np
import pytest

from napari_trsmi.graphs.lagged import lagged_graph
from napari_trsmi.graphs.neighbors import spatial_graph

XY = np.array([(x, y) for y in range(15) for x in range(15)], dtype=float)


@pytest.mark.parametrize("lag", [2.2, 3.0, 4.5])
def test_partners_lie_beyond_the_lag_and_not_far(lag):
    graph = lagged_graph(XY, lag, spatial_graph(XY, 4)).tocoo()
    apart = np.hypot(*(XY[graph.coords[0]] - XY[graph.coords[1]]).T)
    assert apart.min() >= lag
    assert apart.max() < lag + 1.5
    assert (abs(graph - graph.T)).nnz == 0
    assert graph.nnz > len(XY)


def test_short_and_far_lags_fall_back():
    spatial = spatial_graph(XY, 4)
    assert lagged_graph(XY, 0.0, spatial) is spatial
    assert lagged_graph(XY, 0.5, spatial) is spatial
    assert lagged_graph(XY, 1000.0, spatial).nnz >= len(XY)

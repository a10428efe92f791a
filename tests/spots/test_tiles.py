import numpy as np
import pytest
import scipy.sparse as sp

from napari_trsmi.spots.tiles import tiles_of, with_halo


@pytest.mark.parametrize(("n_spots", "tiles"), [(1, 1), (10, 1), (10, 3), (10, 10), (3, 10)])
def test_every_spot_is_in_one_tile(n_spots, tiles):
    found = tiles_of(n_spots, tiles)
    assert len(found) <= tiles
    assert [row for rows in found for row in range(n_spots)[rows]] == list(range(n_spots))


@pytest.mark.parametrize("tiles", [1, 2, 5])
def test_products_of_tiles_with_their_halos_are_the_whole_product(tiles):
    rng = np.random.default_rng(0)
    graph = sp.csr_array((rng.random((23, 23)) < 0.1).astype(np.float32))
    values = rng.normal(size=(23, 4))
    products = []
    for rows in tiles_of(23, tiles):
        spots, own = with_halo(graph, rows)
        products.append(own @ values[spots])
    np.testing.assert_array_equal(np.concatenate(products), graph @ values)


def test_a_halo_has_neighbours_only():
    line = sp.diags_array([np.ones(9), np.ones(9)], offsets=[1, -1], format="csr")
    spots, _ = with_halo(line, slice(4, 6))
    assert spots.tolist() == [3, 4, 5, 6]

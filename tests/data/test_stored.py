import dask.array as da
import numpy as np
import pytest
import scipy.sparse as sp

from napari_trsmi.data import stored
from napari_trsmi.data.stored import StoredMatrix
from napari_trsmi.errors import InputError

VALUES = np.random.default_rng(0).poisson(0.7, (23, 5)).astype(np.float64)


@pytest.fixture(params=[np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
def matrix(request, monkeypatch):
    monkeypatch.setattr(stored, "CHUNK_ROWS", 4)
    return StoredMatrix.of(
        da.from_array(request.param(VALUES), chunks=(6, -1), asarray=False), "it"
    )


def dense(values):
    return values.toarray() if sp.issparse(values) else values


def test_chunks_are_small_and_in_the_order_of_the_disk(matrix):
    rows = np.random.default_rng(1).permutation(23)
    read = [(places, dense(chunk)) for places, chunk in matrix[rows].chunks()]
    assert max(len(places) for places, _ in read) == 4
    assert np.concatenate([rows[places] for places, _ in read]).tolist() == list(range(23))
    for places, chunk in read:
        assert chunk.dtype == np.float32
        np.testing.assert_array_equal(chunk, VALUES[rows[places]])


def test_rows_and_columns_are_picked_again_and_again(matrix):
    rows, columns = np.array([20, 3, 11, 4]), np.array([True, False, True, True, False])
    picked = matrix[rows][:, columns][np.array([2, 0])][:, np.array([2, 0])]
    expected = VALUES[rows][:, columns][[2, 0]][:, [2, 0]]
    assert picked.shape == (2, 2)
    np.testing.assert_array_equal(dense(picked.in_memory()), expected)
    np.testing.assert_array_equal(dense(picked.as_dask().compute()), expected)
    np.testing.assert_allclose(picked.depth(), expected.sum(axis=1))


def test_steps_change_chunks(matrix):
    np.testing.assert_array_equal(dense((matrix.then(lambda c: c * 2)).in_memory()), VALUES * 2)


def test_parts_of_rows_are_not_picked_with_columns(matrix):
    with pytest.raises(TypeError):
        matrix[:3, np.array([0])]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (da.from_array(np.array([["a"]])), "not numbers"),
        (da.zeros(4), "two dimensions"),
        (
            da.from_array(sp.csc_matrix(VALUES), chunks=(-1, 2), asarray=False),
            r"by columns \(CSC\).*tocsr",
        ),
    ],
)
def test_what_cannot_be_read_in_chunks(values, message):
    with pytest.raises(InputError, match=message):
        StoredMatrix.of(values, "it")


def test_dense_chunks_of_columns_are_joined():
    matrix = StoredMatrix.of(da.from_array(VALUES, chunks=(5, 2)), "it")
    np.testing.assert_array_equal(matrix.in_memory(), VALUES)


def test_a_damaged_chunk_is_an_input_error():
    bad = sp.csr_matrix(VALUES)
    bad.indices[3] = 99
    with pytest.raises(InputError, match="it cannot be read between rows 0 and 23"):
        StoredMatrix.of(da.from_array(bad, chunks=(-1, -1), asarray=False), "it").in_memory()


def test_what_does_not_fit_is_not_read(matrix, monkeypatch):
    monkeypatch.setattr("napari_trsmi.data.reading.memory.free_memory", lambda: 100)
    with pytest.raises(InputError, match=r"Table it takes .* in memory"):
        matrix.in_memory()

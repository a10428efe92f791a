"""Tables reduced by the workers of a Dask cluster are those reduced here."""

from __future__ import annotations

import warnings

import dask.array as da
import numpy as np
import pytest
import scipy.sparse as sp
from distributed import Client, LocalCluster

from napari_trsmi.config import Config
from napari_trsmi.data import stored
from napari_trsmi.data.cluster import connected, connected_client
from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.loading import load
from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.data.stored import StoredMatrix
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing import feature_matrix
from napari_trsmi.preprocessing.stored.by_kind import stored_components

CONFIG = Config(n_components=6, n_top_genes=60)


@pytest.fixture(scope="module")
def threads():
    """The address of a cluster of threads of this process."""
    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0"
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Counts of three kinds, as files."""
    folder = tmp_path_factory.mktemp("tables")
    section = simulate(n_spots=150, n_features={"rna": 90, "protein": 16, "chromatin": 80})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for modality in section.modalities:
            table = modality.table.copy()
            table.X = sp.csr_matrix(table.X)
            table.obsm["spatial"] = section.coordinates
            table.write_h5ad(folder / f"{modality.name}.h5ad")
    return {path.stem: path for path in sorted(folder.iterdir())}


def test_files_are_read_and_reduced_by_the_workers(files, threads, monkeypatch):
    monkeypatch.setattr(stored, "CHUNK_ROWS", 32)
    here = load(files)
    assert connected_client() is None
    with connected(threads):
        monkeypatch.setattr(StoredMatrix, "chunks", None)  # nothing is read by this process
        there = load(files)
        assert there.digests.keys() == here.digests.keys()
        found = [feature_matrix(modality, CONFIG) for modality in there.modalities]
    assert connected_client() is None
    assert sum("the Dask cluster reads it in parts" in note for note in there.notes) == 3
    for modality, (components, notes) in zip(here.modalities, found, strict=True):
        expected, said = feature_matrix(modality, CONFIG)
        assert notes == said
        for one, other in zip(components.T, expected.T, strict=True):  # of either sign
            scale = np.abs(other).max()
            assert min(np.abs(one - other).max(), np.abs(one + other).max()) <= 1e-4 * scale


def test_logarithms_of_metabolites_are_as_here(threads):
    values = np.random.default_rng(0).gamma(2, size=(60, 12)).astype(np.float32)
    matrix = StoredMatrix.of(da.from_array(values, chunks=(16, -1)), "metabolites")
    expected, _ = stored_components(matrix, Kind.METABOLITE, CONFIG)
    with connected(threads):
        found, _ = stored_components(matrix, Kind.METABOLITE, CONFIG)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_table_larger_than_the_workers_memory_is_reduced(monkeypatch):
    """500 MB of values, which the workers make; a worker that held 450 MB would be ended."""
    monkeypatch.setattr(stored, "CHUNK_ROWS", 50_000)
    n_rows, width, limit = 1_250_000, 100, 450_000_000
    means = np.random.default_rng(0).normal(size=(5, width)).astype(np.float32)
    how = {"new_axis": 1, "chunks": (50_000, width), "dtype": "f4"}
    values = da.arange(n_rows, chunks=50_000).map_blocks(lambda rows: means[rows % 5], **how)
    matrix = StoredMatrix.of(values, "large")
    assert values.nbytes > limit
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, memory_limit=limit, dashboard_address=":0"
        ) as cluster,
        connected(cluster.scheduler_address),
    ):
        found, _ = stored_components(matrix, Kind.FEATURES, Config(n_components=4))
    # five groups: what their means span is all there is
    assert found.shape == (n_rows, 4)
    centred = means - means.mean(axis=0)
    np.testing.assert_allclose(found[:5] @ found[:5].T, centred @ centred.T, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found[-5:], found[:5], atol=1e-5)


def test_a_missing_scheduler_is_said(monkeypatch):
    monkeypatch.setattr("napari_trsmi.data.cluster._ANSWER", 0.5)
    said = r"No Dask scheduler answers at tcp://127\.0\.0\.1:9\."
    with pytest.raises(InputError, match=said), connected("tcp://127.0.0.1:9"):
        pass


def test_a_cluster_without_workers_is_said(monkeypatch):
    monkeypatch.setattr("napari_trsmi.data.cluster._ANSWER", 2)
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster,
        pytest.raises(InputError, match="has no workers"),
        connected(cluster.scheduler_address),
    ):
        pass


def test_what_a_worker_cannot_read_is_said(threads):
    def broken(block):
        raise OSError("no such file")

    values = da.from_array(np.ones((8, 3), dtype=np.float32), chunks=(4, -1))
    matrix = StoredMatrix.of(values.map_blocks(broken, dtype="f4", meta=values._meta), "rna")
    with connected(threads), pytest.raises(InputError, match="cannot read table rna: no such file"):
        matrix.depth()


def test_a_client_of_the_users_own_is_taken(threads):
    assert connected_client() is None
    with Client(threads) as client:
        assert connected_client() is client

"""Tables that stay on the disk give the domains of the same tables in memory, and are not held."""

from __future__ import annotations

import warnings

import anndata as ad
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata.experimental import read_lazy

from napari_trsmi.analysis.markers import marker_features
from napari_trsmi.config import Config
from napari_trsmi.data import stored
from napari_trsmi.data.loading import load, original_tables
from napari_trsmi.data.reading import memory
from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.errors import InputError
from napari_trsmi.integration import integrate
from napari_trsmi.output.whole_tables import whole_tables

pytestmark = pytest.mark.filterwarnings("ignore:Writing zarr v2:UserWarning")

CONFIG = Config(n_domains=3, n_components=6, n_top_genes=60, all_scales=False)
N = 150


@pytest.fixture(scope="module")
def tables():
    """Three tables; protein has its spots in another order, and chromatin lacks some."""
    sizes = {"rna": 90, "protein": 16, "chromatin": 80}
    section = simulate(n_spots=N, n_features=sizes, image=False)
    made = {modality.name: modality.table.copy() for modality in section.modalities}
    for table in made.values():
        table.X = sp.csr_matrix(table.X)
        table.obsm["spatial"] = section.coordinates
        table.obs["label"] = pd.Categorical(["a", "b"] * (table.n_obs // 2))
    made["rna"].raw = made["rna"].copy()
    made["protein"].X = made["protein"].X.toarray()
    made["protein"] = made["protein"][np.random.default_rng(0).permutation(section.n_spots)].copy()
    made["chromatin"] = made["chromatin"][5:].copy()
    return made


@pytest.fixture(scope="module")
def result(tables):
    return integrate(tables, config=CONFIG)


@pytest.fixture(scope="module")
def files(tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, table in tables.items():
            table.write_h5ad(folder / f"{name}.h5ad")
            table.write_zarr(folder / f"{name}.zarr")
    return folder


def lazily(form: str, name: str, tables, files):
    if form == "backed":
        return ad.read_h5ad(files / f"{name}.h5ad", backed="r")
    if form == "dask":
        table = tables[name]
        values = da.from_array(table.X, chunks=(40, -1), asarray=False)
        return ad.AnnData(values, obs=table.obs, var=table.var, obsm=dict(table.obsm))
    return read_lazy(files / f"{name}.{form}")


@pytest.mark.parametrize("form", ["backed", "dask", "h5ad", "zarr"])
def test_lazy_tables_give_the_domains_of_those_in_memory(form, tables, files, result, monkeypatch):
    monkeypatch.setattr(stored, "CHUNK_ROWS", 32)
    given = {name: lazily(form, name, tables, files) for name in tables}
    dataset = load(given)
    assert all(modality.stored is not None for modality in dataset.modalities)
    assert all(modality.table.X is None for modality in dataset.modalities)
    found = integrate(dataset, config=CONFIG)
    assert found.domains.equals(result.domains)
    assert found.annotations.equals(result.annotations)
    assert found.record["notes"] == result.record["notes"]
    np.testing.assert_allclose(found.embedding, result.embedding, atol=1e-3)


@pytest.mark.parametrize("ending", ["h5ad", "zarr"])
def test_files_that_do_not_fit_are_read_in_parts_and_that_is_said(
    ending, tables, files, result, monkeypatch
):
    named = {name: files / f"{name}.{ending}" for name in tables}
    assert all(modality.stored is None for modality in load(named).modalities)
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    found = integrate(named, config=CONFIG)
    assert found.domains.equals(result.domains)
    said = [note for note in found.record["notes"] if "stays on the disk" in note]
    assert [note.split()[0] for note in said] == [f"{name}.{ending}" for name in tables]


def test_no_more_than_a_chunk_is_read_at_a_time(tables, monkeypatch):
    monkeypatch.setattr(stored, "CHUNK_ROWS", 32)
    rows: list[int] = []

    def noted(block):
        rows.append(len(block))
        return block

    table = tables["rna"]
    values = da.from_array(table.X.toarray(), chunks=(32, -1)).map_blocks(noted, dtype="f4")
    lazy = ad.AnnData(values, obs=table.obs, var=table.var, obsm=dict(table.obsm))
    rows.clear()
    integrate({"rna": lazy}, config=CONFIG)
    assert max(rows) == 32
    assert len(rows) <= 12 * -(-N // 32)  # passes through the table


@pytest.mark.parametrize("value", [np.nan, -1, np.inf, 1e30])
def test_unusable_values_are_named_as_in_memory(tables, value):
    table = tables["rna"].copy()
    table.raw = None
    table.X = table.X.toarray()
    table.X[77, 5] = value
    with pytest.raises(InputError) as held:
        load({"rna": table})
    table.X = da.from_array(table.X, chunks=(40, -1))
    with pytest.raises(InputError) as lazy:
        load({"rna": table})
    assert str(lazy.value) == str(held.value)


def test_empty_spots_and_features_are_left_out(tables):
    table = tables["rna"].copy()
    table.raw = None
    values = table.X.toarray()
    values[3], values[:, 7] = 0, 0
    held = load({"rna": ad.AnnData(values, table.obs, table.var, obsm=dict(table.obsm))})
    lazy_values = da.from_array(values, chunks=(40, -1))
    lazy = load({"rna": ad.AnnData(lazy_values, table.obs, table.var, obsm=dict(table.obsm))})
    assert lazy.notes == held.notes
    assert lazy.spots.equals(held.spots)
    assert lazy.modalities[0].table.var_names.equals(held.modalities[0].table.var_names)
    whole = lazy.modalities[0].in_memory()
    np.testing.assert_array_equal(whole.table.X, held.modalities[0].table.X)


def test_the_digest_does_not_depend_on_the_order_of_the_spots(tables, files):
    order = np.random.default_rng(1).permutation(N)

    def digests(table):
        values = da.from_array(table.X, chunks=(40, -1), asarray=False)
        lazy = ad.AnnData(values, table.obs, table.var, obsm=dict(table.obsm))
        return load({"rna": lazy}).digests

    table = tables["rna"]
    other = table.copy()
    other.X[0, 0] += 1
    assert digests(table) == digests(table[order].copy())
    assert digests(table) != digests(other)


def test_counts_are_found_in_raw(tables):
    table = tables["rna"].copy()
    scaled = table.X.toarray() * 0.5
    lazy = ad.AnnData(da.from_array(scaled, chunks=(40, -1)), table.obs, table.var)
    lazy.obsm["spatial"] = table.obsm["spatial"]
    counts = da.from_array(table.X, chunks=(40, -1), asarray=False)
    lazy.raw = ad.AnnData(counts, table.obs, table.var)
    dataset = load({"rna": lazy})
    assert any("raw is used" in note for note in dataset.notes)
    values = dataset.modalities[0].in_memory().table.X
    assert (values != table.X[:, : values.shape[1]]).nnz == 0


def test_what_needs_all_values_reads_them(tables, files, result, monkeypatch):
    named = {name: files / f"{name}.h5ad" for name in tables}
    held = load(named)
    with monkeypatch.context() as small:
        small.setattr(memory, "free_memory", lambda: 1000)
        lazy = load(named)
    assert lazy.modalities[0].stored is not None
    first = result.domains.cat.categories[0]
    expected = marker_features(held, result.domains, first)
    found = marker_features(lazy, result.domains, first)
    pd.testing.assert_frame_equal(found, expected)
    np.testing.assert_array_equal(lazy.modalities[1].values_of(3), held.modalities[1].values_of(3))
    np.testing.assert_allclose(lazy.modalities[0].depth(), held.modalities[0].depth())
    assert (original_tables(lazy)["rna"].X != tables["rna"].X).nnz == 0
    assert set(whole_tables(result, lazy)) == set(tables)
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    with pytest.raises(InputError, match="in memory, and"):
        marker_features(lazy, result.domains, first)


def test_sections_are_held(make_sections):
    sections = make_sections()
    expected = integrate(sections, n_domains=3)
    for tables in sections.values():
        for table in tables.values():
            table.X = da.from_array(table.X, chunks=(50, -1), asarray=False)
    found = integrate(sections, n_domains=3)
    assert found.domains.equals(expected.domains)

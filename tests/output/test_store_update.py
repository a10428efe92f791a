"""Domains go into the store that was run, and nothing else in it changes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

import napari_trsmi as trsmi
from napari_trsmi.atomic import clear_leftovers, put_back
from napari_trsmi.errors import InputError, OutputError
from napari_trsmi.output.spatial_data import write_spatialdata
from napari_trsmi.output.store_update import write_into_spatialdata

spatialdata = pytest.importorskip("spatialdata")


@pytest.fixture
def store(tmp_path):
    """A user's store: picture, circles, and a table of counts that annotates them."""
    import geopandas as gpd
    import shapely
    from spatialdata.models import Image2DModel, ShapesModel, TableModel

    section = trsmi.simulate(n_spots=80, modalities=("rna",), n_features={"rna": 100})
    table = section.modalities[0].table.copy()
    table.obs["region"] = pd.Categorical(["cells"] * 80)
    table.obs["instance"] = np.arange(80)
    circles = gpd.GeoDataFrame(
        {"radius": np.ones(80)}, geometry=shapely.points(section.coordinates), index=np.arange(80)
    )
    other = anndata.AnnData(np.ones((3, 2), dtype=np.float32))
    path = tmp_path / "section.zarr"
    spatialdata.SpatialData.init_from_elements(
        {
            "picture": Image2DModel.parse(
                section.image.pixels.transpose(2, 0, 1), dims=("c", "y", "x")
            ),
            "cells": ShapesModel.parse(circles),
            "rna": TableModel.parse(
                table, region="cells", region_key="region", instance_key="instance"
            ),
            "other": TableModel.parse(other),
        }
    ).write(path)
    return path


@pytest.fixture(scope="module")
def quick():
    sizes = {"n_components": 5, "embedding_dim": 5, "feature_neighbors": 5, "align_neighbors": 4}
    return trsmi.Config(n_domains=3, epochs=2, **sizes)


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_store_gets_the_run_and_keeps_all_else(store, quick, tmp_path):
    before = contents(store)
    result = trsmi.integrate(store, config=quick)
    assert write_into_spatialdata(result, store) == store
    assert [path.name for path in tmp_path.iterdir()] == ["section.zarr"]
    read = spatialdata.read_zarr(store)
    table = read.tables["rna"]
    assert list(table.obs["trsmi_domain"]) == list(result.domains)
    assert table.uns["spatialdata_attrs"]["region"] == "cells"
    assert read.tables["other"].shape == (3, 2)
    after = contents(store)
    kept = [name for name in before if not name.startswith("tables/rna") and name != "zarr.json"]
    assert all(after[name] == before[name] for name in kept)
    # again, with other domains, and opened by this package
    again = trsmi.integrate(store, config=quick, seed=3)
    write_into_spatialdata(again, store)
    found = trsmi.read_result(store)
    pd.testing.assert_series_equal(found.domains, again.domains, check_index_type=False)
    assert found.image is not None


@pytest.mark.parametrize("step", ["rename", "link", "write"])
def test_a_store_is_never_lost(store, quick, tmp_path, monkeypatch, step):
    result = trsmi.integrate(store, config=quick)
    before = contents(store)

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    rename = Path.rename
    if step == "rename":
        monkeypatch.setattr(
            Path, "rename", lambda s, t: full() if s.name.endswith(".part") else rename(s, t)
        )
    elif step == "link":
        monkeypatch.setattr(os, "link", full)
        monkeypatch.setattr("shutil.copy2", full)
    else:
        monkeypatch.setattr(spatialdata.SpatialData, "write_element", full)
    with pytest.raises(OutputError):
        write_into_spatialdata(result, store)
    monkeypatch.undo()
    assert contents(store) == before
    assert [path.name for path in tmp_path.iterdir()] == ["section.zarr"]


def test_what_is_no_store_or_another_one_is_said(store, make_result, tmp_path):
    with pytest.raises(OutputError, match="no SpatialData store"):
        write_into_spatialdata(make_result(), tmp_path)
    before = contents(store)
    with pytest.raises(InputError, match="no table with spots of the run"):
        write_into_spatialdata(make_result(), store)
    assert contents(store) == before


def test_a_store_of_ours_with_counts_is_run_again(store, quick, tmp_path):
    dataset = trsmi.load(store)
    result = trsmi.integrate(dataset, config=quick)
    ours = write_spatialdata(result, tmp_path / "ours.zarr", dataset=dataset)
    read = spatialdata.read_zarr(ours)
    assert read.tables["rna"].n_vars == spatialdata.read_zarr(store).tables["rna"].n_vars
    again = trsmi.load(ours)
    assert list(again.spots) == list(dataset.spots)
    np.testing.assert_allclose(again.coordinates, dataset.coordinates)
    pd.testing.assert_series_equal(
        trsmi.read_result(ours).domains, result.domains, check_index_type=False
    )
    # and replaced when asked
    write_spatialdata(result, ours, dataset=dataset, overwrite=True)
    with pytest.raises(OutputError, match="never replaced"):
        write_spatialdata(result, store, overwrite=True)


def test_a_run_by_another_name_is_no_modality():
    features = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    adata = anndata.AnnData(obsm={"X_rna": features, "spatial": np.arange(80).reshape(40, 2)})
    adata.obsm["X_second"] = features
    adata.obs["second_domain"] = "1"
    assert trsmi.load(adata).names == ("rna",)


def test_a_store_whose_replacement_was_killed_half_way_comes_back(store, quick, tmp_path):
    result = trsmi.integrate(store, config=quick)
    before = contents(store)
    old = tmp_path / ".section.zarr.deadbeef.old"
    store.rename(old)  # the successor never came
    os.utime(old, (0, 0))
    clear_leftovers(store)
    assert contents(old) == before
    write_into_spatialdata(result, store)
    assert [path.name for path in tmp_path.iterdir()] == ["section.zarr"]
    assert "trsmi_domain" in spatialdata.read_zarr(store).tables["rna"].obs


def test_a_store_that_has_its_successor_is_cleared(store, tmp_path):
    stale, recent = (tmp_path / f".section.zarr.{name}.old" for name in ("deadbeef", "cafecafe"))
    for folder in (stale, recent):
        folder.mkdir()
    os.utime(stale, (0, 0))
    put_back(store)
    clear_leftovers(store)
    assert sorted(path.name for path in tmp_path.iterdir()) == [recent.name, "section.zarr"]

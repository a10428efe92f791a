"""A result in its tables, as files that scanpy, squidpy and muon take as they are."""

from __future__ import annotations

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest

import napari_trsmi as trsmi
from napari_trsmi import read_result, write_result
from napari_trsmi.errors import InputError, OutputError, TRSMIWarning


@pytest.fixture(scope="module")
def quick():
    sizes = {"n_components": 5, "embedding_dim": 5, "feature_neighbors": 5, "align_neighbors": 4}
    return trsmi.Config(n_domains=3, epochs=2, **sizes)


@pytest.fixture
def tables():
    """RNA and protein with all that a user's tables may have; RNA has the picture."""
    section = trsmi.simulate(
        n_spots=80, modalities=("rna", "protein"), n_features={"rna": 100, "protein": 40}
    )
    found = {}
    for modality in section.modalities:
        table = modality.table.copy()
        table.obs[f"n_{modality.name}"] = np.arange(80)
        table.obs["layer"] = pd.Categorical(np.arange(80) % 2).rename_categories(["a", "b"])
        table.var["symbol"] = table.var_names.str.lower()
        table.layers["counts"] = table.X.copy()
        table.raw = table.copy()
        table.obsm["spatial"] = section.coordinates.copy()
        found[modality.name] = table
    found["rna"].uns["spatial"] = {
        "V1_Section": {
            "images": {"hires": section.image.pixels},
            "scalefactors": {
                "tissue_hires_scalef": section.image.scale,
                "spot_diameter_fullres": 3.0,
            },
        }
    }
    return found


def run(tables, quick):
    dataset = trsmi.load(tables)
    return trsmi.integrate(dataset, config=quick), dataset


def test_one_table_goes_out_as_it_came_with_the_run(tables, quick, tmp_path):
    tables = {"rna": tables["rna"]}
    result, dataset = run(tables, quick)
    path = write_result(result, tmp_path / "domains.h5ad", dataset=dataset)
    read, came = anndata.read_h5ad(path), tables["rna"]
    assert (read.X != came.X).nnz == 0
    assert (read.layers["counts"] != came.layers["counts"]).nnz == 0
    assert read.raw.shape == came.raw.shape
    assert list(read.var["symbol"]) == list(came.var["symbol"])
    assert list(read.obs["n_rna"]) == list(range(80))
    assert list(read.uns["spatial"]) == ["V1_Section"]
    assert list(read.uns["spatial"]["V1_Section"]["images"]) == ["hires"]
    assert read.obs["trsmi_domain"].notna().all()
    again = read_result(path)
    pd.testing.assert_series_equal(again.domains, result.domains)
    pd.testing.assert_frame_equal(
        again.annotations, result.annotations, check_index_type=False, check_dtype=False
    )
    np.testing.assert_array_equal(again.image.pixels, result.image.pixels)
    assert again.record == result.record


@pytest.mark.usefixtures("no_figure_windows")
def test_scanpy_and_squidpy_run_on_the_file_as_it_is(tables, quick, tmp_path):
    sq = pytest.importorskip("squidpy")
    import scanpy as sc

    result, dataset = run({"rna": tables["rna"]}, quick)
    adata = sc.read_h5ad(write_result(result, tmp_path / "domains.h5ad", dataset=dataset))
    sc.tl.rank_genes_groups(adata, "trsmi_domain")
    sc.pl.dotplot(adata, list(adata.var_names[:3]), "trsmi_domain", show=False)
    sq.pl.spatial_scatter(adata, color="trsmi_domain")
    sq.gr.nhood_enrichment(adata, "trsmi_domain", n_perms=20, show_progress_bar=False)
    assert np.isfinite(adata.uns["trsmi_domain_nhood_enrichment"]["zscore"]).all()


def test_a_picture_given_beside_the_table_goes_into_its_library(tables, quick, tmp_path):
    other = np.zeros((120, 130, 3), dtype=np.uint8)
    dataset = trsmi.load({"rna": tables["rna"]}, image=other, image_scale=0.1)
    result = trsmi.integrate(dataset, config=quick)
    path = write_result(result, tmp_path / "domains.h5ad", dataset=dataset)
    assert list(anndata.read_h5ad(path).uns["spatial"]) == ["V1_Section"]
    np.testing.assert_array_equal(read_result(path).image.pixels, other)
    before = tables["rna"].uns["spatial"]["V1_Section"]["images"]["hires"]
    assert before.shape != other.shape  # the user's own table is as it was


def test_several_tables_are_one_h5mu_or_the_first_and_the_rest_said(tables, quick, tmp_path):
    result, dataset = run(tables, quick)
    path = write_result(result, tmp_path / "domains.h5mu", dataset=dataset)
    assert [file.name for file in tmp_path.iterdir()] == ["domains.h5mu"]
    mdata = mudata.read_h5mu(path)
    assert list(mdata.mod) == ["rna", "protein"]
    for table in (mdata, *mdata.mod.values()):
        assert table.obs["trsmi_domain"].notna().all()
        assert table.obsm["X_trsmi"].shape == (80, 10)
    pd.testing.assert_series_equal(read_result(path).domains, result.domains)
    with pytest.warns(TRSMIWarning, match="holds rna, with the domains, and not protein"):
        write_result(result, tmp_path / "domains.h5ad", dataset=dataset)
    assert list(trsmi.load(path).names) == ["rna", "protein"]


def test_files_are_read_again_and_their_loss_is_said(tables, quick, tmp_path):
    source = tmp_path / "rna.h5ad"
    tables["rna"].write_h5ad(source)
    result, dataset = run({"rna": str(source)}, quick)
    whole = anndata.read_h5ad(write_result(result, tmp_path / "out.h5ad", dataset=dataset))
    assert list(whole.var["symbol"]) == list(tables["rna"].var["symbol"])
    tables["rna"][:40].write_h5ad(source)
    with pytest.raises(InputError, match="40 spots of the run are not in table rna"):
        write_result(result, tmp_path / "later.h5ad", dataset=dataset)
    source.unlink()
    with pytest.raises(InputError, match=r"rna\.h5ad"):
        write_result(result, tmp_path / "later.h5ad", dataset=dataset)
    assert not (tmp_path / "later.h5ad").exists()


def test_spots_that_took_no_part_are_left_out(tables, quick, tmp_path):
    dataset = trsmi.load({"rna": tables["rna"], "protein": tables["protein"][10:].copy()})
    result = trsmi.integrate(dataset, config=quick)
    path = write_result(result, tmp_path / "domains.h5mu", dataset=dataset)
    assert mudata.read_h5mu(path)["rna"].n_obs == 70


def test_a_simulated_section_brings_its_own_tables(quick, tmp_path):
    dataset = trsmi.simulate(n_spots=60, modalities=("rna",), n_features={"rna": 60})
    result = trsmi.integrate(dataset, config=quick)
    path = write_result(result, tmp_path / "domains.h5ad", dataset=dataset)
    assert anndata.read_h5ad(path).n_vars == dataset.modalities[0].table.n_vars


def test_h5mu_needs_tables(make_result, tmp_path):
    with pytest.raises(OutputError, match="must end in"):
        write_result(make_result(), tmp_path / "domains.h5mu")


def test_an_h5mu_that_does_not_fit_leaves_the_disk_clean(tables, quick, small_disk):
    dataset = trsmi.load(tables)
    result = trsmi.integrate(dataset, config=quick)
    with pytest.raises(OutputError, match=r"Cannot write .*domains\.h5mu"):
        write_result(result, small_disk / "domains.h5mu", dataset=dataset)
    assert list(small_disk.iterdir()) == []


def test_cellxgene_opens_everything(tables, quick, tmp_path):
    """Its own rules: names that are unique, a layout that it lists, colours that it can read."""
    given = {"rna": tables["rna"]}
    result = trsmi.integrate(given, config=quick)
    path = write_result(result, tmp_path / "all.h5ad", dataset=trsmi.load(given))
    table = anndata.read_h5ad(path)
    assert table.obs_names.is_unique
    assert table.var_names.is_unique
    layouts = {key[2:]: values for key, values in table.obsm.items() if key.startswith("X_")}
    assert layouts
    for layout in layouts.values():
        assert layout.dtype.kind == "f"
        assert layout.shape[1] >= 2
        assert np.isfinite(layout).all()
    colored = [key.removesuffix("_colors") for key in table.uns if key.endswith("_colors")]
    assert "trsmi_domain" in colored
    for column in colored:
        colors = table.uns[f"{column}_colors"]
        assert len(colors) >= len(table.obs[column].cat.categories)
        assert all(pd.Series(colors).str.fullmatch("#[0-9a-f]{6}"))

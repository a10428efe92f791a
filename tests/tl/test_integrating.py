"""A run in place, and what scanpy and squidpy make of it."""

from __future__ import annotations

import json

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest

import napari_trsmi as trsmi
from napari_trsmi.errors import InputError, TRSMIWarning


def test_a_table_gets_the_run_where_scverse_looks(tables, quick):
    adata = tables["rna"]
    before = adata.copy()
    assert trsmi.tl.integrate({"rna": adata}, config=quick) is None
    assert list(adata.obs["trsmi_domain"].cat.categories) == ["1", "2", "3"]
    assert len(adata.uns["trsmi_domain_colors"]) == 3
    assert adata.obs["trsmi_confidence"].between(0, 1).all()
    assert adata.obsm["X_trsmi"].shape == (80, 5)
    assert json.loads(adata.uns["trsmi"]["record"])["parameters"]["n_domains"] == 3
    for name in ("spatial", "trsmi"):
        graph = adata.uns[f"{name}_neighbors"]
        connected = adata.obsp[graph["connectivities_key"]]
        distances = adata.obsp[graph["distances_key"]]
        assert (connected != connected.T).nnz == 0
        assert (connected.astype(bool) != distances.astype(bool)).nnz == 0
    # and nothing else has changed
    np.testing.assert_array_equal(adata.obsm["spatial"], before.obsm["spatial"])
    assert (adata.X != before.X).nnz == 0
    assert list(adata.uns["spatial"]) == ["V1_Section"]


def test_it_is_the_run_that_integrate_returns(tables, quick):
    result = trsmi.integrate(tables, config=quick)
    written = trsmi.tl.integrate(tables, config=quick, copy=True, key_added="second")
    assert "second_domain" not in tables["rna"].obs
    again = trsmi.TRSMIResult.from_anndata(written["rna"], key="second")
    pd.testing.assert_series_equal(again.domains, result.domains)
    np.testing.assert_array_equal(again.embedding, result.embedding)
    np.testing.assert_array_equal(again.image.pixels, result.image.pixels)
    assert again.spot_diameter == 3.0
    assert list(again.modality_weights) == ["rna", "protein"]


def test_distances_are_those_of_the_embedding(tables, quick):
    adata = tables["rna"]
    trsmi.tl.integrate({"rna": adata}, config=quick)
    z = adata.obsm["X_trsmi"].astype(float)
    z = z - z.mean(axis=0)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    edges = adata.obsp["trsmi_distances"].tocoo()
    cosine = 1 - np.sum(z[edges.row] * z[edges.col], axis=1)
    np.testing.assert_allclose(edges.data, cosine, atol=1e-5)


def test_all_modalities_of_a_mudata_get_it(tables, quick):
    mdata = mudata.MuData(tables)
    trsmi.tl.integrate(mdata, config=quick)
    for table in (mdata, mdata["rna"], mdata["protein"]):
        assert table.obs["trsmi_domain"].notna().all()
        assert "X_trsmi" in table.obsm
        assert "trsmi_connectivities" in table.obsp


def test_spots_that_took_no_part_have_no_domain(tables, quick):
    few = {"rna": tables["rna"], "protein": tables["protein"][10:].copy()}
    with pytest.warns(TRSMIWarning, match="10 spots of table 'rna' took no part"):
        trsmi.tl.integrate(few, config=quick)
    rna = tables["rna"]
    assert rna.obs["trsmi_domain"].isna().sum() == 10
    assert np.isnan(rna.obsm["X_trsmi"][:10]).all()
    assert rna.obsp["spatial_connectivities"][:10].nnz == 0
    run = trsmi.TRSMIResult.from_anndata(rna)
    assert list(run.domains.index) == list(few["protein"].obs_names)
    assert few["protein"].obs["trsmi_domain"].notna().all()


def test_a_spatial_graph_of_the_users_stays(tables, quick):
    sq = pytest.importorskip("squidpy")
    adata = tables["rna"]
    sq.gr.spatial_neighbors(adata, coord_type="generic", n_neighs=3)
    own = adata.obsp["spatial_connectivities"].copy()
    for _ in range(2):  # a second run replaces the first, and adds nothing
        trsmi.tl.integrate({"rna": adata}, config=quick)
    assert (adata.obsp["spatial_connectivities"] != own).nnz == 0
    assert adata.uns["trsmi_spatial_neighbors"]["params"]["n_neighbors"] == quick.spatial_neighbors
    assert sum("connectivities" in name for name in adata.obsp) == 3
    sq.gr.nhood_enrichment(
        adata, "trsmi_domain", connectivity_key="trsmi_spatial", show_progress_bar=False
    )


def test_a_spatialdata_gets_it_in_its_table(tables, quick):
    pytest.importorskip("spatialdata")
    from spatialdata import SpatialData

    sdata = SpatialData(tables={"rna": tables["rna"]})
    written = trsmi.tl.integrate(sdata, config=quick, copy=True)
    assert "trsmi_domain" in written.tables["rna"].obs
    assert "trsmi_domain" not in sdata.tables["rna"].obs


def test_a_run_again_leaves_no_column_of_the_first(tables, quick):
    trsmi.tl.integrate(tables, config=quick)
    trsmi.tl.integrate({"rna": tables["rna"]}, config=quick)
    assert "trsmi_weight_protein" not in tables["rna"].obs
    assert list(trsmi.TRSMIResult.from_anndata(tables["rna"]).annotations) == ["domain", "layer"]


@pytest.mark.parametrize(
    "data", ["rna.h5ad", 3, None, pd.DataFrame()], ids=lambda data: type(data).__name__
)
def test_only_tables_in_memory_are_written_into(data, quick):
    with pytest.raises(InputError, match="cannot be written into"):
        trsmi.tl.integrate(data, config=quick)


def test_a_name_that_tables_cannot_hold_is_refused_before_the_run(tables):
    for key in ("", "a/b", "spatial"):
        with pytest.raises(InputError, match="no name for a run"):
            trsmi.tl.integrate(tables, key_added=key)


def test_a_table_of_other_spots_is_refused_and_unchanged(make_result):
    other = anndata.AnnData(np.ones((3, 2)))
    with pytest.raises(InputError, match="shares no spot"):
        make_result().write_to(other)
    assert list(other.obs) == []
    twice = anndata.AnnData(obs=pd.DataFrame(index=["spot_1", "spot_1"]))
    with pytest.raises(InputError, match="twice"):
        make_result().write_to(twice)


def test_endings_that_were_taken_off_for_the_match_are_put_up_with(make_result):
    result = make_result()
    adata = anndata.AnnData(obs=pd.DataFrame(index=result.domains.index + "-1"))
    result.write_to(adata)
    assert list(adata.obs["trsmi_domain"]) == list(result.domains)


@pytest.mark.usefixtures("no_figure_windows")
def test_scanpy_and_squidpy_run_on_it(tables, quick):
    sq = pytest.importorskip("squidpy")
    import scanpy as sc

    adata = tables["rna"]
    trsmi.tl.integrate(tables, config=quick)
    sc.tl.umap(adata, neighbors_key="trsmi_neighbors", maxiter=5)
    assert adata.obsm["X_umap"].shape == (80, 2)
    sc.tl.rank_genes_groups(adata, "trsmi_domain")
    sc.pl.dotplot(adata, list(adata.var_names[:3]), "trsmi_domain", show=False)
    sq.gr.nhood_enrichment(adata, "trsmi_domain", seed=0, n_perms=20, show_progress_bar=False)
    assert adata.uns["trsmi_domain_nhood_enrichment"]["zscore"].shape == (3, 3)
    sq.pl.spatial_scatter(adata, color="trsmi_domain")

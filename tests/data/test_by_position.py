import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData

from napari_trsmi import integrate, load
from napari_trsmi.errors import InputError
from napari_trsmi.output.script import as_python


def grid(side, pitch, name, n_features=3, start=0.0):
    """Counts that say where they were counted."""
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(side), np.arange(side)))
    rng = np.random.default_rng(side)
    return AnnData(
        sp.csr_matrix(rng.poisson(5, (side**2, n_features)).astype(np.float32)),
        obs=pd.DataFrame(index=[f"{name}{spot}" for spot in range(side**2)]),
        var=pd.DataFrame(index=[f"{name}_{j}" for j in range(n_features)]),
        obsm={"spatial": np.column_stack([x, y]) * pitch + start + pitch / 2},
    )


@pytest.fixture
def bins():
    return grid(24, 8.0, "gene", n_features=30)


@pytest.fixture
def spots():
    return grid(6, 32.0, "protein")


def test_bins_are_added_up_in_wider_spots(bins, spots):
    data = load({"rna": bins, "protein": spots}, at_spots_of="protein")

    assert list(data.spots) == list(spots.obs_names)
    rna = data.modalities[0].table
    place = bins.obsm["spatial"] // 32
    inside = (place == [2, 3]).all(axis=1)  # 16 bins lie in this spot
    assert inside.sum() == 16
    np.testing.assert_allclose(
        rna["protein20"].X.toarray().ravel(), bins.X.toarray()[inside].sum(axis=0)
    )
    assert rna.X.sum() == bins.X.sum()
    assert any("576 of 576 spots" in note and "put together" in note for note in data.notes)


def test_fine_spots_take_the_nearest_wider_one(bins, spots):
    data = load({"rna": bins, "protein": spots}, at_spots_of="rna")

    assert list(data.spots) == list(bins.obs_names)
    protein = data.modalities[1].table
    x, y = (bins.obsm["spatial"][77] // 32).astype(int)
    np.testing.assert_allclose(protein["gene77"].X.toarray().ravel(), spots.X.toarray()[6 * y + x])
    assert any("nearest spot" in note for note in data.notes)


def test_values_that_are_no_counts_are_averaged(bins, spots):
    bins.X = bins.X.toarray() / 10
    bins.var["feature_types"] = "Gene Expression"

    data = load({"features": bins, "protein": spots}, at_spots_of="protein")

    assert data.modalities[0].table.X.mean() == pytest.approx(bins.X.mean(), rel=1e-3)


def test_spots_beside_the_other_table_are_left_out(bins, spots):
    half = bins[bins.obsm["spatial"][:, 0] < 120].copy()

    data = load({"rna": half, "protein": spots}, at_spots_of="protein")

    assert data.n_spots == 24  # four of six columns
    assert data.coordinates[:, 0].max() < 130


def test_a_table_that_lies_elsewhere_is_refused(spots):
    far = grid(24, 8.0, "gene", start=10_000.0)

    with pytest.raises(InputError, match="one coordinate system"):
        load({"rna": far, "protein": spots}, at_spots_of="protein")


def test_a_table_that_is_not_there_is_refused(bins, spots):
    with pytest.raises(InputError, match="'rna' and 'protein'"):
        load({"rna": bins, "protein": spots}, at_spots_of="atac")


def test_positions_for_all_are_refused(bins, spots):
    with pytest.raises(InputError, match="own spots"):
        load({"rna": bins, "protein": spots}, at_spots_of="rna", positions=bins.obsm["spatial"])


def test_a_run_takes_it_and_can_be_repeated(bins, spots, tmp_path):
    few = {"n_domains": 2, "all_scales": False, "n_components": 3}
    bins.write_h5ad(tmp_path / "rna.h5ad")
    spots.write_h5ad(tmp_path / "protein.h5ad")
    paths = {name: str(tmp_path / f"{name}.h5ad") for name in ("rna", "protein")}

    result = integrate(paths, at_spots_of="protein", **few)

    assert len(result.domains) == 36
    assert "at_spots_of='protein'" in as_python(result).replace('"', "'")


def test_sections_together_are_refused(bins, spots):
    with pytest.raises(InputError, match="one section"):
        integrate({"a": {"rna": bins}, "b": {"rna": bins}}, at_spots_of="rna")

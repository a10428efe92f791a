"""Every data set beside the checkout loads as it is."""

import numpy as np
import pytest
import scipy.sparse as sp
from anndata import read_h5ad

from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.loading import load


def shapes(omics):
    return {m.name: (m.kind.value, *m.table.shape) for m in omics.modalities}


def test_sim_triplet_from_three_files(shared_data):
    names = ("rna", "adt", "atac")
    omics = load([str(shared_data / "sim_triplet" / f"{name}.h5ad") for name in names])
    assert shapes(omics) == {
        "rna": ("rna", 1296, 1000),
        "protein": ("protein", 1296, 100),
        "chromatin": ("chromatin", 1296, 1000),
    }
    assert omics.annotations["domain"].nunique() == 5
    assert all(isinstance(m.table.X, sp.csr_matrix) for m in omics.modalities)


def test_sim_complementary_by_name(shared_data):
    folder = shared_data / "sim_complementary"
    omics = load({"rna": folder / "rna.h5ad", "adt": folder / "adt.h5ad"})
    assert shapes(omics) == {"rna": ("rna", 1296, 200), "adt": ("protein", 1296, 100)}


def test_mouse_brain_as_object_and_as_path(shared_data):
    path = shared_data / "mouse_brain_p22" / "rna_atac_features.h5ad"
    table = read_h5ad(path)
    from_object, from_path = load(table), load(path)
    expected = {"atac": ("features", 9215, 50), "rna": ("features", 9215, 50)}
    assert shapes(from_object) == shapes(from_path) == expected
    assert from_object.digests == from_path.digests
    rna = from_path.modalities[1].table.X
    np.testing.assert_array_equal(rna, table.obsm["X_rna"].astype(np.float32))


def test_lymph_node_drops_its_empty_spot(shared_data):
    omics = load(shared_data / "human_lymph_node_a1" / "adt.h5ad")
    assert shapes(omics) == {"protein": ("protein", 3483, 31)}
    assert any("1 spot without any count" in note for note in omics.notes)


def test_dlpfc_with_its_image_in_register(shared_data):
    omics = load(shared_data / "dlpfc_151673" / "rna_features_visium.h5ad")
    assert shapes(omics) == {"rna_pca": ("features", 3611, 200)}
    assert omics.image.pixels.shape == (600, 600, 3)
    assert (omics.coordinates * omics.image.scale < 600).all()
    assert omics.spot_diameter == pytest.approx(96.4, abs=0.1)


def test_her2_with_an_image_beside_it(shared_data):
    folder = shared_data / "her2_a1"
    omics = load(folder / "rna.h5ad", image=folder / "tissue.png")
    assert shapes(omics) == {"rna": ("rna", 346, 15045 - 513)}
    assert omics.image.pixels.shape == (2138, 2000, 3)
    assert not any("outside" in note for note in omics.notes)


def test_skin_from_text_with_positions(shared_data):
    folder = shared_data / "skin_spatialcite"
    omics = load(
        [folder / "HVP_top10.csv", folder / "HVG_top10.csv"],
        positions=folder / "position_with_center.csv",
    )
    assert {name: shape[0] for name, shape in shapes(omics).items()} == {
        "protein": "protein",
        "rna": "rna",
    }
    assert omics.coordinates[omics.spots == "20x14"].tolist() == [[723, 1052]]


def test_a_space_ranger_folder(shared_data):
    omics = load(shared_data / "visium_mini")
    (rna,) = omics.modalities
    assert (rna.name, rna.kind, rna.table.n_obs) == ("rna", Kind.RNA, 100)
    assert omics.image.scale == 0.150015
    assert omics.spot_diameter == pytest.approx(89.43, abs=0.01)
    assert list(omics.annotations) == ["in_tissue", "array_row", "array_col"]

"""A section as scverse people hold it: counts, labels and coordinates in AnnData and MuData."""

from __future__ import annotations

import numpy as np
import pytest

from napari_trsmi import Config, simulate

QUICK = Config(
    n_domains=3, epochs=2, n_components=5, embedding_dim=5, feature_neighbors=5, align_neighbors=4
)


@pytest.fixture(scope="session")
def quick() -> Config:
    """Sizes small enough for the section."""
    return QUICK


@pytest.fixture
def tables():
    """RNA and protein of 80 spots, with what a user's tables have beside counts."""
    section = simulate(
        n_spots=80, modalities=("rna", "protein"), n_features={"rna": 100, "protein": 40}
    )
    found = {}
    for modality in section.modalities:
        table = modality.table.copy()
        table.obs["layer"] = np.asarray(section.annotations.iloc[:, 0].astype(str))
        table.var["symbol"] = table.var_names.str.lower()
        table.layers["counts"] = table.X.copy()
        table.raw = table
        table.obsm["spatial"] = section.coordinates.copy()
        found[modality.name] = table
    image, scale = section.image.pixels, section.image.scale
    found["rna"].uns["spatial"] = {
        "V1_Section": {
            "images": {"hires": image},
            "scalefactors": {"tissue_hires_scalef": scale, "spot_diameter_fullres": 3.0},
            "metadata": {"chemistry": "none"},
        }
    }
    return found

"""Files as the pipelines write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
import scipy.sparse as sp
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anndata import AnnData


@pytest.fixture(scope="session")
def write_10x() -> Callable[[Path, AnnData], Path]:
    """Write a table as a 10x ``.h5``; ``var["feature_types"]`` or Gene Expression."""

    def write(path: Path, table: AnnData) -> Path:
        matrix = sp.csr_matrix(table.X)
        types = table.var.get("feature_types", ["Gene Expression"] * table.n_vars)
        with h5py.File(path, "w") as file:
            group = file.create_group("matrix")
            group["barcodes"] = np.array(list(table.obs_names), dtype="S")
            group["data"] = matrix.data.astype(np.int32)
            group["indices"], group["indptr"] = matrix.indices, matrix.indptr
            group["shape"] = np.array(matrix.shape[::-1], dtype=np.int32)
            features = group.create_group("features")
            for name, values in (
                ("id", table.var_names),
                ("name", table.var_names),
                ("feature_type", types),
                ("genome", ["GRCh38"] * table.n_vars),
            ):
                features[name] = np.array(list(values), dtype="S")
        return path

    return write


@pytest.fixture
def space_ranger(tmp_path: Path, make_table, write_10x) -> Path:
    """Write an output folder of six spots; spot i has pixel column 100 i and row 100 i + 7."""
    folder = tmp_path / "section"
    spatial = folder / "spatial"
    spatial.mkdir(parents=True)
    table = make_table(6)
    write_10x(folder / "filtered_feature_bc_matrix.h5", table)
    rows = ["barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres"]
    rows += [f"spot{i},1,{i},{2 * i},{100 * i + 7},{100 * i}" for i in reversed(range(8))]
    (spatial / "tissue_positions.csv").write_text("\n".join(rows) + "\n")
    factors = {
        "tissue_hires_scalef": 0.2,
        "tissue_lowres_scalef": 0.05,
        "spot_diameter_fullres": 55.5,
        "regist_target_img_scalef": None,
    }
    (spatial / "scalefactors_json.json").write_text(json.dumps(factors))
    for resolution, size in (("hires", 200), ("lowres", 50)):
        pixels = np.full((size, size, 3), 128, dtype=np.uint8)
        Image.fromarray(pixels).save(spatial / f"tissue_{resolution}_image.png")
    return folder

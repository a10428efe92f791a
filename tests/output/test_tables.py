"""Tables are written whole, and not changed by it."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd

from napari_trsmi.output.tables import write_table


def test_table_is_not_changed_by_writing(tmp_path):
    obs = pd.DataFrame({"when": pd.to_datetime(["2026-01-01"] * 2)}, index=["a", "b"])
    table = anndata.AnnData(np.eye(2), obs=obs)
    write_table(table, tmp_path / "table.h5ad")
    assert table.obs["when"].dtype.kind == "M"
    np.testing.assert_array_equal(anndata.read_h5ad(tmp_path / "table.h5ad").X, np.eye(2))

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_trsmi import load
from napari_trsmi.data.load_arguments import load_arguments


@pytest.mark.parametrize(
    ("tables", "written"),
    [
        ("rna.h5ad", "rna.h5ad"),
        (Path("folder/rna.h5ad"), str(Path("folder/rna.h5ad"))),
        (["rna=a.h5ad", Path("b.h5ad")], ["rna=a.h5ad", "b.h5ad"]),
        ({"rna": Path("a.h5ad")}, {"rna": "a.h5ad"}),
        (pd.DataFrame(), None),
        (["a.h5ad", pd.DataFrame()], None),
        ({"rna": pd.DataFrame()}, None),
    ],
)
def test_paths_are_kept_as_given_and_memory_is_not(tables, written):
    assert load_arguments(tables=tables, features=None, image=None) == {"tables": written}


def test_what_was_given_beside_the_tables_is_kept():
    found = load_arguments(
        tables="a.h5ad",
        features=["rna"],
        positions=Path("xy.csv"),
        image=np.zeros((2, 2, 3)),
        image_scale=0.5,
        section="s1",
        keep=None,
    )
    assert found == {
        "tables": "a.h5ad",
        "features": ["rna"],
        "positions": "xy.csv",
        "image": None,
        "image_scale": 0.5,
        "section": "s1",
    }
    assert json.loads(json.dumps(found)) == found


def test_a_data_set_says_where_it_is_from(tmp_path):
    path = tmp_path / "protein.csv"
    pd.DataFrame(
        np.arange(1, 241).reshape(60, 4),
        index=[f"spot_{spot}" for spot in range(60)],
        columns=list("abcd"),
    ).to_csv(path)
    xy = {f"spot_{spot}": (spot % 8, spot // 8) for spot in range(60)}
    data = load({"protein": path}, positions=xy)
    assert data.load_arguments == {"tables": {"protein": str(path)}, "positions": None}

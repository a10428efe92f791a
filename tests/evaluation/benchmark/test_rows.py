from __future__ import annotations

from io import StringIO

import pandas as pd

from napari_trsmi.evaluation.benchmark.rows import runs_table


def test_one_row_for_each_clustering_and_column_of_labels(make_run):
    scores = {"label": {"ARI": 90.0}, "atac": {"ARI": 70.0}}
    table = runs_table(
        [
            make_run("trsmi", 61.0, seed=1, own=60.0),
            make_run("trsmi", None, seed=0, scores=scores),
            make_run("slow", None, status="over_time", message="over 20 min, at 1"),
        ]
    )
    assert list(table.method) == ["slow", "trsmi", "trsmi", "trsmi", "trsmi"]
    assert list(table.seed) == [0, 0, 0, 1, 1]
    assert list(table.domains[1:]) == ["common", "common", "common", "own"]
    assert list(table.labels[1:]) == ["label", "atac", "label", "label"]
    assert list(table.ARI[1:]) == [90.0, 70.0, 61.0, 60.0]
    assert table[["domains", "labels", "ARI"]].iloc[0].isna().all()
    assert (table.memory == 3e8).all()
    text = table.to_csv(index=False)
    assert pd.read_csv(StringIO(text)).to_csv(index=False) == text

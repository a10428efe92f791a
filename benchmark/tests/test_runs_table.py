from __future__ import annotations

from io import StringIO

import pandas as pd

from trsmi_benchmark.report.runs_table import runs_table


def test_one_row_for_each_clustering_and_column_of_labels(make_row):
    scores = {"own": {"domain": {"ARI": 90.0}, "atac": {"ARI": 70.0}}}
    table = runs_table(
        [
            make_row("trsmi", 61.0, seed=1, common=60.0),
            make_row("trsmi", None, seed=0, scores=scores),
            make_row("slow", None, status="over_time", message="over 20 min, at 1"),
        ]
    )
    assert list(table.method) == ["slow", "trsmi", "trsmi", "trsmi", "trsmi"]
    assert list(table.seed) == [0, 0, 0, 1, 1]
    assert list(table.domains[1:]) == ["own", "own", "own", "common"]
    assert list(table.labels[1:]) == ["domain", "atac", "domain", "domain"]
    assert list(table.ARI[1:]) == [90.0, 70.0, 61.0, 60.0]
    assert table[["domains", "labels", "ARI"]].iloc[0].isna().all()
    assert (table.memory == 3e8).all()
    text = table.to_csv(index=False)
    assert pd.read_csv(StringIO(text)).to_csv(index=False) == text

from __future__ import annotations

import pytest

from napari_trsmi.cli.tables import print_overall
from napari_trsmi.evaluation.benchmark.store import Run


def made(method: str, data: str, overall: float) -> Run:
    return Run(
        *(data, method, 0, "0", "0", "2026-01-02T03:04:05.000+00:00", "done"),
        description={"label": method.upper(), "group": "rival"},
        scores={"label": {"Overall-Avg": overall}},
        measured={"p_value": 0.005},
    )


@pytest.mark.parametrize("width", ["60", "200"])
def test_nothing_of_the_overall_table_is_cut_off(monkeypatch, capsys, width):
    monkeypatch.setenv("COLUMNS", width)
    data = [f"simulated_setting_{place}" for place in "abcdefghijkl"]
    runs = [made(name, d, 50.0 + place) for place, d in enumerate(data) for name in ("one", "two")]
    print_overall([*runs, made("three", data[0], 99.0)], {"one", "two"})
    shown = capsys.readouterr().out
    assert [shown.count(name) for name in data] == [1] * 12
    assert shown.count("61.00") == shown.count("55.00") == 2
    assert "99.00" not in shown
    assert "…" not in shown

"""Adapters, each in its environment: run where TRSMI_BENCHMARK_ENVS has it, skipped elsewhere."""

from __future__ import annotations

import pytest

from trsmi_benchmark.catalogue import METHODS
from trsmi_benchmark.data.cases import Case
from trsmi_benchmark.environments import interpreter, why_missing
from trsmi_benchmark.process import Limits
from trsmi_benchmark.rows import RowsFile
from trsmi_benchmark.runs import Protocol, iter_runs

SLOW = {"totalvi", "multivi", "spamv", "deepst", "stagate"}
RIVALS = [name for name, m in METHODS.items() if m.environment and name not in SLOW]


@pytest.mark.parametrize("name", RIVALS)
def test_an_installed_rival_runs(name, tmp_path, monkeypatch):
    method = METHODS[name]
    if interpreter(method.environment) is None:
        pytest.skip(f"{name}: {why_missing(method.environment)}")
    case = Case("small", "Small", "simulations", "Small", setting="published", n_spots=200)
    loaded = case.load()
    count = 2 if name == "spatialglue" else 3
    data = loaded.data
    kept = type(data)(data.modalities[:count], data.coordinates, data.spots, data.annotations)
    monkeypatch.setattr(Case, "load", lambda self: type(loaded)(self, kept))
    protocol = Protocol(seeds=1, limits=Limits(100, 6 * 2**30))
    (progress,) = iter_runs(RowsFile(tmp_path / "r.jsonl"), [case], [method], protocol)
    assert (progress.row.status, progress.row.message) == ("done", "")
    assert progress.row.measured["p_value"] < 0.05

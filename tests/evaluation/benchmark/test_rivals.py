"""Adapters, each in its environment: run where NAPARI_TRSMI_ENVS has it, skipped elsewhere."""

from __future__ import annotations

import pytest

from napari_trsmi.evaluation.benchmark.cases import Case
from napari_trsmi.evaluation.benchmark.catalogue import METHODS
from napari_trsmi.evaluation.benchmark.environments import interpreter, why_missing
from napari_trsmi.evaluation.benchmark.process import Limits
from napari_trsmi.evaluation.benchmark.protocol import Protocol, iter_runs
from napari_trsmi.evaluation.benchmark.store import Store

SLOW = {"totalvi", "multivi", "spamv", "deepst", "stagate"}
RIVALS = [name for name, m in METHODS.items() if m.environment and name not in SLOW]


@pytest.mark.parametrize("name", RIVALS)
def test_an_installed_rival_runs(name, tmp_path, monkeypatch):
    method = METHODS[name]
    if interpreter(method.environment) is None:
        pytest.skip(f"{name}: {why_missing(method.environment)}")
    case = Case("small", "Small", setting="published", n_spots=200)
    loaded = case.load()
    count = 2 if name == "spatialglue" else 3
    data = loaded.data
    kept = type(data)(data.modalities[:count], data.coordinates, data.spots, data.annotations)
    monkeypatch.setattr(Case, "load", lambda self: type(loaded)(self, kept))
    protocol = Protocol(seeds=1, limits=Limits(100, 6 * 2**30))
    with Store(tmp_path / "r.sqlite") as store:
        (progress,) = iter_runs(store, [case], [method], protocol)
    assert (progress.run.status, progress.run.message) == ("done", "")
    assert progress.run.measured["p_value"] < 0.05

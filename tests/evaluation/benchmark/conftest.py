"""Small inputs, methods that misbehave on purpose, and runs made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_trsmi.config import Config
from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.evaluation.benchmark.cases import Case
from napari_trsmi.evaluation.benchmark.exchange import Inputs, make_inputs
from napari_trsmi.evaluation.benchmark.method import Method
from napari_trsmi.evaluation.benchmark.store import DataSet, Run

if TYPE_CHECKING:
    from collections.abc import Callable

_METHODS = '''
"""Methods for the tests of the benchmark."""
import os, subprocess, sys, time
import numpy as np
from napari_trsmi.evaluation.benchmark.exchange import Output


def good(inputs, shift=0.0):
    rng = np.random.default_rng(inputs.seed)
    noise = rng.normal(scale=0.01, size=inputs.features[0].shape)
    return Output(np.hstack(inputs.features) + shift + 0 * noise.sum(), notes=("It went well.",))


def both(inputs):
    return Output(inputs.features[0], np.arange(inputs.n_spots) % inputs.n_domains)


def own(inputs):
    return Output(domains=np.arange(inputs.n_spots) % inputs.n_domains)


def crash(inputs):
    raise ValueError("the matrix is singular")


def leave(inputs):
    print("goodbye", flush=True)
    os._exit(3)


def stop(inputs):
    os.kill(os.getpid(), 15)


def die(inputs):
    os.kill(os.getpid(), 9)


def sleep(inputs):
    print("10 %\\r20 %", flush=True)
    time.sleep(600)


def sleep_in_a_child(inputs):
    subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"])


def hoard(inputs):
    held = []
    while True:
        held.append(np.ones(2_000_000))
        time.sleep(0.01)


def wrong_shape(inputs):
    return Output(np.zeros((3, 2)))


def nan(inputs):
    return Output(np.full((inputs.n_spots, 2), np.nan))


def huge(inputs):
    return Output(np.full((inputs.n_spots, 2), 1e200))


def what_it_sees(inputs):
    seen = sorted(vars(inputs)) + sorted(vars(inputs.blocks[0]))
    return Output(inputs.features[0], notes=tuple(seen))
'''


@pytest.fixture
def tiny_inputs() -> Inputs:
    """RNA and protein of 80 spots."""
    data = simulate("published", n_spots=80, modalities=("rna", "protein"), image=False)
    inputs = make_inputs(data, Config())
    return Inputs(inputs.blocks, inputs.coordinates, n_domains=5, seed=0)


@pytest.fixture
def tiny_case() -> Case:
    """A simulated section of 80 spots."""
    return Case("tiny", "Tiny", setting="published", n_spots=80)


@pytest.fixture
def make_method(tmp_path_factory, monkeypatch) -> Callable[..., Method]:
    """Make a method of a function in a module that its process can import."""
    folder = tmp_path_factory.mktemp("methods")
    (folder / "methods_for_tests.py").write_text(_METHODS)
    monkeypatch.setenv("PYTHONPATH", str(folder))

    def make(name: str, **fields: Any) -> Method:
        fields = {"label": name.capitalize(), "group": "rival", **fields}
        return Method(name, run=f"methods_for_tests:{name}", **fields)

    return make


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Run]:
    """Make a run without running anything."""

    def make(
        method: str,
        overall: float | None,
        *,
        data: str = "one",
        seed: int = 0,
        group: str = "rival",
        status: str = "done",
        message: str = "",
        own: float | None = None,
        **fields: Any,
    ) -> Run:
        def metrics(value: float) -> dict[str, float]:
            names = ("MI", "NMI", "AMI", "FMI", "ARI", "V-measure", "F1", "Jaccard")
            names += ("Completeness", "Info-Avg", "Clust-Avg", "Class-Avg", "Overall-Avg")
            return dict.fromkeys(names, value)

        domains = np.arange(12) % 3 + 1
        measured = {"time_limit": 60.0, "memory_limit": 2.0**30, "p_value": 0.005}
        if group != "degenerate":
            measured |= {"seconds": 2.0, "cpu_seconds": 4.0, "cluster_seconds": 1.0}
            measured |= {"cluster_cpu_seconds": 1.0, "memory": 3e8}
            measured |= {"process_seconds": 5.0, "process_cpu_seconds": 6.0}
        values: dict[str, Any] = {
            "settings": "0",
            "scoring": "0",
            "started": f"2026-01-02T03:04:{seed:02d}.000+00:00",
            "description": {
                "label": method.capitalize(),
                "group": group,
                "parameters": {},
                "about": f"About {method}.",
                "factor": "",
                "value": None,
            },
            "scores": {} if overall is None else {"label": metrics(overall)},
            "own_scores": {} if own is None else {"label": metrics(own)},
            "measured": measured,
            "provenance": {
                "machine": {
                    "processor": "A processor",
                    "cores": 2,
                    "memory_gb": 8.0,
                    "platform": "A system",
                    "python": "3.11",
                },
                "versions": {"numpy": "2.0"},
                "threads": 1,
            },
            "domains": None if overall is None else domains,
            "own_domains": None if own is None else domains,
        }
        values |= fields
        return Run(data=data, method=method, seed=seed, status=status, message=message, **values)

    return make


@pytest.fixture
def make_data_set() -> Callable[..., DataSet]:
    """Make the record of a data set of 12 spots."""

    def make(name: str = "one", **about: Any) -> DataSet:
        labels = np.arange(12) // 4
        labels[0] = -1
        facts = {
            "title": f"Data set {name}",
            "note": "A note.",
            "n_spots": 12,
            "n_domains": 3,
            "modalities": ["rna", "protein"],
            "labels": "label",
            "more_labels": [],
            "categories": ["a", "b", "c"],
            "between_labels": {},
        }
        grid = np.column_stack([np.arange(12) % 4, np.arange(12) // 4]).astype(float)
        return DataSet(name, "d", facts | about, grid, labels)

    return make

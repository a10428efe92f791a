"""Small inputs, methods that misbehave on purpose, and runs made by hand."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_trsmi import simulate
from trsmi_benchmark.data.cases import Case, make_inputs
from trsmi_benchmark.exchange import Inputs
from trsmi_benchmark.method import Method
from trsmi_benchmark.rows import Row, packed

if TYPE_CHECKING:
    from collections.abc import Callable


def pytest_configure(config: pytest.Config) -> None:
    """Keep rivals that the user has installed out, unless they are asked for."""
    if "TRSMI_BENCHMARK_ENVS" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="trsmi-benchmark-environments-")
        config.add_cleanup(folder.cleanup)
        os.environ["TRSMI_BENCHMARK_ENVS"] = folder.name


_METHODS = '''
"""Methods for the tests of the benchmark."""
import os, subprocess, sys, time
import numpy as np
from trsmi_benchmark.exchange import Output


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
    inputs = make_inputs(data)
    return Inputs(inputs.blocks, inputs.coordinates, n_domains=5, seed=0)


@pytest.fixture
def tiny_case() -> Case:
    """A simulated section of 80 spots."""
    return Case("tiny", "Tiny", "simulations", "Tiny", setting="published", n_spots=80)


@pytest.fixture
def make_method(tmp_path_factory, monkeypatch) -> Callable[..., Method]:
    """Make a method of a function in a module that its process can import."""
    folder = tmp_path_factory.mktemp("methods")
    (folder / "methods_for_tests.py").write_text(_METHODS)
    there = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(folder), there))))

    def make(name: str, **fields: Any) -> Method:
        fields = {"label": name.capitalize(), "group": "rival", **fields}
        return Method(name, run=f"methods_for_tests:{name}", **fields)

    return make


def metrics(value: float) -> dict[str, float]:
    """Every metric the same."""
    names = ("MI", "NMI", "AMI", "FMI", "ARI", "V-measure", "F1", "Jaccard")
    names += ("Completeness", "Info-Avg", "Clust-Avg", "Class-Avg", "Overall-Avg")
    return dict.fromkeys(names, value)


@pytest.fixture(scope="session")
def make_row() -> Callable[..., Row]:
    """Make a row without running anything; `own` and `common` are the scores of the two."""

    def make(
        method: str,
        own: float | None,
        *,
        common: float | None = None,
        case: str = "simulated_noisy@12",
        seed: int = 0,
        group: str = "rival",
        status: str = "done",
        message: str = "",
        **fields: Any,
    ) -> Row:
        measured = {"time_limit": 60.0, "memory_limit": 2.0**30, "p_value": 0.005}
        if group != "degenerate":
            measured |= {"seconds": 2.0, "cpu_seconds": 4.0, "cluster_seconds": 1.0}
            measured |= {"cluster_cpu_seconds": 1.0, "memory": 3e8}
            measured |= {"process_seconds": 5.0, "process_cpu_seconds": 6.0}
        found = {"own": own, "common": common}
        scores = {name: {"domain": metrics(v)} for name, v in found.items() if v is not None}
        values: dict[str, Any] = {
            "settings": "0",
            "started": f"2026-01-02T03:04:{seed:02d}.000+00:00",
            "description": {
                "label": method.capitalize(),
                "group": group,
                "parameters": {},
                "factor": "",
                "value": None,
            },
            "scores": scores,
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
                "data": "0",
            },
            "domains": packed(np.arange(12) % 3 + 1) if scores else "",
        }
        return Row(case, method, seed, status=status, message=message, **(values | fields))

    return make


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Find the folder of real data sets; skip where it is absent."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("NAPARI_TRSMI_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}; set NAPARI_TRSMI_DATA to their folder")
    return folder

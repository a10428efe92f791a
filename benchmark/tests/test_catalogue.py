"""The methods of this package, on a small section; those of others, where they are installed."""

from __future__ import annotations

import ast
import importlib
import tomllib
from pathlib import Path

import numpy as np
import pytest

import trsmi_benchmark
from napari_trsmi import Config, integrate
from napari_trsmi.errors import InputError
from trsmi_benchmark.catalogue import METHODS, QUICK, chosen_methods
from trsmi_benchmark.environments import ENVIRONMENTS
from trsmi_benchmark.exchange import checked
from trsmi_benchmark.mosaic.running import ENVIRONMENTS as OF_SECTIONS
from trsmi_benchmark.trsmi import table

ROOT = Path(trsmi_benchmark.__file__).parent
ALONE = ("exchange", "worker", "blocks")
SHORT = {"trsmi": {"epochs": 2}, "praga": {"epochs": 4}}


def run(name, inputs):
    method = METHODS[name]
    module, _, function = method.run.partition(":")
    call = getattr(importlib.import_module(module), function)
    faster = next((v for k, v in SHORT.items() if name.startswith(k)), {})
    return checked(call(inputs, **{**faster, **method.parameters}), inputs.n_spots)


OURS = [
    name
    for name, method in METHODS.items()
    if method.run and not method.environment and name != "only_chromatin"
]


@pytest.mark.parametrize("name", OURS)
def test_each_method_of_this_package_runs(name, tiny_inputs):
    output = run(name, tiny_inputs)
    assert output.embedding is not None
    assert np.ptp(output.embedding, axis=0).max() > 0


@pytest.mark.parametrize("name", ["trsmi", "praga", "mixed_graph"])
def test_the_same_seed_gives_the_same(name, tiny_inputs):
    one, other = (run(name, tiny_inputs).embedding for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_trsmi_has_the_domains_of_its_main_job(tiny_inputs):
    config = Config(n_domains=5, epochs=2, device="cpu")
    result = integrate(table(tiny_inputs), config=config, features=["rna", "protein"])
    assert run("trsmi", tiny_inputs).domains.tolist() == result.domains.astype(int).tolist()


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_method_has_its_function_and_its_environment(method):
    if not method.run:
        assert method.group == "degenerate"
        return
    module, _, name = method.run.partition(":")
    file = ROOT.parent / f"{module.replace('.', '/')}.py"
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    function = functions[name]
    taken = {argument.arg for argument in function.args.kwonlyargs}
    assert set(method.parameters) <= taken or function.args.kwarg
    assert not method.environment or method.environment in ENVIRONMENTS
    assert method.about or method.group == "naive" or method.name.startswith("trsmi_")


def test_every_environment_is_used_and_an_extra():
    used = {method.environment for method in METHODS.values()} - {""} | set(OF_SECTIONS.values())
    assert used == set(ENVIRONMENTS)
    project = tomllib.loads((ROOT.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["project"]["optional-dependencies"]) == used


def test_rivals_see_none_of_our_other_packages():
    """They run where napari-trsmi is not installed."""
    for file in [*(ROOT / "rivals").glob("*.py"), *(ROOT / f"{n}.py" for n in ALONE)]:
        assert "napari_trsmi" not in file.read_text(encoding="utf-8"), file


def test_methods_are_chosen_by_name():
    assert [method.name for method in chosen_methods(QUICK)] == list(QUICK)
    assert len(chosen_methods(())) == len(METHODS)
    assert {method.group for method in chosen_methods(("naive", "few_axes"))} == {"naive"}
    with pytest.raises(InputError, match="no method 'trmsi'; there are trsmi"):
        chosen_methods(("trmsi",))

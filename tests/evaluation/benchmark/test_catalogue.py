"""The methods of this package, on a small section; those of others, where they are installed."""

from __future__ import annotations

import ast
import importlib
import tomllib
from pathlib import Path

import numpy as np
import pytest

import napari_trsmi
from napari_trsmi.config import Config
from napari_trsmi.data.dataset import Kind
from napari_trsmi.errors import InputError
from napari_trsmi.evaluation.benchmark.catalogue import METHODS, QUICK, chosen_methods
from napari_trsmi.evaluation.benchmark.environments import ENVIRONMENTS
from napari_trsmi.evaluation.benchmark.exchange import checked
from napari_trsmi.evaluation.benchmark.methods import mixed_graph
from napari_trsmi.evaluation.benchmark.provenance import module_file
from napari_trsmi.graphs.neighbors import spatial_graph
from napari_trsmi.graphs.normalize import row_normalized

ROOT = Path(napari_trsmi.__file__).parent
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
    from napari_trsmi.evaluation.benchmark.methods.trsmi import dataset

    config = Config(n_domains=5, epochs=2, device="cpu")
    result = napari_trsmi.integrate(dataset(tiny_inputs), config=config)
    assert run("trsmi", tiny_inputs).domains.tolist() == result.domains.astype(int).tolist()


def test_one_modality_is_that_one(tiny_inputs):
    z = run("only_protein", tiny_inputs).embedding
    features = tiny_inputs.block(Kind.PROTEIN).features
    centred = features - features.mean(axis=0)
    np.testing.assert_allclose(z, centred / np.sqrt((centred**2).sum(1).mean()), rtol=1e-4)


def test_spatial_means_are_means(tiny_inputs):
    plain = run("concatenated", tiny_inputs).embedding
    once = run("concatenated_mean_1", tiny_inputs).embedding
    twice = run("concatenated_mean_2", tiny_inputs).embedding
    neighbors = spatial_graph(tiny_inputs.coordinates, 6)[[3]].indices
    np.testing.assert_allclose(once[3], plain[[3, *neighbors]].mean(axis=0))
    np.testing.assert_allclose(twice[3], once[[3, *neighbors]].mean(axis=0))


def test_the_mixed_graph_trusts_what_predicts(tiny_inputs):
    """Components that are noise in space and alike in features, and the other way round."""
    rng = np.random.default_rng(0)
    xy = tiny_inputs.coordinates
    in_space = row_normalized(spatial_graph(xy, 6))
    smooth = np.sin(xy / np.ptp(xy) * 6) @ rng.normal(size=(2, 10))
    smooth = smooth + rng.normal(scale=2.0, size=(80, 10))
    types = rng.integers(3, size=80)
    scattered = rng.normal(size=(3, 10))[types] + rng.normal(scale=0.2, size=(80, 10))
    for x, is_spatial in ((smooth, True), (scattered, False)):
        standard = (x - x.mean(axis=0)) / x.std(axis=0)
        by_space, by_features = mixed_graph._held_out_weights(standard, in_space, 10, rng)
        assert bool(by_space > by_features) is is_spatial


def test_nothing_to_hold_out_is_half_and_half(tiny_inputs):
    in_space = row_normalized(spatial_graph(tiny_inputs.coordinates, 6))
    found = mixed_graph._held_out_weights(np.ones((80, 1)), in_space, 5, np.random.default_rng(0))
    assert found.tolist() == [1, 1]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_method_has_its_function_and_its_environment(method):
    if not method.run:
        assert method.group == "degenerate"
        return
    tree = ast.parse((ROOT / module_file(method.run)).read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    function = functions[method.run.partition(":")[2]]
    taken = {argument.arg for argument in function.args.kwonlyargs}
    assert set(method.parameters) <= taken or function.args.kwarg
    assert not method.environment or method.environment in ENVIRONMENTS
    assert method.about or method.group == "baseline" or method.name.startswith("trsmi_")


def test_every_environment_is_used_and_an_extra():
    used = {method.environment for method in METHODS.values()} - {""}
    assert used == set(ENVIRONMENTS)
    project = tomllib.loads((ROOT.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    for name, environment in ENVIRONMENTS.items():
        assert tuple(extras[name]) == environment.requirements


def test_methods_are_chosen_by_name():
    assert [method.name for method in chosen_methods(QUICK)] == list(QUICK)
    assert len(chosen_methods(())) == len(METHODS)
    with pytest.raises(InputError, match="no method 'trmsi'; there are trsmi"):
        chosen_methods(("trmsi",))

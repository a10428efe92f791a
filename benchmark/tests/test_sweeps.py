from __future__ import annotations

from itertools import pairwise

import pytest

from napari_trsmi import Config
from napari_trsmi.errors import InputError
from trsmi_benchmark.sweeps import FACTORS, ablation, sensitivity


@pytest.mark.parametrize("preset", ["default", "published"])
def test_ablation_has_none_each_and_all(preset):
    methods = ablation(preset)
    switched = [Config.from_preset(**method.parameters).switches for method in methods]
    assert [sum(components.values()) for components in switched] == [0, 1, 1, 1, 1, 4]
    assert len({method.name for method in methods}) == 6
    assert all(method.name.startswith(f"ablation/{preset}/") for method in methods)


@pytest.mark.parametrize("preset", ["default", "published"])
def test_every_value_of_every_factor_is_a_valid_configuration(preset):
    methods = sensitivity((), preset)
    assert len(methods) == sum(len(factor.values) for factor in FACTORS.values())
    assert len({method.name for method in methods}) == len(methods)
    for method in methods:
        Config.from_preset(**method.parameters)


@pytest.mark.parametrize(
    ("name", "low", "high", "read"),
    [
        ("alpha_1", 0.10, 0.20, lambda config: config.teleports[0]),
        ("alpha_2", 0.05, 0.10, lambda config: config.teleports[1]),
        ("beta_0", 1.5, 2.5, lambda config: config.gate_logit),
    ],
)
def test_published_factors_have_ten_even_points(name, low, high, read):
    methods = sensitivity((name,), "published")
    values = [read(Config.from_preset(**method.parameters)) for method in methods]
    assert len(values) == 10
    assert values[0] == pytest.approx(low)
    assert values[-1] == pytest.approx(high)
    steps = [b - a for a, b in pairwise(values)]
    assert steps == pytest.approx([(high - low) / 9] * 9, abs=2e-6)
    assert [method.value for method in methods] == values


def test_prototype_temperature_is_varied_with_their_loss_on():
    for method in sensitivity(("prototype_temperature",), "default"):
        assert Config.from_preset(**method.parameters).prototype_weight == 1


def test_unknown_factors_are_refused():
    with pytest.raises(InputError, match="no factor 'alpha_3'; there are alpha_1"):
        sensitivity(("alpha_3",), "default")

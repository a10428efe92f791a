import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_trsmi.config import Config
from napari_trsmi.errors import ConfigError


def bounds(field):
    """Lowest and highest value that a field's constraints allow, and whether they are allowed."""
    found = {}
    for constraint in field.metadata:
        for name in ("ge", "gt", "le", "lt"):
            if hasattr(constraint, name):
                found[name] = getattr(constraint, name)
    return found


BOUNDED = [
    (name, kind, limit)
    for name, field in Config.model_fields.items()
    for kind, limit in bounds(field).items()
]


def test_every_field_has_a_one_line_description():
    for name, field in Config.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        assert "\n" not in field.description, name
        assert len(field.description) <= 80, name


@pytest.mark.parametrize(("name", "kind", "limit"), BOUNDED)
def test_a_value_out_of_bounds_is_an_error_that_names_it_and_says_what_it_is(name, kind, limit):
    step = 1 if isinstance(Config.model_fields[name].default, int) else 0.5
    outside = {"ge": limit - step, "le": limit + step, "gt": limit, "lt": limit}[kind]
    with pytest.raises(ConfigError) as caught:
        Config(**{name: outside})
    assert str(caught.value).startswith(f"{name}={outside!r}: ")
    assert Config.model_fields[name].description in str(caught.value)


@pytest.mark.parametrize(("name", "kind", "limit"), BOUNDED)
def test_the_bounds_themselves_are_allowed(name, kind, limit):
    others = {"min_domains": {"max_domains": 100}, "max_domains": {"min_domains": 2}}
    if kind in {"ge", "le"}:
        assert getattr(Config(**{name: limit} | others.get(name, {})), name) == limit


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"n_domains": 1}, "n_domains is 1; give 2 or more, or 'auto'"),
        ({"n_domains": "many"}, "n_domains='many'"),
        ({"min_domains": 9, "max_domains": 4}, "max_domains (4) is below min_domains (9)"),
        ({"teleports": (0.1,)}, "must have the same length"),
        ({"teleports": (), "diffusion_steps": ()}, "at least 1"),
        ({"teleports": (1.0,), "diffusion_steps": (2,)}, "teleports must lie between 0 and 1"),
        ({"teleports": (0.5,), "diffusion_steps": (0,)}, "diffusion_steps be 1 or more"),
        ({"reconstruction_weights": (1e300,)}, "1e6 at most"),
        ({"align_temperature": 1e-300}, "greater than or equal to 0.001"),
        ({"prototype_temperature": 1e-300}, "greater than or equal to 0.001"),
        ({"graph_weight": 1e300}, "less than or equal to 1000000"),
        ({"reconstruction_weights": (1.0, 0.0)}, "reconstruction_weights must be positive"),
        ({"device": "tpu"}, "device='tpu'"),
        ({"learning_rate": math.nan}, "learning_rate=nan"),
    ],
)
def test_contradictions_are_explained(parameters, said):
    with pytest.raises(ConfigError) as caught:
        Config(**parameters)
    assert said in str(caught.value)


def test_an_unknown_parameter_is_named_beside_the_known_ones():
    with pytest.raises(ConfigError, match=r"Unknown parameter 'n_cluster'\. Known.*n_domains"):
        Config(n_cluster=3)


def test_every_wrong_parameter_gets_its_line_once():
    with pytest.raises(ConfigError) as caught:
        Config(seed=-1, epochs=-1, nonsense=0, n_domains="many")
    lines = str(caught.value).splitlines()
    assert len(lines) == len(set(lines)) >= 4


def test_replacing_validates_again_and_leaves_the_original():
    config = Config(seed=1)
    assert config.replace(seed=2).seed == 2
    assert config.seed == 1
    with pytest.raises(ConfigError, match="seed=-2"):
        config.replace(seed=-2)
    with pytest.raises(ConfigError, match="nope"):
        config.replace(nope=1)


def test_a_config_is_frozen():
    config = Config()
    with pytest.raises(Exception, match="frozen"):
        config.seed = 3


def test_the_four_components_are_listed():
    config = Config(rpr=False, gate=False)
    assert config.switches == {"rpr": False, "align": True, "multiscale": True, "gate": False}


def test_the_published_preset_is_the_papers():
    published = Config.from_preset("published")
    assert (published.optimizer, published.learning_rate) == ("sgd", 0.01)
    assert published.graph_weights == "even"
    assert (published.diffusion_steps, published.teleports) == ((2, 4, 8), (0.2, 0.15, 0.1))
    assert (published.ema_decay, published.gate_logit) == (0.9, 2.5)
    assert (published.prototype_weight, published.prototype_temperature) == (1, 2)
    assert (published.align_neighbors, published.embedding_dim) == (20, 64)
    assert all(published.switches.values())


def test_presets_take_replacements():
    assert Config.from_preset() == Config()
    three = Config.from_preset("published", embedding_dim=128, learning_rate=0.001)
    assert (three.embedding_dim, three.learning_rate, three.optimizer) == (128, 0.001, "sgd")


def test_an_unknown_preset_is_an_error():
    with pytest.raises(ConfigError, match="Unknown preset 'ours'; there are default, published"):
        Config.from_preset("ours")


@settings(max_examples=40, deadline=None)
@given(
    st.one_of(st.just("auto"), st.integers(2, 200)),
    st.lists(st.tuples(st.integers(1, 20), st.floats(0.01, 0.99)), min_size=1, max_size=4),
    st.integers(0, 2**31 - 1),
)
def test_a_config_survives_json(n_domains, scales, seed):
    steps, teleports = zip(*scales, strict=True)
    config = Config(n_domains=n_domains, diffusion_steps=steps, teleports=teleports, seed=seed)
    stored = json.loads(json.dumps(config.model_dump(mode="json")))
    assert Config(**stored) == config

"""The ablation and the sensitivity analysis, as methods that vary one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi import Config
from napari_trsmi.errors import InputError
from trsmi_benchmark.catalogue import COMPONENTS, METHODS, TRAINED
from trsmi_benchmark.method import Method

if TYPE_CHECKING:
    from collections.abc import Callable

    from trsmi_benchmark.trsmi import Preset

ABLATION_DATA = ("mouse_brain_p22",)
"""The data set of the published ablation."""

SENSITIVITY_DATA = ("lymph_node_a1",)
"""That of the published sensitivity analysis."""


@dataclass(frozen=True)
class Factor:
    """A parameter that is varied alone.

    Attributes
    ----------
    name
        On the command line.
    label
        In the report.
    values
        What it is set to.
    change
        The parameters of `Config` for one value.
    """

    name: str
    label: str
    values: tuple[float, ...]
    change: Callable[[float, Config], dict[str, Any]]


def _teleport(place: int) -> Callable[[float, Config], dict[str, Any]]:
    def change(value: float, config: Config) -> dict[str, Any]:
        teleports = list(config.teleports)
        teleports[place] = value
        return {"teleports": teleports}

    return change


def _set(name: str, **besides: Any) -> Callable[[float, Config], dict[str, Any]]:
    def change(value: float, _config: Config) -> dict[str, Any]:
        is_count = isinstance(Config.model_fields[name].default, int)
        return {name: int(value) if is_count else value, **besides}

    return change


def _ten(low: float, high: float) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in np.linspace(low, high, 10))


FACTORS = {
    factor.name: factor
    for factor in (
        Factor("alpha_1", "α₁, teleport of scale 1 (K = 2)", _ten(0.10, 0.20), _teleport(0)),
        Factor("alpha_2", "α₂, teleport of scale 2 (K = 4)", _ten(0.05, 0.10), _teleport(1)),
        Factor("beta_0", "β₀, start of the gate's logit", _ten(1.5, 2.5), _set("gate_logit")),
        Factor(
            "spatial_neighbors",
            "Neighbours in the spatial graph",
            (3, 4, 6, 8, 10, 15, 20),
            _set("spatial_neighbors"),
        ),
        Factor(
            "feature_neighbors",
            "Neighbours in the feature graphs",
            (5, 10, 15, 20, 30, 50),
            _set("feature_neighbors"),
        ),
        Factor(
            "edge_contrast",
            "Contrast that halves an edge (0: none does)",
            (0, 1, 1.5, 2, 2.5, 3, 4, 8),
            _set("edge_contrast"),
        ),
        Factor(
            "align_temperature",
            "Temperature of the alignment",
            (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2),
            _set("align_temperature"),
        ),
        Factor(
            "prototype_temperature",
            "Temperature of the prototypes, with their loss at weight 1",
            (0.1, 0.2, 0.5, 1, 2, 5),
            _set("prototype_temperature", prototype_weight=1.0),
        ),
        Factor("epochs", "Epochs", (0, 5, 10, 20, 50, 100, 200), _set("epochs")),
        Factor(
            "embedding_dim",
            "Dimensions d of the embedding",
            (8, 16, 32, 64, 128),
            _set("embedding_dim"),
        ),
    )
}
"""What the sensitivity analysis varies, by name; the first three as published."""


def _network(preset: Preset) -> dict[str, Any]:
    """What makes a preset's domains those of a trained network, which the factors are of."""
    return TRAINED if preset == "default" else {}


def ablation(preset: Preset) -> list[Method]:
    """None of the four components, each alone, and all of them."""
    rows = [((), "none"), *(((name,), label) for name, label in COMPONENTS.items())]
    rows.append((tuple(COMPONENTS), "all four"))
    methods = []
    for on, label in rows:
        switches = {name: name in on for name in COMPONENTS}
        name = "all" if len(on) == len(COMPONENTS) else "".join(on) or "none"
        methods.append(
            Method(
                f"ablation/{preset}/{name}",
                label,
                "ablation",
                METHODS["trsmi"].run,
                {"preset": preset, **_network(preset), **switches},
                factor=preset,
            )
        )
    return methods


def sensitivity(names: tuple[str, ...], preset: Preset) -> list[Method]:
    """Every value of some factors; of all where none is named.

    Raises
    ------
    InputError
        If there is no factor of that name.
    """
    config = Config.from_preset(preset)
    methods = []
    for name in names or FACTORS:
        if name not in FACTORS:
            raise InputError(f"There is no factor {name!r}; there are {', '.join(FACTORS)}.")
        factor = FACTORS[name]
        methods += [
            Method(
                f"sensitivity/{preset}/{name}={value:g}",
                f"{factor.label}: {value:g}",
                "sensitivity",
                METHODS["trsmi"].run,
                {"preset": preset, **_network(preset), **factor.change(value, config)},
                factor=f"{preset}/{name}",
                value=value,
            )
            for value in factor.values
        ]
    return methods

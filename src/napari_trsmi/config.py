"""Every parameter of a run: its default, its bounds and a one-line description.

The command line and the widget are built from `Config`, so a default is written down once.
Where a default differs from the paper, ``docs/defaults.md`` has the measurement.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_trsmi.errors import ConfigError

Preset = Literal["default", "published"]

SCALES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Scales that domains are found at beside the run's own; a region's reach doubles with each."""


class Config(BaseModel):
    """Parameters of one run, validated.

    Use `Config.from_preset` to start from a preset. Unknown names and values out of bounds
    raise `ConfigError`.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )

    # the question
    n_domains: int | Literal["auto"] = Field("auto", description="Number of domains, or auto.")
    min_domains: int = Field(2, ge=2, description="Fewest domains that auto considers.")
    max_domains: int = Field(15, ge=2, le=100, description="Most domains that auto considers.")
    scale: Annotated[float, Field(ge=0, le=1)] | Literal["auto"] = Field(
        "auto",
        description="From states of single spots (0) to regions of tissue (1); auto: regions.",
    )
    all_scales: bool = Field(
        True, description="Find the domains at the other scales too, to move along them later."
    )
    clustering: Literal["mixture", "leiden"] = Field(
        "mixture", description="Mixture with one covariance for all domains, or Leiden."
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of every random choice.")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="Where to train; auto takes a GPU if there is one."
    )
    allow_cpu_fallback: bool = Field(
        False, description="Go on with the CPU when the GPU runs out of memory."
    )
    threads: int = Field(0, ge=0, description="CPU threads; 0 chooses by the number of spots.")
    tiles: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        "auto", description="Parts that spots are worked on in, for less memory; auto: as needed."
    )

    # preprocessing
    n_top_genes: int = Field(3000, ge=10, description="Highly variable genes kept (RNA).")
    n_components: int = Field(50, ge=2, le=500, description="Components kept per table.")
    spatial_share: bool = Field(
        True, description="Turn to spatial axes; scale down what is not spatial."
    )

    # graphs
    spatial_neighbors: int = Field(6, ge=1, le=100, description="Neighbours in the spatial graph.")
    edge_contrast: float = Field(
        2.5,
        ge=0,
        description="Contrast, in medians, at which a spatial edge weighs a half; 0: all weigh 1.",
    )
    feature_neighbors: int = Field(20, ge=1, le=200, description="Neighbours in feature graphs.")
    graph_weights: Literal["predictive", "even"] = Field(
        "predictive", description="Start of the graphs' weights: held-out prediction, or .5/.5."
    )
    graph_weight_power: float = Field(
        3.0, ge=0, le=10, description="Sharpness of the predictive weights."
    )
    spatial_weight_floor: float = Field(
        0.1, ge=0, le=0.5, description="Least predictive weight of the spatial graph."
    )
    feature_weight_floor: float = Field(
        0.4, ge=0, le=0.5, description="Least predictive weight of a feature graph."
    )

    # regions
    region_factors: tuple[int, ...] = Field(
        (3, 6, 12, 20), description="Spatial axes of each table, one number a view."
    )
    region_hops: int = Field(
        16, ge=1, le=100, description="Widest reach of a region's views at scale 1, in hops."
    )

    # model
    embedding_dim: int = Field(64, ge=2, le=1024, description="Embedding dimensions d.")
    rpr: bool = Field(True, description="Residual near-identity encoder (RPR).")
    align: bool = Field(True, description="Cross-graph alignment.")
    multiscale: bool = Field(True, description="Multi-scale APPNP diffusion.")
    gate: bool = Field(True, description="Scheduled gate between local and global.")
    residual_gate: float = Field(0.1, ge=0, le=1, description="Start of the encoder's gate.")
    encoder_normalize: bool = Field(
        False, description="Scale spots to length 1 around the encoder's propagation."
    )
    align_temperature: float = Field(
        0.1, ge=1e-3, le=10, description="Alignment softmax temperature."
    )
    align_neighbors: int = Field(20, ge=1, le=500, description="Entries kept per alignment row.")
    align_warmup: float = Field(
        0.2, ge=0, le=1, description="Fraction of the epochs with detached cross terms."
    )
    align_refresh: int = Field(10, ge=1, description="Epochs between alignment searches.")
    local_gate: float = Field(0.5, ge=0, le=1, description="Start of the local refinement's gate.")
    diffusion_steps: tuple[int, ...] = Field((2, 4, 8), description="APPNP steps K, per scale.")
    teleports: tuple[float, ...] = Field((0.20, 0.15, 0.10), description="Teleports, per scale.")
    gate_logit: float = Field(2.5, ge=-10, le=10, description="Start of the gate's logit.")
    gate_end: Literal["predictive", "floor"] = Field(
        "predictive", description="End of the gates: how far space predicts, or gate_floor."
    )
    gate_floor: float = Field(0.0, ge=0, le=1, description="Least end of the gates.")
    start: Literal["informed", "mean"] = Field(
        "informed",
        description="Start of fusion and decoders: principal axes and ridge fit, or mean.",
    )

    # losses
    mask_fraction: float = Field(
        0.3, ge=0, lt=1, description="Spots hidden per epoch and predicted; 0 sees all."
    )
    decoder_graph: Literal["spatial", "fused"] = Field(
        "spatial", description="Graph that the decoders propagate over."
    )
    reconstruction_weights: tuple[float, ...] = Field(
        (1.0,), description="Weight of each modality's reconstruction, in order; one for all."
    )
    prototype_weight: float = Field(0.0, ge=0, le=1e6, description="Weight of the prototype loss.")
    prototype_temperature: float = Field(
        2.0, ge=1e-3, le=1e3, description="Prototype loss temperature."
    )
    prototype_start: float = Field(
        0.5, ge=0, le=1, description="Fraction of the epochs before prototypes are seeded."
    )
    prototype_refresh: int = Field(50, ge=1, description="Epochs between re-seedings.")
    n_prototypes: int = Field(
        0, ge=0, le=500, description="Number of prototypes; 0 takes it from split-and-merge."
    )
    graph_weight: float = Field(1.0, ge=0, le=1e6, description="Weight of the graph regulariser.")
    ema_decay: float = Field(0.9, ge=0, lt=1, description="Decay of the graphs' running mean.")

    # optimisation
    epochs: int = Field(
        0, ge=0, le=100_000, description="Training epochs of the network; 0: its start."
    )
    optimizer: Literal["adam", "sgd"] = Field("adam", description="Adam, or SGD with momentum .9.")
    learning_rate: float = Field(1e-4, gt=0, le=10, description="Learning rate.")
    weight_decay: float = Field(1e-4, ge=0, le=1, description="Weight decay.")

    # states
    cluster_components: int = Field(20, ge=1, description="Components of Z that are clustered.")
    normalize_rows: bool = Field(False, description="Scale each spot's Z to length 1 first.")
    leiden_resolution: float = Field(
        1.0, gt=0, description="Leiden's resolution when the number of domains is auto."
    )

    def __init__(self, **parameters: Any) -> None:
        try:
            super().__init__(**parameters)
        except ValidationError as error:
            raise ConfigError(_explain(error)) from error

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.n_domains != "auto" and self.n_domains < 2:
            raise ValueError(f"n_domains is {self.n_domains}; give 2 or more, or 'auto'.")
        if self.max_domains < self.min_domains:
            raise ValueError(
                f"max_domains ({self.max_domains}) is below min_domains ({self.min_domains})."
            )
        if len(self.diffusion_steps) != len(self.teleports) or not self.teleports:
            raise ValueError(
                f"diffusion_steps {self.diffusion_steps} and teleports {self.teleports} must "
                "have the same length, at least 1."
            )
        if any(not 0 < t < 1 for t in self.teleports) or any(k < 1 for k in self.diffusion_steps):
            raise ValueError("teleports must lie between 0 and 1, diffusion_steps be 1 or more.")
        if not self.region_factors or any(number < 1 for number in self.region_factors):
            raise ValueError("region_factors must be one number or more, each 1 or more.")
        if any(not 0 < weight <= 1e6 for weight in self.reconstruction_weights):
            raise ValueError("reconstruction_weights must be positive, and 1e6 at most.")
        return self

    @classmethod
    def from_preset(cls, preset: Preset = "default", **overrides: Any) -> Config:
        """A preset with some of its parameters replaced.

        Parameters
        ----------
        preset
            ``"default"`` is ours; ``"published"`` has the paper's settings (TRSMI, ICASSP 2026,
            section 4.1, for two modalities: three use ``embedding_dim=128`` and
            ``learning_rate=.001``).
        overrides
            Parameters to replace.

        Raises
        ------
        ConfigError
            If the preset or a parameter is unknown, or a value is out of bounds.
        """
        if preset not in _PRESETS:
            raise ConfigError(f"Unknown preset {preset!r}; there are {', '.join(_PRESETS)}.")
        return cls(**{**_PRESETS[preset], **overrides})

    def replace(self, **overrides: Any) -> Config:
        """A copy with some parameters replaced, validated again."""
        return type(self)(**{**self.model_dump(), **overrides})

    @property
    def n_tiles(self) -> int:
        """How many tiles; one where a run has not chosen."""
        return 1 if self.tiles == "auto" else int(self.tiles)

    @property
    def own_scale(self) -> float:
        """The scale of the run's domains, in [0, 1]."""
        return 1.0 if self.scale == "auto" else float(self.scale)

    @property
    def scales(self) -> tuple[float, ...]:
        """Every scale that domains are found at, increasing."""
        return tuple(sorted({self.own_scale, *(SCALES if self.all_scales else ())}))

    @property
    def diffusion(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Steps and teleports of the diffusion; of the first alone without `multiscale`."""
        count = len(self.teleports) if self.multiscale else 1
        return self.diffusion_steps[:count], self.teleports[:count]

    @property
    def switches(self) -> dict[str, bool]:
        """The four parts of the method that the ablation switches, on or off."""
        return {name: getattr(self, name) for name in ("rpr", "align", "multiscale", "gate")}


_PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "published": {
        "scale": 0.0,
        "all_scales": False,
        "spatial_share": False,
        "spatial_neighbors": 10,
        "edge_contrast": 0.0,
        "graph_weights": "even",
        "gate_end": "floor",
        "start": "mean",
        "mask_fraction": 0.0,
        "prototype_weight": 1.0,
        "reconstruction_weights": (5.0,),
        "epochs": 200,
        "optimizer": "sgd",
        "learning_rate": 0.01,
        "weight_decay": 5e-2,
        "encoder_normalize": True,
        "normalize_rows": True,
    },
}


def _explain(error: ValidationError) -> str:
    """One line for each wrong parameter, in words."""
    lines = []
    for item in error.errors():
        name = str(item["loc"][0]) if item["loc"] else ""
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            known = ", ".join(sorted(Config.model_fields))
            lines.append(f"Unknown parameter {name!r}. Known parameters: {known}.")
        elif name:
            about = Config.model_fields[name].description
            lines.append(f"{name}={item['input']!r}: {message}. ({about})")
        else:
            lines.append(message)
    return "\n".join(dict.fromkeys(lines))

"""TRSMI as a method of the benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from anndata import AnnData

from napari_trsmi import Config, integrate
from trsmi_benchmark.exchange import Output

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Inputs

Preset: TypeAlias = Literal["default", "published"]

_THREE = {"embedding_dim": 128, "learning_rate": 0.001}
"""The published settings for three modalities."""


def run(inputs: Inputs, *, preset: Preset = "default", **parameters: Any) -> Output:
    """Run the main job on the features that all methods get.

    Parameters
    ----------
    inputs
        What every method gets.
    preset, parameters
        As for `Config.from_preset`.

    Returns
    -------
    The embedding, and the domains that `napari_trsmi.integrate` found in it.
    """
    if preset == "published" and len(inputs.blocks) > 2:
        parameters = {**_THREE, **parameters}
    config = Config.from_preset(
        preset,
        **{"device": "cpu", "n_domains": inputs.n_domains, **parameters},
        seed=inputs.seed,
    )
    names = [f"X_{block.name}" for block in inputs.blocks]
    result = integrate(table(inputs), config=config, features=names)
    domains = np.asarray(result.domains.astype(int), dtype=np.int64)
    return Output(result.embedding, domains, tuple(result.record["notes"]))


def table(inputs: Inputs) -> AnnData:
    """The features as ready features, the way a user may pass them."""
    width = len(str(inputs.n_spots))
    spots = pd.Index([f"spot_{spot:0{width}d}" for spot in range(inputs.n_spots)])
    found = AnnData(obs=pd.DataFrame(index=spots))
    for block in inputs.blocks:
        found.obsm[f"X_{block.name}"] = block.features
    found.obsm["spatial"] = inputs.coordinates
    return found

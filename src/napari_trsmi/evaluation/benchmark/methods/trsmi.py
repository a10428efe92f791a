"""TRSMI as a method of the benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData

from napari_trsmi.config import Config
from napari_trsmi.data.dataset import Kind, Modality, SpatialOmics
from napari_trsmi.evaluation.benchmark.exchange import Output
from napari_trsmi.integration import integrate

if TYPE_CHECKING:
    from napari_trsmi.config import Preset
    from napari_trsmi.evaluation.benchmark.exchange import Inputs

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
        **{"device": "cpu", **parameters},
        n_domains=inputs.n_domains,
        seed=inputs.seed,
    )
    result = integrate(dataset(inputs), config=config)
    domains = np.asarray(result.domains.astype(int), dtype=np.int64)
    return Output(result.embedding, domains, tuple(result.record["notes"]))


def dataset(inputs: Inputs) -> SpatialOmics:
    """The features as a data set of ready features."""
    width = len(str(inputs.n_spots))
    spots = pd.Index([f"spot_{spot:0{width}d}" for spot in range(inputs.n_spots)])
    modalities = tuple(
        Modality(
            block.name, Kind.FEATURES, AnnData(X=block.features, obs=pd.DataFrame(index=spots))
        )
        for block in inputs.blocks
    )
    return SpatialOmics(modalities, inputs.coordinates, spots, pd.DataFrame(index=spots))

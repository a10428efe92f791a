"""Which domains lie beside which, how far they reach, what varies in space: squidpy, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_trsmi.analysis.plots.plot import Plot, new_figure
from napari_trsmi.analysis.spatial_statistics import (
    co_occurrence,
    neighborhood_enrichment,
    spatially_variable,
)
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.result import TRSMIResult

_DRAWN = 15  # features


def enrichment(result: TRSMIResult) -> Plot:
    """Draw which domains are neighbours more often than by chance, as a map of z-scores.

    Raises
    ------
    InputError
        As `neighborhood_enrichment`.
    """
    found = neighborhood_enrichment(result)
    names = [str(name) for name in found.index]
    limit = float(np.nanmax(np.abs(found.to_numpy()), initial=1.0))
    figure = new_figure(4.6, 4.0)
    axes = figure.subplots()
    drawn = axes.imshow(found.to_numpy(), cmap="RdBu_r", vmin=-limit, vmax=limit)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    figure.colorbar(drawn, ax=axes, label="z")
    table = pd.DataFrame(
        {
            "domain": np.repeat(names, len(names)),
            "neighbour": names * len(names),
            "z": found.to_numpy().ravel(),
        }
    )
    about = "Which domains are neighbours more often (red) or less often (blue) than by chance."
    return Plot(figure, table, about)


def co_occurring(result: TRSMIResult, domain: str) -> Plot:
    """Draw how much likelier each domain is at a distance from one of them than anywhere.

    Parameters
    ----------
    result
        The run.
    domain
        The domain that distances are from.

    Raises
    ------
    InputError
        As `co_occurrence`, or if there is no such domain.
    """
    found = co_occurrence(result)
    own = found[found["domain"].astype(str) == domain]
    if own.empty:
        raise InputError(f"There is no domain {domain!r} with spots. Choose another one.")
    factor = result.micrometres_per_unit
    unit = "coordinate units" if factor is None else "µm"
    figure = new_figure()
    axes = figure.subplots()
    for name, curve in own.groupby("other", observed=True):
        axes.plot(
            curve["distance"] * (factor or 1),
            curve["ratio"],
            color=result.colors[str(name)],
            label=str(name),
        )
    axes.axhline(1, color="0.5", linewidth=0.8, linestyle=":")
    axes.set_xlabel(f"distance from {domain} ({unit})", parse_math=False)
    axes.set_ylabel("times as likely as anywhere")
    figure.legend(loc="outside right center", frameon=False, fontsize=8)
    table = found.assign(distance=found["distance"] * (factor or 1))
    table = table.rename(columns={} if factor is None else {"distance": "distance_um"})
    about = f"How much likelier each domain is at a distance from {domain} than anywhere."
    return Plot(figure, table, about)


def varying(dataset: SpatialOmics, result: TRSMIResult, modality: str) -> Plot:
    """Draw which features are most alike in neighbouring spots, by Moran's I.

    Parameters
    ----------
    dataset
        The tables.
    result
        A run on them.
    modality
        Name of the table.

    Raises
    ------
    InputError
        As `spatially_variable`.
    """
    found = spatially_variable(dataset, result, modality)
    first = found.head(_DRAWN)[::-1]
    figure = new_figure()
    axes = figure.subplots()
    axes.barh([str(feature) for feature in first["feature"]], first["moran_i"], color="0.45")
    axes.set_xlabel("Moran's I")
    about = "Which features are alike in neighbouring spots (1), and which lie at random (0)."
    return Plot(figure, found, about)

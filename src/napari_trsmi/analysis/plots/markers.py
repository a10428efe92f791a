"""Marker features of all domains at once: dot plot, heat map, violins."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from napari_trsmi.analysis.markers import marker_features
from napari_trsmi.analysis.plots.plot import Plot, new_figure
from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.counts import dense
from napari_trsmi.preprocessing.values import comparable_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.result import TRSMIResult

Style = Literal["dot plot", "heat map", "violins"]
STYLES: tuple[Style, ...] = get_args(Style)

DOMAIN = "domain"
"""Column of `table_of_run`."""
_LEAST = 2  # spots, to be compared
_LISTED = 50  # features of a domain in the table
_DRAWN = 10


def all_markers(
    dataset: SpatialOmics,
    result: TRSMIResult,
    modality: str,
    *,
    style: Style = "dot plot",
    n_features: int = 3,
    features: Sequence[str] = (),
) -> Plot:
    """Draw the marker features of every domain side by side, as scanpy does.

    Parameters
    ----------
    dataset
        The tables.
    result
        A run on them.
    modality
        Name of the table.
    style
        Dots (colour: mean; size: share of spots), a map of means, or violins.
    n_features
        How many of each domain are drawn.
    features
        Draw these instead.

    Returns
    -------
    Plot
        Its table has the first fifty of each domain against the rest.

    Raises
    ------
    InputError
        If there is no such table or feature.
    """
    sizes = result.domains.value_counts()
    names = [str(n) for n in result.domains.cat.categories if sizes[n] >= _LEAST]
    parts = [
        marker_features(
            dataset, result.domains, name, modalities=[modality], n_per_modality=_LISTED
        ).assign(domain=name)
        for name in names
    ]
    found = pd.concat(parts, ignore_index=True)
    found = found[["domain", *(column for column in found if column != "domain")]]
    table = table_of_run(dataset, result, modality)
    if features:
        shown: Any = known_features(table, features)
    else:
        taken: set[str] = set()
        shown = {}
        for name, part in found.groupby("domain", sort=False):
            own = [f for f in part["feature"] if f not in taken][:n_features]
            taken |= set(own)
            shown[str(name)] = own
    flat = list(shown) if features else [f for own in shown.values() for f in own]
    figure = new_figure(max(5.0, 0.26 * len(flat) + 2.4), 0.28 * len(names) + 1.9)
    _draw(figure, _dense_part(table, flat), shown, style)
    return Plot(figure, found, f"Markers of every domain in {modality}; colours by feature.")


def one_against_another(
    dataset: SpatialOmics, result: TRSMIResult, modality: str, one: str, other: str
) -> Plot:
    """Rank features by how much higher they are in one domain than in another.

    Parameters
    ----------
    dataset
        The tables.
    result
        A run on them.
    modality
        Name of the table.
    one, other
        The domains.

    Returns
    -------
    Plot
        The highest of each; its table has all features, those of `one` first.

    Raises
    ------
    InputError
        If a domain is unknown or too small, or both are the same.
    """
    if one == other:
        raise InputError("Choose two different domains.")
    both = result.domains.astype(str)
    both = both[both.isin([one, other])]
    for name in (one, other):
        if not (both == name).any():
            raise InputError(f"There is no domain {name!r} with spots. Choose another one.")
    found = marker_features(dataset, both, one, modalities=[modality])
    first = found[found["score"] > 0].head(_DRAWN)
    last = found[found["score"] < 0].tail(_DRAWN)
    shown = pd.concat([first, last])[::-1]
    higher_in = np.where(shown["score"] > 0, one, other)
    figure = new_figure(5.0, 4.2)
    axes = figure.subplots()
    axes.barh(range(len(shown)), shown["score"], color=[result.colors[name] for name in higher_in])
    axes.set_yticks(range(len(shown)), shown["feature"], fontsize=8)
    axes.axvline(0, color="0.3", linewidth=0.8)
    axes.set_xlabel(f"higher in {other}  |  higher in {one}   (t)", parse_math=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    about = f"{one} against {other}, without the other domains. The table has all features."
    return Plot(figure, found, about)


def known_features(table: AnnData, features: Sequence[str]) -> list[str]:
    """Return the features that a table has, whatever their case, in the order given.

    Raises
    ------
    InputError
        If it has none of them.
    """
    by_name = {str(name).lower(): str(name) for name in reversed(table.var_names)}
    known = [by_name[name.lower()] for name in features if name.lower() in by_name]
    if not known:
        raise InputError(f"The table has none of {listed(list(features))}. Check the spelling.")
    return list(dict.fromkeys(known))


def table_of_run(dataset: SpatialOmics, result: TRSMIResult, modality: str) -> AnnData:
    """Return the comparable values of a table's spots that a run has, with their domains.

    Raises
    ------
    InputError
        If there is no such table.
    """
    if modality not in dataset.names:
        raise InputError(
            f"There is no table {modality!r}. There are {listed(list(dataset.names))}."
        )
    own = dataset.modalities[dataset.names.index(modality)].where_measured()
    table = comparable_values(own)
    known = result.domains.index.intersection(table.obs_names, sort=False)
    table = table[known].copy()
    domains = result.domains.loc[known].cat.remove_unused_categories()
    table.obs[DOMAIN] = domains.cat.rename_categories(str)
    return table


def _dense_part(table: AnnData, features: Sequence[str]) -> AnnData:
    part = table[:, list(features)].copy()
    part.X = dense(part.X)
    return part


def _draw(figure: Any, table: AnnData, shown: Any, style: Style) -> None:
    import scanpy as sc

    figure.set_layout_engine("none")  # scanpy lays out what is in the axes
    top = 0.97 if isinstance(shown, list) else 0.86  # names of groups are above
    axes = figure.subplots(gridspec_kw={"left": 0.1, "right": 0.98, "bottom": 0.3, "top": top})
    how: dict[str, Any] = {"groupby": DOMAIN, "use_raw": False, "ax": axes}
    relative = "Mean in domain\n(0 to 1 by feature)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if style == "dot plot":
            drawn: Any = sc.pl.DotPlot(table, shown, standard_scale="var", **how)
            drawn.legend(size_title="Spots that have\nit (%)", colorbar_title=relative)
        elif style == "heat map":
            drawn = sc.pl.MatrixPlot(table, shown, standard_scale="var", **how)
            drawn.legend(title=relative)
        else:
            drawn = sc.pl.StackedViolin(table, shown, **how)
            drawn.legend(title="Median in domain")
        drawn.make_figure()

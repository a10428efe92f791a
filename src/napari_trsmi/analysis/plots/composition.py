"""How much of the tissue each domain is, and how sure its spots are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.analysis.plots.plot import Plot, new_figure, upright_names
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from napari_trsmi.result import TRSMIResult


def composition(
    result: TRSMIResult, groups: pd.Series | None = None, *, called: str = "group"
) -> Plot:
    """Say which share of the spots each domain has, of all or in each group of spots.

    Parameters
    ----------
    result
        The run.
    groups
        Labels indexed by spot name, such as sections or an annotation; None for all spots together.
    called
        What the groups are.

    Raises
    ------
    InputError
        If no spot of the run has a group.
    """
    domains, colors = result.domains, result.colors
    names = [str(name) for name in domains.cat.categories]
    figure = new_figure()
    axes = figure.subplots()
    if groups is None:
        counts = domains.value_counts().reindex(domains.cat.categories).fillna(0)
        share = (counts / counts.sum()).to_numpy()
        axes.bar(names, 100 * share, color=[colors[name] for name in names])
        _label(axes, names, "share of the spots (%)")
        table = pd.DataFrame(
            {"domain": names, "n_spots": counts.to_numpy(dtype=int), "share": share}
        )
        return Plot(figure, table, "Share of the spots that each domain has.")
    known = groups.reindex(domains.index)
    if known.isna().all():
        raise InputError(f"No spot of this run has a {called}. Choose other labels.")
    together = pd.crosstab(known.astype(str)[known.notna()], domains.astype(str)[known.notna()])
    together = together.reindex(columns=names, fill_value=0)
    share_of = together.div(together.sum(axis=1), axis=0)
    below = np.zeros(len(together))
    for name in names:
        part = 100 * share_of[name].to_numpy()
        axes.bar(list(together.index), part, bottom=below, color=colors[name], label=name)
        below += part
    _label(axes, [str(name) for name in together.index], "share of the spots (%)")
    axes.set_xlabel(called)
    figure.legend(loc="outside right center", frameon=False, fontsize=8)
    table = pd.DataFrame(
        {
            "group": np.repeat(together.index.astype(str), len(names)),
            "domain": names * len(together),
            "n_spots": together.to_numpy().ravel(),
            "share": share_of.to_numpy().ravel(),
        }
    )
    return Plot(figure, table, f"Share of the spots that each domain has, by {called}.")


def confidence(result: TRSMIResult) -> Plot:
    """Say how sure the spots of each domain are of it: box, median and whiskers from 5 to 95 %."""
    domains = result.domains.cat.remove_unused_categories()
    names = [str(name) for name in domains.cat.categories]
    parts = [
        result.confidence[(domains == name).to_numpy()].dropna().to_numpy(dtype=np.float64)
        for name in domains.cat.categories
    ]
    figure = new_figure()
    axes = figure.subplots()
    boxes = axes.boxplot(
        parts, whis=(5, 95), showfliers=False, patch_artist=True, tick_labels=names, widths=0.6
    )
    for box, name in zip(boxes["boxes"], names, strict=True):
        box.set_facecolor(result.colors[name])
    for line in boxes["medians"]:
        line.set_color("black")
    axes.set_ylim(0, 1.02)
    _label(axes, names, "confidence")
    quantiles = [np.quantile(part, (0.05, 0.25, 0.5, 0.75, 0.95)) for part in parts]
    table = pd.DataFrame(
        quantiles, columns=["percent_5", "percent_25", "median", "percent_75", "percent_95"]
    )
    table.insert(0, "domain", names)
    table.insert(1, "n_spots", [len(part) for part in parts])
    about = "How sure spots are of their domain: median, half of them (box), 5 to 95 % (whiskers)."
    return Plot(figure, table, about)


def _label(axes: Any, names: list[str], what: str) -> None:
    axes.set_ylabel(what)
    if upright_names(names):
        axes.tick_params(axis="x", rotation=90)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)

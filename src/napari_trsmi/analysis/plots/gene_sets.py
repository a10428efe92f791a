"""Scores of one set of genes, or of all sets of a file, by domain."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.analysis.plots.markers import DOMAIN, known_features, table_of_run
from napari_trsmi.analysis.plots.plot import Plot, new_figure, upright_names
from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.result import TRSMIResult

_CONTROLS = 50
_DRAWN = 30  # sets
_MOST = 1000  # sets, which take minutes
_LEAST = 2  # genes of a set that the table has


def gene_set(
    dataset: SpatialOmics, result: TRSMIResult, modality: str, features: Sequence[str]
) -> Plot:
    """Score every spot by a set of features (scanpy's ``score_genes``), and draw it by domain.

    Parameters
    ----------
    dataset
        The tables.
    result
        A run on them.
    modality
        Name of the table.
    features
        The set.

    Returns
    -------
    Plot
        ``scores`` has the score of each spot.

    Raises
    ------
    InputError
        If the table has none of the features, or has too few others to compare with.
    """
    table = table_of_run(dataset, result, modality)
    known = known_features(table, features)
    scores = _scores(table, known, modality)
    domains = table.obs[DOMAIN]
    names = [str(name) for name in domains.cat.categories]
    parts = [scores[(domains == name).to_numpy()].to_numpy() for name in domains.cat.categories]
    figure = new_figure()
    axes = figure.subplots()
    drawn = axes.violinplot(parts, showmedians=True, widths=0.8)
    bodies: Any = drawn["bodies"]
    for body, name in zip(bodies, names, strict=True):
        body.set_facecolor(result.colors[name])
        body.set_alpha(0.9)
    for part in ("cmedians", "cmins", "cmaxes", "cbars"):
        drawn[part].set_color("0.2")
        drawn[part].set_linewidth(0.8)
    axes.set_xticks(range(1, len(names) + 1), names, rotation=90 if upright_names(names) else 0)
    axes.set_ylabel("score of the set")
    summary = scores.groupby(domains, observed=True)
    summed = pd.DataFrame({"mean": summary.mean(), "median": summary.median(), "sd": summary.std()})
    summed.insert(0, "n_spots", summary.size())
    left_out = [name for name in features if name not in known]
    without = f" Not in the table: {listed(left_out)}." if left_out else ""
    about = f"Score of {listed(known)} against features of like means.{without}"
    return Plot(figure, summed.rename_axis("domain").reset_index(), about, scores)


def gene_sets(
    dataset: SpatialOmics,
    result: TRSMIResult,
    modality: str,
    sets: Mapping[str, Sequence[str]],
) -> Plot:
    """Score every spot by each of several sets, and draw the means by domain.

    Parameters
    ----------
    dataset
        The tables.
    result
        A run on them.
    modality
        Name of the table.
    sets
        Features of each set by its name.

    Returns
    -------
    Plot
        Its table has a row a set, those first whose means differ most between domains. The plot
        shows the first thirty.

    Raises
    ------
    InputError
        If the table has two features of none of the sets, or there are more than a thousand sets.
    """
    if len(sets) > _MOST:
        raise InputError(
            f"There are {counted(len(sets), 'set')}, which would take long. Choose one set, or a "
            f"file of {_MOST:,} at the most."
        )
    table = table_of_run(dataset, result, modality)
    there = {str(name).lower() for name in table.var_names}
    used = {
        name: features
        for name, features in sets.items()
        if len({feature.lower() for feature in features} & there) >= _LEAST
    }
    if not used:
        raise InputError(
            f"{modality} has two features of none of the sets. Check that both call genes alike "
            "(symbols or Ensembl ids)."
        )
    domains, rows = table.obs[DOMAIN], []
    for name, features in used.items():
        known = known_features(table, features)
        means = _scores(table, known, modality).groupby(domains, observed=True).mean()
        found = {"set": name, "n_features": len(known), "n_in_set": len(features)}
        rows.append(found | {str(domain): float(mean) for domain, mean in means.items()})
    names = [str(name) for name in domains.cat.categories]
    summed = pd.DataFrame(rows)
    spread = summed[names].to_numpy().std(axis=1)
    summed = summed.iloc[np.argsort(-spread, kind="stable")].reset_index(drop=True)
    shown = summed.head(_DRAWN)
    figure = new_figure(5.0, 1.6 + 0.19 * len(shown))
    axes = figure.subplots()
    values = shown[names].to_numpy()
    limit = float(np.abs(values).max()) or 1.0
    drawn = axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_xticks(range(len(names)), names, rotation=90 if upright_names(names) else 0)
    axes.set_yticks(range(len(shown)), [_short(name) for name in shown["set"]], fontsize=7)
    figure.colorbar(drawn, ax=axes, label="mean score", shrink=0.8)
    left_out = len(sets) - len(used)
    without = (
        f" {counted(left_out, 'set')} had fewer than {_LEAST} features here." if left_out else ""
    )
    first = f", the {_DRAWN} that differ most" if len(summed) > _DRAWN else ""
    about = f"Mean scores of {counted(len(summed), 'set')} by domain{first}.{without}"
    return Plot(figure, summed, about)


def _scores(table: AnnData, known: list[str], modality: str) -> pd.Series:
    """Score every spot by features against others of like means."""
    import scanpy as sc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            sc.tl.score_genes(
                table,
                known,
                score_name="score",
                ctrl_size=min(_CONTROLS, table.n_vars),
                random_state=0,
            )
        except (RuntimeError, ValueError) as error:
            raise InputError(
                f"The set cannot be scored in {modality}: {error}. It needs other features to "
                "compare with."
            ) from error
    scores: pd.Series = table.obs["score"].astype(np.float64)
    return scores


def _short(name: str) -> str:
    return name if len(name) <= 32 else f"{name[:31]}…"

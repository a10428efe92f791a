"""Marker features of a domain: what is higher in it than in the rest of the tissue.

Features are ranked by Welch's t-test with the rest's size taken for the domain's
(scanpy's ``t-test_overestim_var``), which is careful with small domains. Among 59 methods of
choosing markers the t-test and Wilcoxon's rank sum test were among the best (Pullin and McCarthy
2024, Genome Biology); on 9,000 spots and 18,000 genes the former takes under a second, the latter
half a minute. As the domains were found in the same data, p-values say how far a feature stands
out, not that a domain exists.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.values import comparable_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import Modality, SpatialOmics

COLUMNS = ("feature", "modality", "score", "log2_fold_change", "p_adjusted")
"""Of the table that `marker_features` returns."""

_LEAST = 2  # spots, for a variance


def marker_features(
    dataset: SpatialOmics,
    domains: pd.Series,
    domain: str,
    *,
    modalities: Sequence[str] | None = None,
    n_per_modality: int | None = None,
) -> pd.DataFrame:
    """Rank the features of each modality by how much higher they are in a domain.

    Parameters
    ----------
    dataset
        The tables.
    domains
        Labels indexed by spot name; spots without one, or that a table lacks, do not count in it.
    domain
        The domain, compared with all other spots that have a label.
    modalities
        Names of those to rank; None for all.
    n_per_modality
        Only this many of each, the highest; None for all.

    Returns
    -------
    DataFrame
        By modality and decreasing score: ``feature``, ``modality``, ``score`` (the t statistic),
        ``log2_fold_change`` (of `comparable_values`' means; NaN for ready features, which have no
        zero to compare with) and ``p_adjusted`` (Benjamini-Hochberg within the modality).

    Raises
    ------
    InputError
        If the domain or a modality is unknown, or the domain or the rest has fewer than two spots.
    """
    wanted = list(dataset.names if modalities is None else modalities)
    unknown = [name for name in wanted if name not in dataset.names]
    if unknown:
        raise InputError(
            f"There is no modality {unknown[0]!r}. There are {listed(list(dataset.names))}."
        )
    tables = []
    for modality in dataset.modalities:
        if modality.name in wanted:
            own = modality.where_measured()
            inside, labelled = _membership(own.table.obs_names, domains, domain)
            tables.append(_ranked(own, inside, labelled, n_per_modality))
    return pd.concat(tables, ignore_index=True)


def _membership(
    spots: pd.Index, domains: pd.Series, domain: str
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which spots are in the domain, and which in any, shape (n_spots,)."""
    if not domains.index.is_unique:
        repeated = domains.index[domains.index.duplicated()][0]
        raise InputError(f"Spot name {repeated!r} occurs more than once. Make the names unique.")
    labels = domains.astype(object).reindex(spots)
    labelled = labels.notna().to_numpy()
    inside = labelled & (labels.astype(str) == str(domain)).to_numpy()
    names = sorted({str(name) for name in labels[labelled]})
    if not names:
        raise InputError(
            "The tables have none of the spots with domains. Pass the tables that the run was on."
        )
    if str(domain) not in names:
        raise InputError(f"There is no domain {str(domain)!r}. There are {listed(names)}.")
    for n_spots, what in (
        (int(inside.sum()), f"Domain {str(domain)!r} has"),
        (int((labelled & ~inside).sum()), "All other domains together have"),
    ):
        if n_spots < _LEAST:
            raise InputError(
                f"{what} {counted(n_spots, 'spot')}; markers need at least {_LEAST}. Merge it "
                "with another domain, or choose a larger one."
            )
    return inside, labelled


def _ranked(
    modality: Modality,
    inside: NDArray[np.bool_],
    labelled: NDArray[np.bool_],
    n_features: int | None,
) -> pd.DataFrame:
    import scanpy as sc

    table = comparable_values(modality)[labelled].copy()
    table.obs["side"] = pd.Categorical(np.where(inside[labelled], "domain", "rest"))
    has_zero = modality.kind.is_counted and float(table.X.min()) >= 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on constant features, and on its own tables
        sc.tl.rank_genes_groups(
            table,
            "side",
            groups=["domain"],
            reference="rest",
            method="t-test_overestim_var",
            n_genes=n_features,
        )
        found = sc.get.rank_genes_groups_df(table, "domain")
    changes = found["logfoldchanges"].to_numpy(dtype=np.float64)
    if not has_zero:
        changes = np.full(len(found), np.nan)
    return pd.DataFrame(
        {
            "feature": found["names"].astype(str),
            "modality": modality.name,
            "score": found["scores"].astype(np.float64),
            "log2_fold_change": changes,
            "p_adjusted": found["pvals_adj"].astype(np.float64),
        },
        columns=list(COLUMNS),
    )

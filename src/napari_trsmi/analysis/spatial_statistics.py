"""How domains lie to each other, and which features vary in space: squidpy's statistics.

Neighbourhood enrichment, co-occurrence and Moran's I are those of squidpy (Palla et al. 2022,
Nature Methods 19, 171), on the spatial graph that the run began with.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.values import comparable_values
from napari_trsmi.result_sections import require_one_section
from napari_trsmi.scverse.graphs import spatial_neighbors
from napari_trsmi.scverse.places import SPATIAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anndata import AnnData

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.result import TRSMIResult

_DOMAIN = "domain"


def neighborhood_enrichment(
    result: TRSMIResult, *, n_permutations: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Say which domains are neighbours more often than if the domains were shuffled.

    Parameters
    ----------
    result
        The run.
    n_permutations
        How often the domains are shuffled over the spots.
    seed
        Of the shuffling.

    Returns
    -------
    DataFrame
        z-scores of the number of edges from a domain (rows) to another (columns) of the spatial
        graph, shape (n_domains, n_domains); NaN where shuffling never changes the number.

    Raises
    ------
    InputError
        If squidpy is not installed, or there are fewer than two domains.
    """
    table = _annotated(result)
    with _quiet_squidpy() as squidpy:
        found = squidpy.gr.nhood_enrichment(
            table, _DOMAIN, n_perms=n_permutations, seed=seed, copy=True, show_progress_bar=False
        )
    names = table.obs[_DOMAIN].cat.categories
    scores = np.where(np.isfinite(found.zscore), found.zscore, np.nan)
    return pd.DataFrame(scores, index=names, columns=names)


def co_occurrence(
    result: TRSMIResult, *, n_distances: int = 50, max_spots: int = 20_000, seed: int = 0
) -> pd.DataFrame:
    """Say how much likelier a domain is at a distance from another one than anywhere.

    Parameters
    ----------
    result
        The run.
    n_distances
        Number of distances, even from the nearest to half the farthest.
    max_spots
        Of a larger section so many spots, drawn at random: the time is that of their pairs.
    seed
        Of the drawing.

    Returns
    -------
    DataFrame
        One row a pair of domains and a distance: ``domain``, ``other``, ``distance`` (in units of
        the coordinates) and ``ratio``, p(other | domain within the distance) / p(other).

    Raises
    ------
    InputError
        As `neighborhood_enrichment`.
    """
    require_one_section(result, "Co-occurrence is")
    table = _annotated(result, graph=False)
    if table.n_obs > max_spots:
        drawn = np.random.default_rng(seed).choice(table.n_obs, max_spots, replace=False)
        table = table[np.sort(drawn)].copy()
        table.obs[_DOMAIN] = table.obs[_DOMAIN].cat.remove_unused_categories()
    with _quiet_squidpy() as squidpy:
        ratios, distances = squidpy.gr.co_occurrence(
            table, _DOMAIN, interval=n_distances, copy=True
        )
    names = table.obs[_DOMAIN].cat.categories
    index = pd.MultiIndex.from_product(
        [names, names, np.asarray(distances[1:], dtype=np.float64)],
        names=["domain", "other", "distance"],
    )
    return pd.DataFrame({"ratio": np.asarray(ratios).ravel()}, index=index).reset_index()


def spatially_variable(
    dataset: SpatialOmics, result: TRSMIResult, modality: str | None = None
) -> pd.DataFrame:
    """Rank the features of a modality by Moran's I.

    Parameters
    ----------
    dataset
        The tables; values are made comparable as for the markers of a domain.
    result
        A run on them.
    modality
        Its name; None for the first.

    Returns
    -------
    DataFrame
        The most variable first: ``feature``, ``moran_i`` (1: alike in neighbours, 0: at random)
        and ``p_adjusted`` (normal approximation, Benjamini and Hochberg).

    Raises
    ------
    InputError
        If squidpy is not installed, there is no such modality, or the spots are not the run's.
    """
    name = dataset.names[0] if modality is None else modality
    if name not in dataset.names:
        raise InputError(f"There is no table {name!r}. There are {listed(list(dataset.names))}.")
    rows = dataset.spots.get_indexer(result.domains.index)
    if (rows < 0).any():
        raise InputError("The tables lack spots of the run. Pass those that were run.")
    own = dataset.modalities[dataset.names.index(name)]
    values = comparable_values(own)[rows].copy()
    _add_graph(values, result)
    if own.measured is not None:
        values = values[own.measured[rows]].copy()
    with _quiet_squidpy() as squidpy:
        found = squidpy.gr.spatial_autocorr(
            values, mode="moran", copy=True, show_progress_bar=False
        )
    ranked = found.sort_values("I", ascending=False, kind="stable")
    return pd.DataFrame(
        {
            "feature": ranked.index.astype(str),
            "moran_i": ranked["I"].to_numpy(),
            "p_adjusted": ranked["pval_norm_fdr_bh"].to_numpy(),
        }
    )


def _annotated(result: TRSMIResult, *, graph: bool = True) -> AnnData:
    """Return spots, domains and graph where squidpy looks for them."""
    from anndata import AnnData

    domains = result.domains.cat.remove_unused_categories()
    if len(domains.cat.categories) < 2:
        raise InputError("There is one domain only. Ask for two or more to compare them.")
    table = AnnData(obs=pd.DataFrame({_DOMAIN: domains}))
    table.obsm[SPATIAL] = result.coordinates
    if graph:
        _add_graph(table, result)
    return table


def _add_graph(table: AnnData, result: TRSMIResult) -> None:
    neighbors = spatial_neighbors(result)
    table.obsp[f"{SPATIAL}_connectivities"] = neighbors.connectivities
    table.obsp[f"{SPATIAL}_distances"] = neighbors.distances


@contextmanager
def _quiet_squidpy() -> Iterator[Any]:
    """Import squidpy, which takes seconds, and keep its warnings of other libraries away."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import squidpy
        except ImportError as error:
            raise InputError(
                "Spatial statistics need squidpy, which is not installed: "
                "pip install 'napari-trsmi[squidpy]'."
            ) from error
        with np.errstate(divide="ignore", invalid="ignore"):
            yield squidpy

"""What needs no training: each section alone with its domains matched, and tables put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from trsmi_benchmark.blocks import SPATIAL_NEIGHBORS, mean_over, neighbor_graph, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anndata import AnnData
    from numpy.typing import NDArray

    from trsmi_benchmark.mosaic.data import SectionsCase

    Corrected = Callable[[NDArray[np.float64], NDArray[np.str_]], NDArray[np.float64]]

_COMPONENTS = 50
_NEAREST = 10
_MEANS = 2


def matched(case: SectionsCase, found: Mapping[str, NDArray[np.str_]]) -> dict[str, list[str]]:
    """Name each section's domains after those of the section with most tables.

    Two domains are alike as far as their mean profiles correlate, each column standardised within
    its section, in the tables that both sections have; each is matched to one.

    Parameters
    ----------
    case
        The sections.
    found
        Domains of each, found alone.
    """
    hub = max(case.tables, key=lambda section: len(case.tables[section]))
    names: dict[str, list[str]] = {}
    for section, own in found.items():
        domains = np.unique(own)
        theirs = np.unique(found[hub])
        shared = [name for name in case.tables[section] if name in case.tables[hub]]
        here = _profiles(case, section, own, shared)
        there = _profiles(case, hub, found[hub], shared)
        alike = np.asarray(np.corrcoef(here, there))[: len(domains), len(domains) :]
        rows, columns = linear_sum_assignment(-alike)
        of = {domains[row]: str(theirs[column]) for row, column in zip(rows, columns, strict=True)}
        names[section] = [of.get(domain, f"{section}-{domain}") for domain in own]
    return names


def concatenated(case: SectionsCase, corrected: Corrected | None) -> NDArray[np.float64]:
    """Components of all sections side by side, gaps filled by the nearest spots, averaged in space.

    Parameters
    ----------
    case
        The sections.
    corrected
        Takes components and the section of each row, and gives them without what differs between
        sections; None leaves them.

    Returns
    -------
    Shape (n_spots, n_axes), section by section.
    """
    tables = list(dict.fromkeys(name for own in case.tables.values() for name in own))
    parts = {name: _components(case, name, corrected) for name in tables}
    for name in tables:
        for section, own in case.tables.items():
            if section not in parts[name]:
                parts[name][section] = _filled(case, parts, name, section, list(own))
    joined = side_by_side(np.vstack([parts[name][s] for s in case.tables]) for name in tables)
    ends = np.cumsum(list(case.n_spots.values()))[:-1]
    averaged = []
    for section, block in zip(case.tables, np.split(joined, ends), strict=True):
        mean = mean_over(neighbor_graph(case.coordinates(section), SPATIAL_NEIGHBORS), itself=True)
        for _ in range(_MEANS):
            block = mean @ block
        averaged.append(block)
    return np.vstack(averaged)


def _components(
    case: SectionsCase, name: str, corrected: Corrected | None
) -> dict[str, NDArray[np.float64]]:
    having = [section for section, own in case.tables.items() if name in own]
    values = [_comparable(case.tables[section][name]) for section in having]
    sizes = [len(block) for block in values]
    joined = np.vstack(values)
    wanted = min(_COMPONENTS, *joined.shape)
    found = PCA(wanted, svd_solver="full").fit_transform(joined)
    if corrected is not None and len(having) > 1:
        found = corrected(found, np.repeat(having, sizes))
    return dict(zip(having, np.split(found, np.cumsum(sizes)[:-1]), strict=True))


def _filled(
    case: SectionsCase,
    parts: Mapping[str, Mapping[str, NDArray[np.float64]]],
    name: str,
    section: str,
    known: list[str],
) -> NDArray[np.float64]:
    """The mean of the nearest spots, in a table that both have, of sections that have the other."""
    bridges = [
        (table, other)
        for table in known
        for other, own in case.tables.items()
        if table in own and name in own
    ]
    table = bridges[0][0]
    others = [other for through, other in bridges if through == table]
    near = NearestNeighbors(n_neighbors=_NEAREST).fit(np.vstack([parts[table][o] for o in others]))
    values = np.vstack([parts[name][o] for o in others])
    filled: NDArray[np.float64] = values[near.kneighbors(parts[table][section])[1]].mean(axis=1)
    return filled


def _profiles(
    case: SectionsCase, section: str, domains: NDArray[np.str_], tables: list[str]
) -> NDArray[np.float64]:
    values = np.hstack([_comparable(case.tables[section][name]) for name in tables])
    values = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-12)
    return np.stack([values[domains == domain].mean(axis=0) for domain in np.unique(domains)])


def _comparable(table: AnnData) -> NDArray[np.float64]:
    """Logarithms of counts per ten thousand."""
    counts = table.X.toarray() if hasattr(table.X, "toarray") else np.asarray(table.X)
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    logged: NDArray[np.float64] = np.log1p(counts.astype(np.float64) / total * 1e4)
    return logged

"""A run written into a table in place: columns, embedding, graphs, record."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.data.matching import WELL
from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError, TRSMIWarning
from napari_trsmi.scverse.graphs import graph_name, run_graphs, write_graph
from napari_trsmi.scverse.picture import libraries, write_picture
from napari_trsmi.scverse.places import KEY, SPATIAL, Places
from napari_trsmi.scverse.scales import write_scales
from napari_trsmi.scverse.sections import write_predicted, write_sections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_trsmi.result import TRSMIResult


def write_run(
    result: TRSMIResult, tables: Mapping[str, Any], key: str = KEY, *, graphs: bool = True
) -> None:
    """Write a run into tables, in place.

    Parameters
    ----------
    result
        The run.
    tables
        AnnData or MuData by what messages call them. Spots are matched by name.
    key
        What the run is called.
    graphs
        Whether the graphs are written too.

    Raises
    ------
    InputError
        If a table names spots twice, or shares none with the run; no table has been changed then.

    Warns
    -----
    TRSMIWarning
        If a table has spots that the run left out: they get no domain, and NaN elsewhere.
    """
    places = Places(key)
    rows = {label: _rows(table.obs_names, result, label) for label, table in tables.items()}
    made = run_graphs(result, places) if graphs else {}
    for label, table in tables.items():
        scales = _write_spots(result, table, rows[label], places)
        for name, graph in made.items():
            write_graph(table, rows[label], graph_name(table, name, places), graph)
        if hasattr(table, "X") and not libraries(table) and result.sections is None:
            write_picture(result, table, places.key)
        if hasattr(table, "X"):
            write_predicted(result, table, places)
        fitted = {} if result.fitted is None else {"fitted": result.fitted.to_dict()}
        table.uns[places.key] = {
            "record": json.dumps(result.record),
            "history": result.history,
            "diameter_known": result.spot_diameter is not None,
            "square_spots": result.square_spots,
            "modalities": np.array(list(result.modality_weights), dtype=object),
            "further_images": np.array(list(result.further_images), dtype=object),
            "annotations": np.array(
                [c for c in result.annotations if c in table.obs and not places.owns(c)],
                dtype=object,
            ),
            **scales,
            **fitted,
        }
    for label, table in tables.items():  # once all is written: a warning may be made an error
        left_out = table.n_obs - int(np.count_nonzero(rows[label] >= 0))
        if left_out:
            warnings.warn(
                f"{counted(left_out, 'spot')} of {label} took no part in the run: no domain, and "
                "NaN for numbers.",
                TRSMIWarning,
                stacklevel=4,
            )


def _rows(names: pd.Index, result: TRSMIResult, label: str) -> NDArray[np.intp]:
    """Return the row of `names` of each of the run's spots, -1 where there is none."""
    if not names.is_unique:
        twice = names[names.duplicated()][0]
        raise InputError(
            f"{label} names spot {twice!r} twice. Call obs_names_make_unique() before the run."
        )
    spots = result.domains.index.astype(str)
    rows: NDArray[np.intp] = names.get_indexer(spots)
    if not np.any(rows >= 0):  # as two tables are matched
        bare = names.str.replace(WELL, "", regex=True)
        rows = bare.get_indexer(spots) if bare.is_unique else rows
    if not np.any(rows >= 0):
        raise InputError(
            f"{label} shares no spot with the run: it has {names[0] if len(names) else 'none'!r}, "
            f"the run {result.domains.index[0]!r}. Pass the table that was run."
        )
    return rows


def _write_spots(
    result: TRSMIResult, table: Any, rows: NDArray[np.intp], places: Places
) -> dict[str, NDArray[Any]]:
    """Write what each spot has; returns what the record says of the scales."""
    found = rows >= 0

    def spread(values: NDArray[Any], missing: Any) -> NDArray[Any]:
        """Give each spot of the table its value."""
        everywhere = np.full((table.n_obs, *values.shape[1:]), missing, dtype=values.dtype)
        everywhere[rows[found]] = values[found]
        return everywhere

    for column in [column for column in table.obs if places.owns(column)]:
        del table.obs[column]
    domains = result.domains.cat
    codes = spread(np.asarray(domains.codes, dtype=np.intp), -1)
    table.obs[places.domain] = pd.Categorical.from_codes(codes, domains.categories)
    table.obs[places.confidence] = spread(np.asarray(result.confidence, dtype=np.float64), np.nan)
    for name, weights in result.modality_weights.items():
        values = spread(np.asarray(weights, dtype=np.float64), np.nan)
        table.obs[places.weight(str(name))] = values
    table.obsm[places.embedding] = spread(result.embedding, np.nan)
    if SPATIAL not in table.obsm:
        table.obsm[SPATIAL] = spread(result.coordinates, np.nan)
    write_sections(result, table, spread, places)
    table.uns[places.colors] = list(result.colors.values())
    return write_scales(result, table, spread, places)

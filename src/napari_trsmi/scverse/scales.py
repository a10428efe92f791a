"""The domains of a run at all of its scales, in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData
    from numpy.typing import NDArray

    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.scverse.places import Places

_SCALES, _NAMES = "scales", "scale_names"


def write_scales(
    result: TRSMIResult,
    table: Any,
    spread: Callable[[NDArray[Any], Any], NDArray[Any]],
    places: Places,
) -> dict[str, NDArray[Any]]:
    """Write the domains' numbers and confidence at each scale into ``obsm``.

    Parameters
    ----------
    result
        The run.
    table
        AnnData or MuData.
    spread
        Gives each spot of the table its value, others the one given.
    places
        Names.

    Returns
    -------
    dict
        What the record in ``uns`` has to say of them; empty if the run found one scale alone.
    """
    if not result.scales:
        for name in (places.domain_by_scale, places.confidence_by_scale):
            table.obsm.pop(name, None)
        return {}
    columns = [result.domains_by_scale[scale].cat for scale in result.scales]
    codes = np.column_stack([np.asarray(column.codes, dtype=np.int16) for column in columns])
    table.obsm[places.domain_by_scale] = spread(codes, -1)
    table.obsm[places.confidence_by_scale] = spread(result.confidence_by_scale.to_numpy(), np.nan)
    return {
        _SCALES: np.array(result.scales),
        _NAMES: np.array(list(columns[0].categories), dtype=object),
    }


def read_scales(
    adata: AnnData, part: NDArray[np.bool_], places: Places
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Domains and confidence at each scale, of the spots that took part; no columns if not stored.

    Parameters
    ----------
    adata
        The table.
    part
        Which spots took part, shape (n_obs,).
    places
        Names.
    """
    codes = adata.obsm.get(places.domain_by_scale)
    stored = adata.uns[places.key]
    if codes is None or _SCALES not in stored:
        return pd.DataFrame(), pd.DataFrame()
    names = pd.Index([str(name) for name in stored[_NAMES]])
    scales = [float(scale) for scale in stored[_SCALES]]
    spots = adata.obs_names[part]
    numbers = np.asarray(codes)[part].astype(np.int64)
    domains = pd.DataFrame(
        {
            scale: pd.Categorical.from_codes(column, names)
            for scale, column in zip(scales, numbers.T, strict=True)
        },
        index=spots,
    )
    confidence = np.asarray(adata.obsm[places.confidence_by_scale], dtype=np.float32)[part]
    return domains, pd.DataFrame(confidence, index=spots, columns=scales)

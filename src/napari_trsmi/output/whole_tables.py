"""A result in the tables that it is of: counts, layers, features, picture, and the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_trsmi.data.loading import original_tables
from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError
from napari_trsmi.scverse.picture import write_picture
from napari_trsmi.scverse.places import SPATIAL, Places

if TYPE_CHECKING:
    from anndata import AnnData

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.result import TRSMIResult


def whole_tables(result: TRSMIResult, dataset: SpatialOmics) -> dict[str, AnnData]:
    """Return copies of a data set's tables with a run in them.

    Parameters
    ----------
    result
        The run. Its spots are those of the copies, in its order.
    dataset
        What was run (`napari_trsmi.load`).

    Returns
    -------
    By modality. ``X``, layers, ``raw``, ``var`` and all else are as they came; ``obs`` has the
    annotations of all tables; `TRSMIResult.write_to` says what is added.

    Raises
    ------
    InputError
        If a file is gone, or its spots are others now.
    """
    places = Places()
    written = {}
    for name, table in original_tables(dataset).items():
        rows = table.obs_names.get_indexer(result.domains.index.astype(str))
        if (rows < 0).any():
            raise InputError(
                f"{counted(int((rows < 0).sum()), 'spot')} of the run are not in table {name} as "
                "it is now. Put the file back that was run, or save the domains alone."
            )
        whole = table[rows].copy()
        own = whole.obs.drop(columns=[c for c in whole.obs if places.owns(c)])
        obs = result.annotations[[c for c in result.annotations if not places.owns(c)]].copy()
        obs.index = whole.obs_names
        whole.obs = obs.join(own.drop(columns=obs.columns, errors="ignore"))
        whole.obsm[SPATIAL] = result.coordinates
        result.write_to(whole)
        write_picture(result, whole)
        written[name] = whole
    return written

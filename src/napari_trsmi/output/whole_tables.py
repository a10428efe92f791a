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


DOMAINS = "domains"
"""What the run alone is called beside tables of which none has all spots."""


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
    annotations of all tables; `TRSMIResult.write_to` says what is added. Of several sections a
    table has the spots of those that have it, and one that all have comes first; if there is none
    that is ``domains``, which has all spots and no counts.

    Raises
    ------
    InputError
        If a file is gone, or its spots are others now.
    """
    places = Places()
    written: dict[str, AnnData] = {}
    lacking = {m.name: m.measured for m in dataset.modalities if m.measured is not None}
    tables = original_tables(dataset)
    if lacking and len(lacking) == len(tables):
        written[DOMAINS] = result.to_anndata()
    for name in sorted(tables, key=lambda name: name in lacking):
        table = tables[name] if name not in lacking else tables[name][lacking[name]]
        rows = table.obs_names.get_indexer(result.domains.index.astype(str))
        own_spots = rows >= 0
        if name in lacking:
            rows = rows[own_spots]
        elif not own_spots.all():
            raise InputError(
                f"{counted(int((rows < 0).sum()), 'spot')} of the run are not in table {name} as "
                "it is now. Put the file back that was run, or save the domains alone."
            )
        whole = table[rows].copy()
        own = whole.obs.drop(columns=[c for c in whole.obs if places.owns(c)])
        obs = result.annotations.loc[
            own_spots, [c for c in result.annotations if not places.owns(c)]
        ].copy()
        obs.index = whole.obs_names
        whole.obs = obs.join(own.drop(columns=obs.columns, errors="ignore"))
        whole.obsm[SPATIAL] = result.coordinates[own_spots]
        result.write_to(whole)
        write_picture(result, whole)
        written[name] = whole
    return written

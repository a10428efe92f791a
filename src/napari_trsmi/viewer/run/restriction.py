"""A run restricted to what was drawn: only spots inside the shapes or strokes of a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.data.checks import MIN_SPOTS
from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.regions import region_of

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Layer

    from napari_trsmi.viewer.run.places import SpotPlaces


def inside(layer: Layer, places: SpotPlaces, shared: pd.Index) -> tuple[SpotPlaces, str]:
    """Keep the spots in a region.

    Parameters
    ----------
    layer
        Shapes or Labels.
    places
        Of all spots.
    shared
        The spots that the run would have.

    Returns
    -------
    tuple
        The places of spots that lie in a region, and a sentence that says how many they are.

    Raises
    ------
    InputError
        If nothing is drawn, or there are too few spots in it.
    """
    kept = region_of(layer, places.world).codes >= 0
    n_kept = int(np.count_nonzero(places.names[kept].isin(shared)))
    if n_kept < MIN_SPOTS:
        raise InputError(
            f"Only {counted(n_kept, 'spot')} inside {layer.name!r}: {MIN_SPOTS} are the least. "
            "Draw around more, or choose all spots."
        )
    note = f"{n_kept:,} of {counted(len(shared), 'spot')}: those inside {layer.name!r}."
    return places.only(kept), note

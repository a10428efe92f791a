"""Spots of a run and what is drawn on them: their regions as labels, and as a selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_trsmi.errors import InputError
from napari_trsmi.viewer.plane import Plane
from napari_trsmi.viewer.regions import region_of

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_trsmi.viewer.domains.layer import DomainLayer


def regions_of_spots(drawn: Layer, domains: DomainLayer) -> pd.Series:
    """Return which region of a Shapes or Labels layer each spot of a run lies in, NaN for none.

    Raises
    ------
    InputError
        If nothing is drawn, or no spot lies in it.
    """
    points = domains.layer
    world = Plane.of(points).to_world(np.asarray(points.data, dtype=np.float64)[:, -2:])
    found = region_of(drawn, world)
    if (found.codes < 0).all():
        raise InputError(f"No spot of {points.name!r} lies in what {drawn.name!r} has drawn.")
    return pd.Series(found, index=domains.edits.result().domains.index)


def select_inside(drawn: Layer, domains: DomainLayer) -> None:
    """Select the spots that lie in what a layer has drawn, and no others.

    Raises
    ------
    InputError
        If nothing is drawn, or no spot lies in it.
    """
    inside = regions_of_spots(drawn, domains).notna().to_numpy()
    domains.select_spots(np.flatnonzero(inside))

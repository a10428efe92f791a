"""What a Points layer does spot by spot, done for all at once."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari.layers import Points
    from numpy.typing import NDArray
    from psygnal.containers import Selection

    from napari_trsmi.viewer.many.raster import SpotRaster


def quicken(layer: Points, raster: Callable[[], SpotRaster | None]) -> Selection[int]:
    """Have a layer select, mark and find its spots without looking at each of them.

    Selecting tells of every spot singly, marking copies the selection with every step of the wheel,
    and what lies under the pointer is sought among all: seconds for a million spots. All of it
    stays as it is for whoever uses the layer.

    Parameters
    ----------
    layer
        The layer. Its marks are left to what draws it: `Points._set_highlight` sees no selection.
    raster
        Returns where the spots are seen; None if they are drawn otherwise.

    Returns
    -------
    The layer's selection.
    """
    selection: Selection[int] = layer.selected_data
    for name in ("_set_highlight", "_get_value"):
        vars(layer).pop(name, None)  # of an earlier window
    kind, of_selection = type(layer), type(selection)
    held, nothing, own = selection._data, of_selection(), ref(layer)

    def add_all(*others: Iterable[int]) -> None:
        added = [spot for spot in dict.fromkeys(chain(*others)) if spot not in held]
        if len(added) < 2:
            of_selection.update(selection, added)
            return
        held.update(dict.fromkeys(added))
        selection._emit_change(tuple(added), ())

    def keep_only(*others: Iterable[int]) -> None:
        removed = set(held).difference(*others)
        if len(removed) < 2:
            of_selection.intersection_update(selection, *others)
            return
        if len(removed) == len(held):
            held.clear()
        for spot in removed if held else ():
            del held[spot]
        selection._emit_change((), tuple(removed))

    def mark_nothing(force: bool = False) -> None:
        layer = own()
        if layer is None:
            return
        layer._selected_data = nothing
        try:
            kind._set_highlight(layer, force)
        finally:
            layer._selected_data = selection

    def find_seen(position: Any) -> int | None:
        layer, seen = own(), raster()
        if layer is None:
            return None
        if seen is None:
            found: int | None = kind._get_value(layer, position)
            return found
        row, column = (position[axis] for axis in layer._slice_input.displayed)
        return seen.at(float(row), float(column))

    for owner, name, quick in (
        (selection, "update", add_all),
        (selection, "intersection_update", keep_only),
        (layer, "_set_highlight", mark_nothing),
        (layer, "_get_value", find_seen),
    ):
        setattr(owner, name, quick)
    return selection


def indices(selection: Selection[int]) -> NDArray[np.intp]:
    """Selected spots, ascending."""
    found = np.fromiter(selection, dtype=np.intp, count=len(selection))
    found.sort()
    return found

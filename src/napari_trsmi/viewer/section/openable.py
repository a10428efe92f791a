"""Which of the files of a download are tables that can be opened."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from napari_trsmi.viewer.section.reading import get_reader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_ENDINGS = {".h5ad", ".h5mu"}  # the reader would look into whatever it is given


def openable(paths: Iterable[Path], top: Path) -> list[Path]:
    """Return what `napari_trsmi.open` reads of these files, in order.

    Parameters
    ----------
    paths
        Files in `top`.
    top
        Where they all lie.

    Returns
    -------
    Folders that the reader accepts, such as a SpatialData store, instead of the files in them; and
    tables.
    """
    is_read = cache(lambda place: get_reader(str(place)) is not None)
    found: dict[Path, None] = {}
    for path in paths:
        folders = [top / folder for folder in reversed(path.relative_to(top).parents[:-1])]
        store = next(filter(is_read, folders), None)
        if store is not None:
            found[store] = None
        elif path.suffix in _ENDINGS and is_read(path):
            found[path] = None
    return list(found)

"""What is dropped on the window, sorted: what this package reads, and in which parts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_trsmi.data.reading.delimited import is_delimited
from napari_trsmi.viewer.section.drawn_areas import is_geojson
from napari_trsmi.viewer.section.reading import get_reader
from napari_trsmi.viewer.session.saving import is_session

if TYPE_CHECKING:
    from collections.abc import Sequence

PLUGIN = "napari-trsmi"
_OWN = (".h5ad", ".h5mu", ".h5", ".gem", ".gem.gz", ".geojson")
_LINKS = ("http://", "https://", "s3://")


def sorted_drop(paths: Sequence[str]) -> tuple[list[tuple[str, str | None]], list[list[str]]]:
    """Part what is dropped into what napari reads, and what this package does.

    Parameters
    ----------
    paths
        Files and folders, in the order of the drop.

    Returns
    -------
    others
        Pictures, napari's own files, and what a person has chosen another reader for; with the
        reader that is left where this package would be asked for in vain, or None.
    sections
        Sessions, and what is read as one section each. Text tables that are dropped together are
        one, with the table of positions among them.
    """
    others: list[tuple[str, str | None]] = []
    sessions: list[list[str]] = []  # first: they take the place of what is open
    sections: list[list[str]] = []
    texts: list[str] = []
    drawn: list[list[str]] = []  # last: it lies on what else was dropped
    for path in paths:
        if not _is_for_us(path):
            others.append((path, _left_alone(path)))
        elif is_delimited(Path(path)):
            texts.append(path)
        elif is_geojson(Path(path)):
            drawn.append([path])
        elif is_session(Path(path)):
            sessions.append([path])
        else:
            sections.append([path])
    return others, [*sessions, *sections, *([texts] if texts else []), *drawn]


def _left_alone(path: str) -> str | None:
    """Return the one reader beside this package, if napari would ask which of the two."""
    from napari.plugins._npe2 import get_readers
    from napari.plugins.utils import get_preferred_reader

    if path.startswith(_LINKS) or get_preferred_reader(path) is not None:
        return None
    named = list(get_readers(path))
    left = [reader for reader in named if reader != PLUGIN]
    return left[0] if PLUGIN in named and len(left) == 1 else None


def _is_for_us(path: str) -> bool:
    from napari.plugins.utils import get_preferred_reader

    if path.startswith(_LINKS) or get_preferred_reader(path) not in (None, PLUGIN):
        return False
    known = Path(path).name.lower().endswith(_OWN)
    return (known or Path(path).is_dir() or is_delimited(Path(path))) and (
        get_reader(path) is not None
    )

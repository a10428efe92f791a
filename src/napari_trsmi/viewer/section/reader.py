"""What napari calls for a reader: it says that a file is loading before anything large is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_trsmi.viewer.section.reading import Reader


def get_reader(path: str | list[str]) -> Reader | None:
    """Return the reader of what is opened, as `napari_trsmi.viewer.section.reading.get_reader`."""
    from napari import current_viewer

    say_loading(current_viewer(), path)
    from napari_trsmi.viewer.section.reading import get_reader as reader_of

    return reader_of(path)


def say_loading(viewer: ViewerModel | None, path: str | list[str]) -> None:
    """Say in the window's status what is loading; its tables may take a while.

    Parameters
    ----------
    viewer
        The window, if there is one.
    path
        What is opened.
    """
    if viewer is None:
        return
    from napari.utils import progress

    first = Path(path if isinstance(path, str) else path[0])
    viewer.status = f"Loading {first.name} …"
    progress(total=0, desc=f"Loading {first.name}").close()  # napari draws the window then

"""Packages that only some uses need, and the line that installs them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_trsmi.errors import MissingPackageError

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTRAS = {
    "distributed": "cluster",
    "magicgui": "napari",
    "matplotlib": "plot",
    "napari": "napari",
    "openpyxl": "excel",
    "psygnal": "napari",
    "qtpy": "napari",
    "spatialdata": "spatialdata",
    "spatialdata_io": "platforms",
    "superqt": "napari",
    "umap": "plot",
}
"""The extra that brings a module which compute alone does without."""


def install_line(extra: str) -> str:
    """Return the line that installs an extra."""
    return f"pip install 'napari-trsmi[{extra}]'"


@contextmanager
def needed_for(use: str) -> Iterator[None]:
    """Say what a use needs, and how to install it, when an import inside the block fails.

    Parameters
    ----------
    use
        Begins the message, such as ``"Drawing a figure"``.

    Raises
    ------
    MissingPackageError
        When a package of `EXTRAS` is not installed. One that is there and broken, or that nothing
        here knows, raises its own ImportError.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        line = install_line(EXTRAS[package])
        raise MissingPackageError(
            f"{use} needs {package}, which is not installed: {line}."
        ) from error

"""The pictures of a session: of a section or a run, or in a file of their own."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.layers import Image

    from napari_trsmi.data.dataset import SpatialOmics, TissueImage
    from napari_trsmi.result import TRSMIResult

_OWN_READER = "napari-trsmi"
_PART = 1 << 20  # bytes at each end of a file that tell it from another


def owner_of(layer: Image, owners: Sequence[SpatialOmics | TRSMIResult | None]) -> int | None:
    """Return the place of the section or run whose tissue image a layer shows; None for none."""
    levels = list(layer.data) if layer.multiscale else [layer.data]
    for at, owner in enumerate(owners):
        image: TissueImage | None = None if owner is None else owner.image
        if image is not None and any(level is image.pixels for level in levels):
            return at
    return None


def file_of(layer: Image) -> dict[str, Any] | None:
    """Where a picture was opened from, in plain JSON types; None if it was from no file."""
    path, reader = layer.source.path, layer.source.reader_plugin
    if not path or not reader or reader == _OWN_READER or not Path(path).is_file():
        return None
    return {"path": str(Path(path).absolute()), "reader": reader, "print": _fingerprint(Path(path))}


def check_file(noted: Mapping[str, Any]) -> None:
    """Check that a picture's file is there, and still the same.

    Raises
    ------
    InputError
        If it is not.
    """
    path = Path(noted["path"])
    if not path.is_file():
        raise InputError(f"There is no file {path}. Put it back, or open the picture by itself.")
    if _fingerprint(path) != noted["print"]:
        raise InputError(f"{path} has changed since the session was saved. Open it by itself.")


def _fingerprint(path: Path) -> str:
    """Return the size and a hash of both ends: slides are too large to be read whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        sha = hashlib.sha256(file.read(_PART))
        file.seek(max(size - _PART, 0))
        sha.update(file.read(_PART))
    return f"{size}:{sha.hexdigest()}"

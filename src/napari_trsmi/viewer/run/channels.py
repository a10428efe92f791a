"""What the channels of an image layer are called: napari keeps a stack, and drops their names."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from napari_trsmi.data.reading.guard import guarded
from napari_trsmi.data.reading.tiff import tiff_channels
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from napari.layers import Image

_TIFF = (".tif", ".tiff")


def told_channels(layer: Image) -> tuple[str, ...]:
    """Names by the TIFF that a layer was opened from (OME, ImageJ); empty if it tells none."""
    path = layer.source.path
    if layer.rgb or layer.ndim < 3 or path is None or not path.lower().endswith(_TIFF):
        return ()
    with suppress(InputError), guarded(Path(path)):
        return tiff_channels(Path(path))[1]
    return ()

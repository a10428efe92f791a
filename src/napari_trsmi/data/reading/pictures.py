"""Picture files of any size as a tissue image: whole if it is handy, else reduced, with levels."""

from __future__ import annotations

import gzip
import threading
import warnings
from contextlib import contextmanager
from io import BytesIO
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.reading.colors import as_rgb
from napari_trsmi.data.reading.memory import check_room
from napari_trsmi.data.reading.turns import ORIENTATION, is_turned, turned
from napari_trsmi.errors import InputError, TRSMIError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from PIL import Image as PILImage

MAX_PIXELS = 2**27
"""What is kept in memory of a picture: .4 GB. A larger one is reduced, and shown by its levels."""

_FORMATS = ("PNG", "JPEG", "JPEG2000", "WEBP", "BMP", "GIF", "PPM")  # none runs a program
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_LARGEST_PACKED = 2**31
_LIMIT = threading.Lock()


def read_picture(path: Path, notes: list[str]) -> TissueImage:
    """Read a picture file, told by its content.

    Parameters
    ----------
    path
        TIFF of any kind (OME, pyramids, .svs), PNG, JPEG, JPEG 2000, WebP or BMP, also ``.gz``.
    notes
        Gets a sentence for each thing that was done to it.

    Returns
    -------
    The picture; its scale is the pixels kept per pixel of the file, 1 unless it was reduced.

    Raises
    ------
    InputError
        When it is no colour picture, or does not fit the memory.
    """
    if not path.exists():
        raise InputError(f"There is no image {path}. Check the path.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = _unpacked(path) if path.suffix == ".gz" else None
            with BytesIO(content) if content is not None else path.open("rb") as file:
                start = file.read(4)
            if start in _TIFF:
                from napari_trsmi.data.reading.tiff import read_tiff

                return read_tiff(path if content is None else BytesIO(content), path.name, notes)
            return _read_with_pillow(path if content is None else BytesIO(content), path, notes)
    except (TRSMIError, MemoryError):
        raise
    except Exception as error:  # damaged files make the decoders raise anything
        reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
        raise InputError(
            f"{path} cannot be read as an image: {reason.rstrip('.')}. Save it as PNG, JPEG or "
            "TIFF."
        ) from error


def reduction(height: int, width: int) -> int:
    """Return the whole factor that brings a picture to a handy size, 1 if it has it."""
    return max(1, ceil(sqrt(height * width / MAX_PIXELS)))


def reduced_note(name: str, height: int, width: int, factor: int) -> str:
    """Say that a picture is kept smaller than it is."""
    return (
        f"{name} has {width:,} x {height:,} pixels: it is kept at 1/{factor} of its width and "
        "height, and its scale with it."
    )


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as file:
        content = file.read(_LARGEST_PACKED + 1)
    if len(content) > _LARGEST_PACKED:
        raise InputError(
            f"{path} unpacks to more than 2 GB. Unpack it first, and pass the picture."
        )
    return content


def _read_with_pillow(file: Path | BytesIO, path: Path, notes: list[str]) -> TissueImage:
    from PIL import Image

    with _no_limit(), Image.open(file, formats=_FORMATS) as image:
        width, height = image.size
        factor = reduction(height, width)
        check_room(8 * width * height, f"The picture {path.name} ({width:,} x {height:,} pixels)")
        if factor > 1:
            image.draft(
                "RGB", (width // factor, height // factor)
            )  # JPEG is smaller from the start
        frames = int(getattr(image, "n_frames", 1))
        if frames > 1 and image.format != "MPO":  # a camera's previews
            notes.append(f"{path.name} holds {frames} pictures: the first is used.")
        turn = int(image.getexif().get(ORIENTATION, 1))
        left = max(1, round(factor * max(image.size) / max(width, height)))
        colors = _colors(image)
        if left > 1:
            colors = colors.reduce(left)
        pixels = as_rgb(np.asarray(colors), f"The picture {path.name}")
    scale = max(pixels.shape[:2]) / max(width, height) if factor > 1 else 1.0
    if factor > 1:
        notes.append(reduced_note(path.name, height, width, factor))
    if is_turned(turn):
        notes.append(f"{path.name} is turned as its EXIF orientation says.")
    return TissueImage(turned(pixels, turn), scale)


def _colors(image: PILImage.Image) -> PILImage.Image:
    """Return grey, RGB or RGBA, or numbers of more bits as they are."""
    mode = image.mode
    if mode in {"P", "PA", "LA", "La", "RGBa"} or "transparency" in image.info:
        return image.convert("RGBA")
    if mode in {"1", "CMYK", "YCbCr", "HSV", "LAB"}:
        return image.convert("RGB")
    return image


@contextmanager
def _no_limit() -> Iterator[None]:
    """Lift Pillow's limit of 178 million pixels: the memory that is free is ours."""
    from PIL import Image

    with _LIMIT:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def levels_as_rgb(levels: list[Any], label: str, top: float) -> tuple[Any, ...]:
    """Return lazy levels, (height, width, channels), as lazy 8-bit RGB."""
    return tuple(
        level.map_blocks(as_rgb, label, top, dtype=np.uint8, chunks=(*level.chunks[:2], (3,)))
        for level in levels
    )

"""Pixels of any type as 8-bit RGB, in the picture's own colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DEPTHS = (8, 10, 12, 14, 16)
"""Bits of a camera or a file."""

_ROWS = 1 << 22  # pixels that are converted at a time: the parts are several times as large


def as_rgb(pixels: NDArray[Any], label: str, top: float | None = None) -> NDArray[np.uint8]:
    """Return (height, width, 3) ``uint8`` of grey, RGB or RGBA.

    What is transparent shows white, as on a page.

    Parameters
    ----------
    pixels
        Shape (height, width) or (height, width, channels), of whole numbers up to 16 bit, or of
        floats in 0..1 or 0..255.
    label
        How messages call it.
    top
        The number that stands for white, where the whole picture is known; else `white_of` these.

    Raises
    ------
    InputError
        For other shapes and numbers.
    """
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    if pixels.ndim != 3 or pixels.shape[2] not in {1, 3, 4} or 0 in pixels.shape:
        raise InputError(
            f"{label} has shape {pixels.shape}. Pass (height, width, 3): one RGB picture."
        )
    if top is None:
        top = white_of(pixels, label)
    if pixels.dtype == np.uint8 and pixels.shape[2] == 3 and top == 255:
        rgb: NDArray[np.uint8] = np.asarray(pixels)
        return rgb
    converted = np.empty((*pixels.shape[:2], 3), dtype=np.uint8)
    step = max(1, _ROWS // pixels.shape[1])
    for row in range(0, len(pixels), step):
        part = pixels[row : row + step].astype(np.float32) * np.float32(255 / top)
        colors = part[..., :3]
        if part.shape[2] == 4:
            alpha = part[..., 3:] / 255
            colors = colors * alpha + 255 * (1 - alpha)
        converted[row : row + step] = np.rint(np.clip(colors, 0, 255))
    return converted


def white_of(pixels: NDArray[Any], label: str) -> float:
    """Return the number that stands for white.

    The largest one of the usual depths that the values need: a camera of 12 bits in a file of 16
    would be black otherwise. Relative to it the colours stay as they are.

    Raises
    ------
    InputError
        If the values are no colours.
    """
    if pixels.dtype == np.bool_:
        return 1.0
    if pixels.dtype == np.uint8:
        return 255.0
    low, high = float(pixels.min()), float(pixels.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(
            f"{label} has pixels that are no numbers (NaN or infinite). Fill them, or cut them off."
        )
    if low >= 0 and pixels.dtype.kind in "iu" and high <= 2**16 - 1:
        return next(float(2**bits - 1) for bits in _DEPTHS if high <= 2**bits - 1)
    if low >= 0 and pixels.dtype.kind == "f" and high <= 255:
        return 1.0 if high <= 1 else 255.0
    raise InputError(
        f"{label} holds {pixels.dtype} values from {low:g} to {high:g}, which are no colours. Pass "
        "uint8 from 0 to 255, up to 16 bit, or floats from 0 to 1."
    )


def from_cmyk(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return RGB of inks, 0 for none of it, shape (height, width, 4) or with alpha (…, 5)."""
    inks = 255 - pixels[..., :4].astype(np.uint16)
    rgb: NDArray[np.uint8] = (inks[..., :3] * inks[..., 3:] // 255).astype(np.uint8)
    return rgb

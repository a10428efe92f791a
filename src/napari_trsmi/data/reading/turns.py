"""Which way up a picture is: the orientation tag of TIFF and EXIF."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ORIENTATION = 274
"""The tag."""

# TIFF 6.0, section 8: first transposed, then flipped upside down, then from left to right.
_TURNS = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def is_turned(orientation: int) -> bool:
    """Whether a picture with this orientation is not the way up that it is stored."""
    return orientation in _TURNS


def turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return stored pixels, shape (height, width, 3), the way up that they are meant."""
    transposed, down, across = _TURNS.get(orientation, (False, False, False))
    if transposed:
        pixels = pixels.swapaxes(0, 1)
    if down:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels[:, ::-1] if across else pixels)

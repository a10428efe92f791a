"""The stained picture that lies beside a Xenium section, and its alignment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_trsmi.data.reading.pictures import read_picture
from napari_trsmi.data.reading.spatial_images import placed_picture
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_trsmi.data.dataset import TissueImage

_PIXEL = 0.2125  # micrometres, of the instrument
_PICTURE = "he_image.ome.tif"


def stained_picture(folder: Path, notes: list[str]) -> TissueImage | None:
    """Read a section's H&E, drawn in the frame of its cells' micrometres.

    Parameters
    ----------
    folder
        May hold ``*he_image.ome.tif`` and ``*he_imagealignment.csv``: the matrix from its pixels to
        those of the instrument's own pictures.
    notes
        Gets a sentence that says what was done, or why it is left out.

    Returns
    -------
    None where there is none that can be used.
    """
    found = sorted(folder.glob(f"*{_PICTURE}"))
    if not found:
        notes.append(
            f"{folder.name} holds no stained picture ({_PICTURE}). Its fluorescence is not read: "
            "open morphology_focus in napari by itself."
        )
        return None
    path = found[0]
    alignment = path.with_name(path.name.removesuffix(".ome.tif") + "alignment.csv")
    try:
        picture = read_picture(path, notes)
        matrix = _alignment(alignment)
        to_pixels = np.linalg.inv(matrix) / matrix[2, 2] @ np.diag([1 / _pixel(folder)] * 2 + [1.0])
        shrunk = np.diag([picture.scale, picture.scale, 1.0]) @ to_pixels
        image = placed_picture(path.name, picture.pixels, shrunk, picture.levels)
    except (InputError, np.linalg.LinAlgError) as error:
        notes.append(f"{path.name} is left out: {error}")
        return None
    notes.append(f"{path.name} is drawn in the frame of the cells, at scale {image.scale:.4g}.")
    return image


def _alignment(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    if not path.is_file():
        raise InputError(f"{path.name} is missing, so nothing tells where it lies.")
    try:
        matrix = pd.read_csv(path, header=None).to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path.name} is no matrix of numbers.") from error
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        raise InputError(f"{path.name} is no matrix of 3 x 3 numbers.")
    return matrix


def _pixel(folder: Path) -> float:
    """Micrometres of a pixel of the instrument's pictures."""
    try:
        size = float(json.loads((folder / "experiment.xenium").read_bytes())["pixel_size"])
    except (OSError, ValueError, KeyError, TypeError):
        return _PIXEL
    return size if np.isfinite(size) and size > 0 else _PIXEL

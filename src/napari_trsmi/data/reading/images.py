"""Tissue images: 8-bit RGB, from files, arrays and the ``uns`` of a table."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray


def tissue_image(image: object) -> TissueImage:
    """Make a tissue image of a path, an array (H, W, 3) or a TissueImage.

    Raises
    ------
    InputError
        When it is not an 8-bit image.
    """
    if isinstance(image, TissueImage):
        return TissueImage(as_rgb(image.pixels, "The image"), image.scale)
    if isinstance(image, (str, Path)):
        return TissueImage(read_image(Path(image).expanduser()))
    return TissueImage(as_rgb(np.asarray(image), "The image"))


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an 8-bit image file as RGB, shape (height, width, 3)."""
    from PIL import Image

    if not path.exists():
        raise InputError(f"There is no image {path}. Check the path.")
    try:
        with warnings.catch_warnings():
            # The file is the user's own; beyond twice this size Pillow refuses.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.mode not in {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"}:
                    raise InputError(f"{path} has mode {image.mode}. Save it as 8-bit RGB.")
                rgb: NDArray[np.uint8] = np.asarray(image.convert("RGB"))
                return rgb
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{path} cannot be read as an image: {error}. Save it as PNG, JPEG or TIFF, 8-bit RGB, "
            "and a very large one at a lower resolution, as TissueImage(pixels, scale)."
        ) from error


def as_rgb(pixels: NDArray[Any], label: str) -> NDArray[np.uint8]:
    """Return (height, width, 3) ``uint8`` of grey, RGB or RGBA, ``uint8`` or float in 0..1.

    Raises
    ------
    InputError
        For other shapes and numbers.
    """
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., np.newaxis], 3, axis=2)
    if pixels.ndim != 3 or pixels.shape[2] not in {3, 4} or 0 in pixels.shape:
        raise InputError(
            f"{label} has shape {pixels.shape}. Pass (height, width, 3): one RGB picture."
        )
    pixels = pixels[..., :3]
    if pixels.dtype == np.uint8:
        rgb: NDArray[np.uint8] = np.asarray(pixels)
        return rgb
    if pixels.dtype.kind == "f" and np.all((pixels >= 0) & (pixels <= 1)):
        scaled: NDArray[np.uint8] = np.rint(pixels * 255).astype(np.uint8)
        return scaled
    raise InputError(
        f"{label} holds {pixels.dtype} values that are no 8-bit colours. Pass uint8 from 0 to 255, "
        "or floats from 0 to 1."
    )


def image_of_table(
    table: AnnData, label: str, notes: list[str]
) -> tuple[TissueImage | None, float | None]:
    """Read image, scale and spot diameter from ``uns["spatial"]``, where scanpy keeps them.

    Returns
    -------
    tuple
        The image, high resolution preferred, and the spot diameter in full-resolution pixels;
        None for what is not there.
    """
    libraries = table.uns.get("spatial")
    if not isinstance(libraries, Mapping) or not libraries:
        return None, None
    if len(libraries) > 1:
        notes.append(
            f"Table {label} has images of several sections ({', '.join(map(str, libraries))}): "
            "none is used."
        )
        return None, None
    library = next(iter(libraries.values()))
    if not isinstance(library, Mapping):
        return None, None
    images, factors = library.get("images") or {}, library.get("scalefactors") or {}
    diameter = factors.get("spot_diameter_fullres")
    for resolution in ("hires", "lowres"):
        scale = factors.get(f"tissue_{resolution}_scalef")
        if resolution in images and scale is not None:
            try:
                pixels = as_rgb(np.asarray(images[resolution]), f"The image in table {label}")
            except InputError as error:  # the table is usable without it
                notes.append(f"{error} It is left out.")
                break
            return TissueImage(pixels, float(scale)), _float(diameter)
    return None, _float(diameter)


def _float(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]

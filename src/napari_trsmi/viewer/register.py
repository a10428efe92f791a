"""Layers laid over each other: the same transforms, and a colour that stands out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_LIGHT = 0.4  # of black and white lines, black ones stand out on anything lighter


def register_of(layer: Layer) -> dict[str, Any]:
    """Keyword arguments that lay a new layer of the same coordinates over `layer`."""
    return {
        "scale": layer.scale,
        "translate": layer.translate,
        "rotate": layer.rotate,
        "shear": layer.shear,
        "affine": layer.affine,
        "units": layer.units,
        "axis_labels": layer.axis_labels,
    }


def contrasting_color(viewer: ViewerModel) -> str:
    """Black or white: what stands out from the topmost image, or from the canvas without one."""
    from napari.layers import Image
    from napari.utils.theme import get_theme

    shown = [layer for layer in viewer.layers if isinstance(layer, Image) and layer.visible]
    if shown:
        thumbnail = np.asarray(shown[-1].thumbnail, dtype=np.float64) / 255
        opaque = thumbnail[..., 3] > 0
        colors = thumbnail[..., :3][opaque]
    else:
        colors = np.array([get_theme(viewer.theme).canvas.as_rgb_tuple(alpha=False)]) / 255
    is_light = colors.size > 0 and float((colors @ _LUMINANCE).mean()) > _LIGHT
    return "black" if is_light else "white"

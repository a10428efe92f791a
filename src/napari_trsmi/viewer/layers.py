"""A result as napari layers, in register with the image that it belongs to."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.pitch import spot_pitch
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.attached import attached

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Image, Points

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.result import TRSMIResult

_SAME_SHAPE = 0.02  # relative difference of two images' aspects that rounding explains


def add_domains(
    viewer: ViewerModel,
    result: TRSMIResult,
    image: Image | None = None,
    *,
    dataset: SpatialOmics | None = None,
    name: str = "TRSMI domains",
) -> Points:
    """Add the domains of a result as one Points layer.

    Parameters
    ----------
    viewer
        Where to add it.
    result
        The result.
    image
        The layer that shows the tissue: the points get its transforms and units. It may show
        another resolution of the result's own image. None adds the result's image, if there is
        one, below the points.
    dataset
        The tables that the result was found from, on the same spots in the same order: the layer
        keeps them for colouring by a feature and for markers.
    name
        Of the Points layer. A name that is taken gets a number.

    Returns
    -------
    The Points layer. Its features are ``spot``, ``domain``, ``confidence`` and
    ``weight_<modality>``, and its metadata holds the result, its tables and the colours by
    domain (`napari_trsmi.viewer.attached`).

    Raises
    ------
    InputError
        If `image` is not two-dimensional, or shows another picture than the result's.
    """
    geometry: dict[str, Any] = {}
    if image is not None:
        geometry = _geometry(result, image)
    elif result.image is not None:
        viewer.add_image(
            result.image.pixels, name="Tissue", rgb=True, scale=[1 / result.image.scale] * 2
        )
    return viewer.add_points(
        result.coordinates[:, ::-1],  # napari's order is row, column
        name=name,
        features=_features(result),
        face_color="domain",
        face_color_cycle=result.colors,  # a dict: a list would not follow the categories
        border_width=0,
        size=_diameter(result) * _affine_magnification(image),
        metadata=attached(dataset=dataset, result=result),
        **geometry,
    )


def _features(result: TRSMIResult) -> pd.DataFrame:
    """Return what napari shows of a spot, one row each."""
    weights = result.modality_weights.add_prefix("weight_")
    # String categories: napari turns many integers into a continuous colour map.
    domains = result.domains.cat.rename_categories(str)
    features = weights.assign(domain=domains, confidence=result.confidence)
    features.insert(0, "spot", features.index.astype(str))
    first = ["spot", "domain", "confidence"]
    return features[[*first, *weights.columns]].reset_index(drop=True)


def _geometry(result: TRSMIResult, image: Image) -> dict[str, Any]:
    """Return the transforms that lay coordinates onto the layer's pixels."""
    if image.ndim != 2:
        raise InputError(
            f"Layer {image.name!r} has {image.ndim} dimensions. Pass a two-dimensional image of "
            "the section (RGB colours do not count)."
        )
    return {
        # napari scales first, so that this factor takes coordinates to pixels before all else.
        "scale": np.asarray(image.scale) * _pixels_per_unit(result, image),
        "translate": image.translate,
        "rotate": image.rotate,
        "shear": image.shear,
        "affine": image.affine,
        "units": image.units,
        "axis_labels": image.axis_labels,
    }


def _pixels_per_unit(result: TRSMIResult, image: Image) -> float:
    """Return how many of the layer's pixels a coordinate unit spans, 1 if nothing tells."""
    if result.image is None:
        return 1.0
    shown, own = image.data.shape[:2], result.image.pixels.shape[:2]
    rows, columns = shown[0] / own[0], shown[1] / own[1]
    if abs(rows / columns - 1) > _SAME_SHAPE:
        raise InputError(
            f"Layer {image.name!r} has the shape {shown}, the result's tissue image {own}: they "
            "do not show the same field. Pass the layer that the coordinates belong to."
        )
    return float(result.image.scale * columns)


def _diameter(result: TRSMIResult) -> float:
    """Return the spots' diameter, or their distance from each other if it is not known."""
    if result.spot_diameter is not None:
        return result.spot_diameter
    return spot_pitch(result.coordinates) or 1.0


def _affine_magnification(image: Image | None) -> float:
    """Return how much an image's affine enlarges: napari draws point sizes without it."""
    if image is None:
        return 1.0
    return sqrt(abs(float(np.linalg.det(image.affine.linear_matrix))))

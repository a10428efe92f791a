"""A result as napari layers, in register with the image that it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.viewer.attached import attached, spots_of
from napari_trsmi.viewer.geometry import placement
from napari_trsmi.viewer.keeping import keep
from napari_trsmi.viewer.many.visual import MANY, prepare
from napari_trsmi.viewer.section.grid import put_into_grid
from napari_trsmi.viewer.section.layers import tissue_data
from napari_trsmi.viewer.section.pictures import further_pictures, is_shown, section_pictures

if TYPE_CHECKING:
    from collections.abc import Generator

    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Image, Points
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.viewer.section.layers import LayerData

_OVER_TISSUE = 0.6  # opacity that lets the stain be seen


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
        one, below the points; of several sections that of each.
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
    keep(viewer)
    data, arguments, _ = domains_data(result, name, image, dataset=dataset)
    for pixels, shown, _ in _new_pictures(viewer, result) if image is None else []:
        viewer.add_image(pixels, **shown)
    return viewer.add_points(data, **arguments)


def iter_add_domains(
    viewer: ViewerModel,
    result: TRSMIResult,
    image: Image | None = None,
    *,
    dataset: SpatialOmics | None = None,
    name: str = "TRSMI domains",
    beside: Points | None = None,
) -> Generator[None, None, Points]:
    """`napari_trsmi.add_domains`, with a pause wherever a window can draw itself.

    Making the layer, making its controls and drawing its points each take a window some tens of
    milliseconds.

    Parameters
    ----------
    viewer, result, image, dataset, name
        As for `napari_trsmi.add_domains`.
    beside
        Spots of the section; where these lie in a grid of sections, so do the domains.

    Returns
    -------
    The Points layer.

    Raises
    ------
    InputError
        As `napari_trsmi.add_domains`.
    """
    from napari.layers import Layer

    keep(viewer)
    data, arguments, kind = domains_data(result, name, image, dataset=dataset)
    layer: Points = Layer.create(data, {**arguments, "visible": False}, kind)
    if beside is not None and image is None:
        put_into_grid(layer, beside)
    yield
    for picture in _new_pictures(viewer, result) if image is None else []:
        viewer.add_layer(Layer.create(*picture))
        yield
    viewer.add_layer(layer)
    yield
    layer.visible = True
    return layer


def show_alone(viewer: ViewerModel, layer: Points) -> None:
    """Hide other layers of a run's spots, which would lie under or over it.

    Parameters
    ----------
    viewer
        The window.
    layer
        The run.
    """
    own = spots_of(layer)
    for other in viewer.layers:
        if other is layer or not other.visible:
            continue
        theirs = spots_of(other)
        shared = own is not None and theirs is not None and own.isin(theirs).any()
        if shared and _overlap(layer.extent.world, other.extent.world):
            other.visible = False


def domains_data(
    result: TRSMIResult,
    name: str,
    image: Image | None = None,
    *,
    dataset: SpatialOmics | None = None,
) -> LayerData:
    """The Points layer of `add_domains` as layer data; the arguments are the same."""
    prepare(len(result.domains))
    laid = result.side_by_side()
    arguments = {
        "name": name,
        "features": _features(result),
        **_colors(result),
        "border_width": 0,
        "opacity": 1 if image is None and not _has_pictures(result) else _OVER_TISSUE,
        "metadata": attached(dataset=dataset, result=result),
        **placement(laid, image),
    }
    # napari's order is row, column; and its points may be dragged about
    return laid.coordinates[:, ::-1].copy(), arguments, "points"


def _colors(result: TRSMIResult) -> dict[str, Any]:
    """By domain; of very many spots as they are, which napari would look up one by one."""
    if len(result.domains) > MANY:
        from matplotlib.colors import to_rgba_array

        names = map(str, result.domains.cat.categories)
        table = to_rgba_array([result.colors[name] for name in names])
        return {"face_color": table[result.domains.cat.codes]}
    # a dict: a list would not follow the categories
    return {"face_color": "domain", "face_color_cycle": result.colors}


def _new_pictures(viewer: ViewerModel, result: TRSMIResult) -> list[LayerData]:
    """The picture of a result; of several sections those that are not where they belong yet."""
    if result.image is not None:
        return [tissue_data(result.image), *further_pictures(result)]
    return [picture for picture in section_pictures(result) if not is_shown(viewer, picture)]


def _has_pictures(result: TRSMIResult) -> bool:
    return result.image is not None or bool(result.sections and result.sections.images)


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Tell whether two extents (least and largest of each axis) have a part in common."""
    return bool((np.maximum(one[0], other[0]) <= np.minimum(one[1], other[1])).all())


def _features(result: TRSMIResult) -> pd.DataFrame:
    """Return what napari shows of a spot, one row each."""
    weights = result.modality_weights.add_prefix("weight_")
    # String categories: napari turns many integers into a continuous colour map.
    domains = result.domains.cat.rename_categories(str)
    features = weights.assign(domain=domains, confidence=result.confidence)
    features.insert(0, "spot", features.index.astype(str))
    first = ["spot", "domain", "confidence"]
    return features[[*first, *weights.columns]].reset_index(drop=True)

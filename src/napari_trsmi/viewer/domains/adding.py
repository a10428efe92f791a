"""Adding a result to a window without holding it up for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_trsmi.viewer.domains.layers import domains_data
from napari_trsmi.viewer.section.layers import tissue_data

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.components import ViewerModel
    from napari.layers import Image, Points

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.result import TRSMIResult


def iter_add_domains(
    viewer: ViewerModel,
    result: TRSMIResult,
    image: Image | None = None,
    *,
    dataset: SpatialOmics | None = None,
    name: str = "TRSMI domains",
) -> Generator[None, None, Points]:
    """`napari_trsmi.add_domains`, with a pause wherever a window can draw itself.

    Making the layer, making its controls and drawing its points each take a window some tens of
    milliseconds.

    Parameters
    ----------
    viewer, result, image, dataset, name
        As for `napari_trsmi.add_domains`.

    Returns
    -------
    The Points layer.

    Raises
    ------
    InputError
        As `napari_trsmi.add_domains`.
    """
    from napari.layers import Layer

    data, arguments, kind = domains_data(result, name, image, dataset=dataset)
    layer: Points = Layer.create(data, {**arguments, "visible": False}, kind)
    yield
    if image is None and result.image is not None:
        viewer.add_layer(Layer.create(*tissue_data(result.image)))
        yield
    viewer.add_layer(layer)
    yield
    layer.visible = True
    return layer

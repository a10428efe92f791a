"""Layers kept as they should be while a section is open: spots whole, and above the pictures."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from napari_trsmi.errors import InputError
from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.domains.layer import domain_layer, shows_domains
from napari_trsmi.viewer.scale_bar import show_scale_bar

if TYPE_CHECKING:
    from napari.components import LayerList, ViewerModel
    from napari.layers import Layer

_kept: WeakKeyDictionary[LayerList, None] = WeakKeyDictionary()


def keep(viewer: ViewerModel) -> None:
    """Look after the layers of a viewer from now on; once is enough.

    Points of a run can be hidden, and not deleted, moved or added to (`DomainLayer`). A picture
    that is opened after the spots, as when both are dropped together, lies below them. The scale
    bar is shown, in micrometres where the scale is known.
    """
    layers = viewer.layers
    if layers in _kept:
        return
    _kept[layers] = None
    layers.events.inserted.connect(_on_layers_inserted)
    window = ref(viewer)

    def measure(event: Any = None) -> None:  # noqa: ARG001
        shown = window()
        if shown is not None:
            show_scale_bar(shown)

    for event in (layers.events.inserted, layers.events.removed, layers.events.reordered):
        event.connect(measure)
    measure()
    for layer in layers:
        _keep_spots(layer)


def _on_layers_inserted(event: Any) -> None:
    _keep_spots(event.value)
    _lay_below(event.source, event.value)


def _keep_spots(layer: Layer) -> None:
    if shows_domains(layer):
        with suppress(InputError):  # its points are not its run's spots: the dock says so
            domain_layer(layer)


def _lay_below(layers: LayerList, picture: Layer) -> None:
    from napari.layers import Image

    if not isinstance(picture, Image) or picture.ndim != 2:
        return
    place = layers.index(picture)
    spots = [at for at, layer in enumerate(layers) if _has_spots(layer)]
    if spots and spots[0] < place:
        layers.move(place, spots[0])


def _has_spots(layer: Layer) -> bool:
    return dataset_of(layer) is not None or result_of(layer) is not None

"""What a run is made of, chosen from the layers as they come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard
from weakref import ref

from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.domains.areas import shows_areas
from napari_trsmi.viewer.run.candidates import candidates_of_layer
from napari_trsmi.viewer.run.spatialdata_layers import has_tables
from napari_trsmi.viewer.section.taking_up import is_of_same_section, show_section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Points

    from napari_trsmi.viewer.run.inputs import RunInputs


class FollowedLayers:
    """Keeps the inputs of a run in step with the layers of a window.

    Parameters
    ----------
    viewer
        The window.
    inputs
        What is chosen.
    """

    def __init__(self, viewer: ViewerModel, inputs: RunInputs) -> None:
        self._viewer, self._inputs = viewer, inputs
        self._new_picture: ref[Image] | None = None
        self._choose_from(viewer.layers)

    def take(self, layer: Layer) -> bool:
        """Take up a layer that was opened, if it is what is missing or the next section.

        A further table of the section that is chosen joins its modalities.

        Returns
        -------
        Whether it is another section.
        """
        inputs, points = self._inputs, self._inputs.points
        if is_picture(layer):
            self._new_picture = ref(layer)
        dataset = dataset_of(layer)
        is_section = dataset is not None and result_of(layer) is None
        if points is None or not is_section or dataset is dataset_of(points):
            self._choose_from([layer])
            return False
        if is_of_same_section(layer, points):
            inputs.add(candidates_of_layer(layer))
            return False
        picture = None if self._new_picture is None else self._new_picture()
        is_new = picture in self._viewer.layers and picture is not inputs.image
        inputs.begin_with(layer, picture if is_new else None)
        show_section(self._viewer, layer, inputs.image)
        return True

    def let_go(self, layer: Layer) -> bool:
        """Let go of a layer that was removed, and with the last one of all that is chosen.

        Returns
        -------
        Whether no layer is left.
        """
        self._inputs.forget(layer)
        if not self._viewer.layers:
            self._inputs.begin_with(None, None)
        return not self._viewer.layers

    def _choose_from(self, layers: Iterable[Layer]) -> None:
        """Choose spots and image where nothing is chosen yet: the topmost that offer most."""
        inputs = self._inputs
        if inputs.points is None and not inputs.choices:
            carriers = [layer for layer in layers if _carries_tables(layer)]
            carriers.sort(key=lambda layer: result_of(layer) is None)
            if carriers:
                inputs.points = carriers[-1]
        if inputs.image is None:
            pictures = [layer for layer in layers if is_picture(layer)]
            pictures.sort(key=lambda layer: bool(layer.rgb))
            if pictures:
                inputs.image = pictures[-1]


def has_spots(layer: Layer) -> bool:
    """Whether a layer says where spots are."""
    from napari.layers import Points

    return isinstance(layer, Points)


def is_picture(layer: Layer) -> TypeGuard[Image]:
    """Whether a layer shows a picture that domains can lie on."""
    from napari.layers import Image

    return isinstance(layer, Image) and layer.ndim == 2 and not shows_areas(layer)


def _carries_tables(layer: Layer) -> TypeGuard[Points]:
    return dataset_of(layer) is not None or (has_spots(layer) and has_tables(layer))

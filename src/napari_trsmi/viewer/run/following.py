"""What a run is made of, chosen from the layers as they come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard
from weakref import ref

from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.domains.areas import shows_areas
from napari_trsmi.viewer.run.candidates import candidates_of_layer
from napari_trsmi.viewer.run.sections import carries_section
from napari_trsmi.viewer.run.spatialdata_layers import has_tables
from napari_trsmi.viewer.section.grid import SECTION
from napari_trsmi.viewer.section.taking_up import is_of_same_section, show_section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Points

    from napari_trsmi.viewer.run.inputs import RunInputs
    from napari_trsmi.viewer.run.sections import OpenSection, RunSections


class FollowedLayers:
    """Keeps the inputs of a run in step with the layers of a window.

    Parameters
    ----------
    viewer
        The window.
    inputs
        What is chosen.
    sections
        The sections that are open, which `inputs` shows one of.
    """

    def __init__(self, viewer: ViewerModel, inputs: RunInputs, sections: RunSections) -> None:
        self._viewer, self._inputs, self._sections = viewer, inputs, sections
        self._new_picture: ref[Image] | None = None
        for layer in viewer.layers:
            self._note(layer)
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
        section = self._note(layer)
        if points is None or section is None or dataset_of(layer) is dataset_of(points):
            self._choose_from([layer])
            return False
        if is_of_same_section(layer, points):
            inputs.add(candidates_of_layer(layer))
            return False
        if SECTION not in layer.metadata and section.points is layer:
            picture = None if self._new_picture is None else self._new_picture()
            is_new = picture in self._viewer.layers and picture is not inputs.image
            inputs.begin_with(layer, picture if is_new else None)
        else:  # of several that were opened together, or a further table of an earlier one
            self._sections.show(section)
        if section.points is not None:
            section.points.visible = True
            show_section(self._viewer, section.points, inputs.image)
        return True

    def let_go(self, layer: Layer) -> bool:
        """Let go of a layer that was removed, and with the last one of all that is chosen.

        Returns
        -------
        Whether no layer is left.
        """
        self._inputs.forget(layer)
        self._sections.forget(layer)
        if not self._viewer.layers:
            self._inputs.begin_with(None, None)
        return not self._viewer.layers

    def _note(self, layer: Layer) -> OpenSection | None:
        """Take note of a section; of several that were opened together with its picture."""
        if not carries_section(layer):
            return None
        name = layer.metadata.get(SECTION)
        own = [other for other in self._viewer.layers if _is_picture_of(other, name)]
        picture = own[-1] if own else None
        return self._sections.note(layer, picture, name=name or layer.name, ticked=name is not None)

    def _choose_from(self, layers: Iterable[Layer]) -> None:
        """Choose spots and image where nothing is chosen yet: the topmost that offer most."""
        inputs = self._inputs
        if inputs.points is None and not inputs.choices:
            carriers = [layer for layer in layers if _carries_tables(layer)]
            carriers.sort(key=lambda layer: result_of(layer) is None)
            section = self._sections.of(carriers[-1]) if carriers else None
            if section is not None:
                image = inputs.image
                self._sections.show(section)
                if section.inputs.image is None:
                    inputs.image = image
            elif carriers:
                inputs.points = carriers[-1]
        if inputs.image is None:
            pictures = [layer for layer in layers if is_picture(layer)]
            pictures = [layer for layer in pictures if SECTION not in layer.metadata]
            pictures.sort(key=lambda layer: bool(layer.rgb))
            if pictures:
                inputs.image = pictures[-1]


def has_spots(layer: Layer) -> bool:
    """Whether a layer says where the spots of a section are."""
    from napari.layers import Points

    run = result_of(layer)
    return isinstance(layer, Points) and (run is None or run.sections is None)


def is_picture(layer: Layer) -> TypeGuard[Image]:
    """Whether a layer shows a picture that domains can lie on."""
    from napari.layers import Image

    return isinstance(layer, Image) and layer.ndim == 2 and not shows_areas(layer)


def _is_picture_of(layer: Layer, section: str | None) -> TypeGuard[Image]:
    return section is not None and is_picture(layer) and layer.metadata.get(SECTION) == section


def _carries_tables(layer: Layer) -> TypeGuard[Points]:
    return dataset_of(layer) is not None or (has_spots(layer) and has_tables(layer))

"""An image of a run, away from its layer: where it is sampled, and what is measured on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_trsmi.preprocessing.image.recipe import ImageFeatures
from napari_trsmi.viewer.run.footprint import ImageSampler
from napari_trsmi.viewer.run.picture import LayerPicture

if TYPE_CHECKING:
    import numpy as np
    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import Kind
    from napari_trsmi.viewer.run.inputs import Choice


@dataclass(frozen=True, eq=False)
class ImageInput:
    """An image that is to be measured at the spots, some of its channels or all."""

    name: str
    kind: Kind
    sampler: ImageSampler
    shown: LayerPicture | None = None
    labels: Any = None
    channels: tuple[str, ...] | None = None
    stack: bool = False
    path: str | None = None

    @classmethod
    def of(cls, choice: Choice) -> ImageInput:
        """The input that an image layer is."""
        sampler = _sampler(choice)
        return cls(choice.candidate.name, choice.kind, sampler, channels=choice.channels)

    @classmethod
    def of_picture(cls, choice: Choice, first: Image | None) -> ImageInput:
        """The input that a picture is, with its cells; one beside the first stays with the run."""
        candidate, cells = choice.candidate, choice.cells
        layer: Any = candidate.layer
        shown = LayerPicture.of(layer) if layer is not first and layer.ndim == 2 else None
        labels = None if cells is None else cells.data[0] if cells.multiscale else cells.data
        whose = candidate.name, choice.kind, _sampler(choice)
        return cls(*whose, shown, labels, choice.channels, layer.ndim > 2, layer.source.path)

    @property
    def recipe(self) -> ImageFeatures:
        """What is measured on it, as a picture."""
        return ImageFeatures(labels=self.labels, channels=self.channels)

    def written(self, matrix: NDArray[np.float64]) -> str | dict[str, Any] | None:
        """What repeats the measuring; of a stack, which no run carries along, with its file."""
        if not self.stack:
            return self.recipe.written()
        if self.path is None:
            return None
        return replace(self.recipe, picture=self.path, picture_transform=matrix).written()


def _sampler(choice: Choice) -> ImageSampler:
    layer: Any = choice.candidate.layer
    return ImageSampler.of(layer, getattr(choice.candidate, "channels", ()))

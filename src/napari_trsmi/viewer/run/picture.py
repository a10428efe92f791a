"""What an image layer shows, as the tissue image of a result."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.registered import laid_image, registered_layer
from napari_trsmi.spots.landmarks import Registration
from napari_trsmi.viewer.registration import written_on

if TYPE_CHECKING:
    from napari.layers import Image
    from numpy.typing import NDArray

_LARGEST = 4096  # pixels a side that a result carries along


@dataclass(frozen=True, eq=False)
class LayerPicture:
    """The pixels of a two-dimensional image layer, free of the layer: any thread may read them.

    Attributes
    ----------
    level
        The finest resolution that is small enough, or the coarsest there is; shape (height, width),
        or (height, width, channels) for colours.
    width
        Of the finest resolution, whose pixels are the unit of the coordinates.
    limits
        Values at the ends of `colors`.
    colors
        RGB in 0 to 1 from low to high, shape (n, 3); None for a picture in colour.
    path
        The file that it was opened from, if it is known.
    registration
        How it was registered to spots by landmarks, in plain JSON types; None if it was not.
    """

    level: Any
    width: int
    limits: tuple[float, float]
    colors: NDArray[np.float32] | None
    path: str | None
    registration: dict[str, Any] | None = None

    @classmethod
    def of(cls, layer: Image) -> LayerPicture:
        """The picture of a layer."""
        levels = list(layer.data) if layer.multiscale else [layer.data]
        small = [level for level in levels if max(level.shape[:2]) <= _LARGEST]
        low, high = layer.contrast_limits
        return cls(
            level=small[0] if small else levels[-1],
            width=int(levels[0].shape[1]),
            limits=(float(low), float(high)),
            colors=None if layer.rgb else layer.colormap.map(np.linspace(0, 1, 256))[:, :3],
            path=layer.source.path,
            registration=written_on(layer),
        )

    def tissue(self) -> TissueImage:
        """Read the picture as the layer shows it, in the frame of the spots if registered to them.

        Raises
        ------
        InputError
            If its landmarks lay it beside the spots.
        """
        plain = self.as_it_is()
        return plain if self.registration is None else registered_layer(plain, self.registration)

    def laid_by(self, matrix: NDArray[np.float64], coordinates: NDArray[np.float64]) -> TissueImage:
        """Read the picture in the frame of spots, as a further stain of theirs.

        Parameters
        ----------
        matrix
            From (x, y, 1) to column and row of the finest resolution, shape (2, 3).
        coordinates
            x and y of the spots: the registration is kept if it says the same of them.

        Raises
        ------
        InputError
            If the picture lies beside the spots.
        """
        written = self.registration
        if written is not None:
            said = Registration.of_written(written).to_picture(coordinates)
            shown = coordinates @ matrix[:, :2].T + matrix[:, 2]
            written = written if np.abs(said - shown).max() < 1 else None
        return laid_image(self.as_it_is(), matrix, written)

    def as_it_is(self) -> TissueImage:
        """Read the picture, in the colours in which the layer shows it, and in its own frame."""
        step = ceil(max(self.level.shape[:2]) / _LARGEST)
        shown = np.asarray(self.level[::step, ::step])
        pixels = self._in_colour(shown) if self.colors is None else self._mapped(shown)
        return TissueImage(np.ascontiguousarray(pixels), pixels.shape[1] / self.width)

    def _in_colour(self, shown: NDArray[Any]) -> NDArray[np.uint8]:
        colors = shown[..., :3]
        if colors.dtype == np.uint8:
            return colors
        # napari shows whole numbers by the range of their type, and others from 0 to 1
        most = np.iinfo(colors.dtype).max if colors.dtype.kind in "iu" else 1
        return np.rint(np.clip(colors / most, 0, 1) * 255).astype(np.uint8)

    def _mapped(self, shown: NDArray[Any]) -> NDArray[np.uint8]:
        assert self.colors is not None  # noqa: S101
        low, high = self.limits
        share = (np.nan_to_num(shown.astype(np.float32)) - low) / (high - low or 1)
        table = np.rint(255 * self.colors).astype(np.uint8)
        mapped: NDArray[np.uint8] = table[np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)]
        return mapped

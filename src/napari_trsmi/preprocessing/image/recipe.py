"""What is to be measured on a picture, as the user says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_trsmi.errors import InputError

TEXTURE = "texture"


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """What is measured on a picture, and how it takes part.

    Attributes
    ----------
    footprints
        Diameters of the discs that are measured, in diameters of a spot; whole numbers. The
        smallest places the boundaries.
    channels
        Of a picture with several, by name; None for all.
    nucleus
        Diameter of a nucleus in coordinate units, if it is known.
    labels
        Nuclei or cells that another program segmented (StarDist, Cellpose): whole numbers, 0 for
        none, as high and wide as the picture. Of a stained picture they are its nuclei; of one with
        channels each spot gets mean and spread of the cell that it lies in. None: nuclei are looked
        for.
    picture
        What is measured in place of the section's image: a path to a TIFF or an OME-Zarr with any
        channels, an array (height, width) or (channels, height, width), or an image of a
        SpatialData. It may be far larger than memory.
    picture_scale
        Its pixels per coordinate unit.
    picture_transform
        Where it lies, in place of a scale: from (x, y, 1) to column and row, shape (2, 3), as
        `Registration.matrix` of `napari_trsmi.fit_landmarks` has it.
    embed
        A function of patches, or a torch module, in place of texture and nuclei: it takes colours
        from 0 to 1, ``float32``, shape (n, channels, height, width), and returns (n, features).
        Nothing is fetched: load the model from your disk.
    patch
        Height and width of its patches in pixels. They cover the widest footprint.
    batch
        Patches at a time.
    cache
        Folder that keeps embeddings, by the content of model, picture and spots; None keeps none.
    name
        Of the modality.
    trust
        ``"tested"``: the picture is left out where it does not go with the tables better than when
        it is turned. ``"always"``: it takes part.
    """

    footprints: tuple[int, ...] = (1, 2, 4)
    channels: tuple[str, ...] | None = None
    nucleus: float | None = None
    labels: Any = None
    picture: Any = None
    picture_scale: float = 1.0
    picture_transform: Any = None
    embed: Any = None
    patch: int = 224
    batch: int = 32
    cache: str | Path | None = None
    name: str = "image"
    trust: Literal["tested", "always"] = "tested"

    def __post_init__(self) -> None:
        wrong = not self.footprints or any(
            int(footprint) != footprint or footprint < 1 for footprint in self.footprints
        )
        if wrong:
            raise InputError(
                f"footprints is {self.footprints}: give one whole number or more, each 1 or more."
            )
        if self.nucleus is not None and not self.nucleus > 0:
            raise InputError(f"nucleus is {self.nucleus}: give its diameter, a positive number.")
        if not self.picture_scale > 0:
            raise InputError(f"picture_scale is {self.picture_scale}: give a positive number.")
        if self.picture_transform is not None:
            matrix = np.asarray(self.picture_transform, dtype=np.float64)
            if matrix.shape != (2, 3) or not abs(np.linalg.det(matrix[:, :2])) > 0:
                raise InputError(
                    "picture_transform is no matrix of shape (2, 3) that can be undone. Pass the "
                    "matrix of a registration."
                )
            object.__setattr__(self, "picture_transform", tuple(map(tuple, matrix.tolist())))
        if self.patch < 1 or self.batch < 1:
            raise InputError("patch and batch must be 1 or more.")
        if self.trust not in {"tested", "always"}:
            raise InputError(f"trust is {self.trust!r}: give 'tested' or 'always'.")

    @classmethod
    def of(cls, given: str | Mapping[str, Any] | ImageFeatures) -> ImageFeatures:
        """What the user says: ``"texture"``, a dict of these fields, or the features themselves.

        Raises
        ------
        InputError
            For anything else.
        """
        if isinstance(given, ImageFeatures):
            return given
        if given == TEXTURE:
            return cls()
        known = [field.name for field in fields(cls)]
        if isinstance(given, Mapping) and set(given) <= set(known):
            written: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in given.items()
            }
            return cls(**written)
        raise InputError(
            f"image_features is {given!r}. Give 'texture', or a dict with some of "
            f"{', '.join(known)}."
        )

    def written(self) -> str | dict[str, Any] | None:
        """What repeats this, in plain JSON types; None if something came from memory."""
        if self.labels is not None or self.embed is not None:
            return None
        if self.picture is not None and not isinstance(self.picture, str | Path):
            return None
        default = ImageFeatures()
        differing = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != getattr(default, field.name)
        }
        plain = {
            name: list(value)
            if isinstance(value, tuple)
            else str(value)
            if isinstance(value, Path)
            else value
            for name, value in differing.items()
        }
        return plain or TEXTURE

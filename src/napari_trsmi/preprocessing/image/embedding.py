"""Patches around spots, seen by a model that the user has: its answer as features."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_trsmi.data.reading.colors import white_of
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image.measuring import Measured, placed_on
from napari_trsmi.preprocessing.image.picture import middle_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from napari_trsmi.preprocessing.image.picture import Picture, WorkingLevel
    from napari_trsmi.preprocessing.image.recipe import ImageFeatures


def iter_embed(
    picture: Picture,
    coordinates: NDArray[np.float64],
    diameter: float,
    recipe: ImageFeatures,
    check: Callable[[], None] = lambda: None,
) -> Generator[tuple[int, int], None, Measured]:
    """Show a model the patch around each spot.

    Parameters
    ----------
    picture, coordinates, diameter, recipe, check
        As for `napari_trsmi.preprocessing.image.measuring.iter_measure`. A patch is as wide as the
        widest footprint.

    Yields
    ------
    After each batch the number of spots that are done, and of all.

    Returns
    -------
    Measured
        Of all spots, in their order.

    Raises
    ------
    InputError
        If the model does not answer with a row of finite numbers for each patch.
    """
    footprint = max(recipe.footprints)
    level = picture.at(diameter * footprint, working=recipe.patch)
    places, on_it, notes = placed_on(level, coordinates, picture)
    spots = np.flatnonzero(on_it)
    # neighbours one after the other, so that tiles are read once
    spots = spots[np.lexsort(places[spots].T // max(level.diameter * 8, 1))]
    values: NDArray[np.float32] | None = None
    known = _Cache(recipe)
    white = _white(picture)
    for start in range(0, len(spots), recipe.batch):
        check()
        some = spots[start : start + recipe.batch]
        patches = np.stack([_patch(level, place, recipe.patch, white) for place in places[some]])
        if not np.isfinite(patches).all():
            raise InputError(
                f"{picture.name} has pixels that are no numbers (NaN or infinite) around the "
                "spots. Fill them, or leave these spots out."
            )
        found = known.get(patches)
        if found is None:
            found = _answer(recipe, patches)
            known.put(patches, found)
        if values is None:
            values = np.full((len(places), found.shape[1]), np.nan, dtype=np.float32)
        elif found.shape[1] != values.shape[1]:
            raise InputError(
                f"The model gave {found.shape[1]} features for some patches and "
                f"{values.shape[1]} for others."
            )
        values[some] = found
        yield start + len(some), len(spots)
    assert values is not None  # noqa: S101 (some spot lies on the picture)
    names = tuple(f"embedding {number}" for number in range(values.shape[1]))
    return Measured(values, names, (float(footprint),) * len(names), tuple(notes))


def _answer(recipe: ImageFeatures, patches: NDArray[np.float32]) -> NDArray[np.float32]:
    found = np.asarray(recipe.embed(patches), dtype=np.float32)
    if found.ndim != 2 or len(found) != len(patches) or not np.isfinite(found).all():
        raise InputError(
            f"The model answered {len(patches)} patches with shape {found.shape}"
            f"{'' if np.isfinite(found).all() else ' and values that are no numbers'}: it must "
            "give (n_patches, n_features) finite numbers."
        )
    return found


def _white(picture: Picture) -> float:
    """What is 1 in patches: of whole numbers the picture's depth, of others their largest."""
    coarse = middle_of(picture.levels[-1])
    if coarse.dtype.kind in "bu" and coarse.dtype.itemsize <= 2:
        return white_of(coarse, picture.name)
    known = coarse[np.isfinite(coarse)]
    return max(float(known.max(initial=0)), 1e-12)


def _patch(
    level: WorkingLevel, place: NDArray[np.float64], size: int, white: float
) -> NDArray[np.float32]:
    """Return the square around a place, colours from 0 to 1, (channels, size, size)."""
    half = level.diameter / 2
    low = np.floor(place - half).astype(np.int64)
    high = np.ceil(place + half).astype(np.int64) + 1
    inside = [
        slice(max(0, int(a)), min(n, int(b)))
        for a, b, n in zip(low, high, level.shape, strict=True)
    ]
    part = level.read(inside[0], inside[1])
    around = [
        (i.start - int(a), int(b) - i.stop) for i, a, b in zip(inside, low, high, strict=True)
    ]
    part = np.pad(part, (*around, (0, 0)), mode="edge")
    steps = np.linspace(-half, half, size)
    rows, columns = (steps + center - start for center, start in zip(place, low, strict=True))
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"))
    drawn = [
        ndimage.map_coordinates(part[..., channel], grid, order=1, mode="nearest")
        for channel in range(part.shape[2])
    ]
    return (np.stack(drawn) / white).astype(np.float32)


class _Cache:
    """Answers that were given before, one file a batch, found by the content of both sides."""

    def __init__(self, recipe: ImageFeatures) -> None:
        self._folder = None if recipe.cache is None else Path(recipe.cache).expanduser()
        self._model = getattr(recipe.embed, "digest", None)
        if self._folder is not None and self._model is None:
            raise InputError(
                "cache= needs a model that can be told from others: a torch module, or a function "
                "with an attribute digest (a text of your own that changes with the model)."
            )

    def get(self, patches: NDArray[np.float32]) -> NDArray[np.float32] | None:
        path = self._path(patches)
        if path is None or not path.is_file():
            return None
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float32)

    def put(self, patches: NDArray[np.float32], found: NDArray[np.float32]) -> None:
        path = self._path(patches)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = path.with_suffix(".part.npy")
            np.save(whole, found, allow_pickle=False)
            whole.replace(path)

    def _path(self, patches: NDArray[np.float32]) -> Path | None:
        if self._folder is None:
            return None
        content = hashlib.sha256(f"{self._model}{patches.shape}".encode())
        content.update(np.ascontiguousarray(patches).data)
        return self._folder / f"{content.hexdigest()}.npy"

"""A picture measured at spots: window by window, each read once and no more in memory than it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image import texture
from napari_trsmi.preprocessing.image.cells import AREA, cells_under
from napari_trsmi.preprocessing.image.footprints import Discs
from napari_trsmi.preprocessing.image.nuclei import (
    MEASURES,
    blob_scales,
    find_nuclei,
    nuclei_of_labels,
    nuclei_under,
)
from napari_trsmi.preprocessing.image.scene import HAEMATOXYLIN, INTENSITY, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from numpy.typing import NDArray

    from napari_trsmi.preprocessing.image.nuclei import Nuclei
    from napari_trsmi.preprocessing.image.picture import Picture, WorkingLevel
    from napari_trsmi.preprocessing.image.recipe import ImageFeatures

_WINDOW = 1536  # pixels a side
_MARGIN = 16  # pixels around what is measured, for the filters
_NUCLEI_SEEN = 24.0  # pixels of a spot's diameter below which nuclei cannot be told apart
_FEW = 0.05
"""Share of the spots that may lie beside the picture, or where it has no numbers."""
_NO_NUMBERS = "under them. Fill these pixels, or leave the spots out."


@dataclass(frozen=True, eq=False)
class Measured:
    """What a picture shows at spots.

    Attributes
    ----------
    values
        ``float32``, shape (n_spots, n_features); NaN where there was nothing to be measured.
    names
        Of the columns.
    footprints
        Of each column, in diameters of a spot.
    notes
        What the user should know, in sentences.
    """

    values: NDArray[np.float32]
    names: tuple[str, ...]
    footprints: tuple[float, ...]
    notes: tuple[str, ...]


def iter_measure(
    picture: Picture,
    coordinates: NDArray[np.float64],
    diameter: float,
    recipe: ImageFeatures,
    check: Callable[[], None] = lambda: None,
) -> Generator[tuple[int, int], None, Measured]:
    """Measure stains or channels, texture and nuclei around each spot.

    Parameters
    ----------
    picture
        What is measured.
    coordinates
        x and y of the spots, shape (n_spots, 2).
    diameter
        Of a spot, in coordinate units.
    recipe
        What is measured.
    check
        Called before each window; what it raises ends the work.

    Yields
    ------
    After each window the number of spots that are done, and of all.

    Returns
    -------
    Measured
        Of all spots, in their order.

    Raises
    ------
    InputError
        If the picture is too small, or too many spots lie beside it.
    """
    level = picture.at(diameter)
    channels = None if picture.stained else _chosen(picture, recipe.channels)
    places, on_it, notes = placed_on(level, coordinates, picture)
    if not picture.stained and picture.channels == ("red", "green", "blue"):
        notes.append(
            f"{picture.name} is dark where nothing is: it is measured as colours that glow, not as "
            "stains. If it is an inverted picture of stains, invert it."
        )
    scene = Scene.of(level, places[on_it], channels, check)
    if scene.stains is not None and not scene.stains.found:
        notes.append(
            f"{picture.name} does not show two stains: it is taken apart by the usual colours of "
            "haematoxylin and eosin."
        )
    counts_nuclei = picture.stained and (
        recipe.labels is not None or level.diameter >= _NUCLEI_SEEN
    )
    if picture.stained and not counts_nuclei:
        notes.append(
            f"A spot is {level.diameter:.1f} pixels wide in {picture.name}: nuclei cannot be told "
            "apart and are not counted. Pass the picture at full resolution for that."
        )
    labels = None if recipe.labels is None else _Labels(recipe.labels, picture, level)
    reach = int(np.ceil(level.diameter * max(recipe.footprints) / 2)) + _MARGIN
    align = int(np.lcm.reduce(recipe.footprints))
    names: tuple[str, ...] = ()
    values: NDArray[np.float32] | None = None
    blind = np.zeros(len(places), dtype=bool)
    done = 0
    for spots, rows, columns in _windows(places, on_it, level.shape, reach, align):
        check()
        here = places[spots] - (rows.start, columns.start)
        pixels = level.read(rows, columns)
        blind[spots] = scene.filled(pixels, here, level.diameter)
        columns_of = _measured(
            pixels,
            here,
            level.diameter,
            scene,
            recipe,
            nuclei=counts_nuclei,
            labels=None if labels is None else labels.read(rows, columns),
        )
        if values is None:
            names = tuple(columns_of)
            values = np.full((len(places), len(names)), np.nan, dtype=np.float32)
        values[spots] = np.column_stack(list(columns_of.values()))
        done += len(spots)
        yield done, int(on_it.sum())
    assert values is not None  # noqa: S101 (some spot lies on the picture)
    values[blind] = np.nan
    notes += _in_no_cell(values, names, on_it)
    notes += _said(blind, f"where {picture.name} has no numbers (NaN)", _NO_NUMBERS)
    footprints = tuple(float(name.rsplit(" ", 1)[1][:-1]) for name in names)
    return Measured(values, names, footprints, tuple(notes))


def _in_no_cell(
    values: NDArray[np.float32], names: tuple[str, ...], on_it: NDArray[np.bool_]
) -> list[str]:
    """Return a note if some spots lie in no cell of the labels; raise an InputError if all do."""
    areas = next((values[:, at] for at, name in enumerate(names) if name.startswith(AREA)), None)
    if areas is None:
        return []
    outside = np.isnan(areas) & on_it
    if (np.isnan(areas) | ~on_it).all():
        raise InputError(
            "No spot lies in a cell of the labels. Check that they are of this picture."
        )
    number = int(outside.sum())
    said = f"{counted(number, 'spot')} of {len(areas):,} lie in no cell of the labels"
    return [f"{said}: there they get the middle of what the others show."] if number else []


def _measured(
    pixels: NDArray[np.float32],
    places: NDArray[np.float64],
    diameter: float,
    scene: Scene,
    recipe: ImageFeatures,
    *,
    nuclei: bool,
    labels: NDArray[np.integer] | None,
) -> dict[str, NDArray[np.float64]]:
    """Return the features of the spots in a window, by name."""
    height, width = pixels.shape[:2]
    discs = {
        footprint: Discs.around(places, diameter, footprint, (height, width))
        for footprint in recipe.footprints
    }
    found: dict[str, NDArray[np.float64]] = {}
    maps = scene.maps(pixels)
    for name, values in maps.items():
        greys = scene.greys(values, name)
        around = list(discs.values())
        measured = [texture.amounts(values, around)]
        if name == INTENSITY or scene.stains is None:
            measured.append(texture.co_occurrences(greys, around))
        if name == INTENSITY:
            measured += [texture.directions(values, around), texture.patterns(greys, around)]
        for kinds in measured:
            for footprint, parts in zip(discs, kinds, strict=True):
                found |= {f"{name} {what} {footprint}x": part for what, part in parts.items()}
    if labels is not None and scene.stains is None:
        own = cells_under(maps, labels, places)
        found |= {f"{what} {min(recipe.footprints)}x": part for what, part in own.items()}
    if nuclei:
        blobs = _nuclei(maps[HAEMATOXYLIN], diameter, scene, recipe, labels)
        for footprint in recipe.footprints:
            sums = nuclei_under(blobs, places, diameter * footprint / 2)
            found |= {
                f"{what} {footprint}x": column
                for what, column in zip(MEASURES, sums.T, strict=True)
            }
    return found


def _nuclei(
    haematoxylin: NDArray[np.float32],
    diameter: float,
    scene: Scene,
    recipe: ImageFeatures,
    labels: NDArray[np.integer] | None,
) -> Nuclei:
    if labels is not None:
        return nuclei_of_labels(labels, haematoxylin)
    return find_nuclei(
        haematoxylin,
        blob_scales(diameter, recipe.nucleus),
        background=scene.middle[HAEMATOXYLIN],
        strong=scene.high[HAEMATOXYLIN],
    )


class _Labels:
    """A picture of labels, read at the working level."""

    def __init__(self, labels: Any, picture: Picture, level: WorkingLevel) -> None:
        labels = labels if hasattr(labels, "dtype") else np.asarray(labels)
        if labels.dtype.kind not in "biu":
            raise InputError(
                f"The labels hold {labels.dtype}: give whole numbers, 0 where there is no cell."
            )
        shape, finest = tuple(labels.shape), tuple(picture.levels[0].shape[:2])
        if shape != finest:
            raise InputError(
                f"The labels have {shape[-1]} x {shape[0]} pixels, but {picture.name} has "
                f"{finest[1]} x {finest[0]}. Pass labels of the same picture at full resolution."
            )
        self._labels = labels
        self._step = finest[1] / level.shape[1]

    def read(self, rows: slice, columns: slice) -> NDArray[np.integer]:
        """Labels at the pixels of a window of the working level."""
        step = self._step
        if step == 1:
            return np.asarray(self._labels[rows, columns])
        part = np.asarray(
            self._labels[
                int(rows.start * step) : int(np.ceil(rows.stop * step)),
                int(columns.start * step) : int(np.ceil(columns.stop * step)),
            ]
        )
        down = ((np.arange(rows.stop - rows.start) + 0.5) * step).astype(np.int64)
        across = ((np.arange(columns.stop - columns.start) + 0.5) * step).astype(np.int64)
        return part[np.ix_(np.minimum(down, len(part) - 1), np.minimum(across, part.shape[1] - 1))]


def _chosen(picture: Picture, wanted: tuple[str, ...] | None) -> dict[str, int]:
    places = {name: place for place, name in enumerate(picture.channels)}
    if wanted is None:
        return places
    missing = [name for name in wanted if name not in places]
    if missing:
        raise InputError(
            f"{picture.name} has no channel {listed(missing)}. There are: "
            f"{', '.join(picture.channels)}."
        )
    return {name: places[name] for name in wanted}


def placed_on(
    level: WorkingLevel, coordinates: NDArray[np.float64], picture: Picture
) -> tuple[NDArray[np.float64], NDArray[np.bool_], list[str]]:
    """Find where spots lie on a picture.

    Returns
    -------
    places
        (row, column), shape (n_spots, 2).
    on_it
        Which of them lie on the picture.
    notes
        A sentence if some do not.

    Raises
    ------
    InputError
        If many do not.
    """
    places = level.places(coordinates)
    on_it = np.all((np.rint(places) >= 0) & (np.rint(places) < level.shape), axis=1)
    return places, on_it, _beside(on_it, picture, level)


def _beside(on_it: NDArray[np.bool_], picture: Picture, level: WorkingLevel) -> list[str]:
    """Return a note if a few spots lie beside the picture; raise an InputError if many do."""
    height, width, channels = level.array.shape
    hint = " Give (channels, height, width)." if channels > width else ""
    remedy = (
        f"({width} x {height} pixels). Check that it shows this section, and that its scale fits "
        f"the coordinates (image_scale=).{hint}"
    )
    return _said(~on_it, f"outside {picture.name}", remedy)


def _said(which: NDArray[np.bool_], where: str, remedy: str) -> list[str]:
    """Return a note on spots that cannot be measured; raise an InputError if they are many."""
    number = int(which.sum())
    if not number:
        return []
    message = f"{counted(number, 'spot')} of {len(which):,} lie {where}"
    if number > _FEW * len(which):
        raise InputError(f"{message} {remedy}")
    return [f"{message}: they get the middle of what the others show."]


def _windows(
    places: NDArray[np.float64],
    on_it: NDArray[np.bool_],
    shape: tuple[int, int],
    reach: int,
    align: int,
) -> Iterator[tuple[NDArray[np.int64], slice, slice]]:
    """Group spots by place: their numbers, and the rows and columns around them."""
    spots = np.flatnonzero(on_it)
    cells = (places[spots] // _WINDOW).astype(np.int64)
    number = np.unique(cells, axis=0, return_inverse=True)[1].ravel()
    order = np.argsort(number, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(number[order])) + 1):
        chosen = spots[group]
        low = np.floor(places[chosen].min(axis=0)).astype(np.int64) - reach
        high = np.ceil(places[chosen].max(axis=0)).astype(np.int64) + reach + 1
        low = np.maximum(low, 0) // align * align
        high = np.minimum(high, shape)
        yield chosen, slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))

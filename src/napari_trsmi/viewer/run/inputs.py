"""What a run is to be made of: which spots, image and modalities, and whether it can run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from napari_trsmi.data.checks import MIN_SPOTS
from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.run.candidates import (
    TableCandidate,
    candidates_of_layer,
    contributes,
    has_cells,
    spot_names,
)
from napari_trsmi.viewer.run.image_input import ImageInput
from napari_trsmi.viewer.run.job import RunJob, TableInput
from napari_trsmi.viewer.run.matched import matched, same_names
from napari_trsmi.viewer.run.places import places_of_points, places_of_tables
from napari_trsmi.viewer.run.restriction import inside
from napari_trsmi.viewer.run.spatialdata_layers import has_tables
from napari_trsmi.viewer.section.grid import in_grid

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from napari.layers import Image, Labels, Layer, Points

    from napari_trsmi.config import Config
    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.viewer.run.candidates import Candidate
    from napari_trsmi.viewer.run.places import SpotPlaces


@dataclass(eq=False)
class Choice:
    """A modality on the list.

    Attributes
    ----------
    candidate
        What it is.
    kind
        What it is taken for.
    used
        Whether the run shall use it.
    of_spots
        Whether it is there because its layer gives the spots.
    cells
        Of a picture, the layer of its nuclei or cells; None: nuclei are looked for.
    channels
        Of an image with several, those that are measured; None for all.
    """

    candidate: Candidate
    kind: Kind = field(init=False)
    used: bool = True
    of_spots: bool = False
    cells: Labels | None = None
    channels: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        self.kind = self.candidate.kind


class RunInputs:
    """The choices of a dock. `changed` is emitted after each."""

    changed = Signal()

    def __init__(self) -> None:
        self._points: Points | None = None
        self._image: Image | None = None
        self._region: Layer | None = None
        self._choices: list[Choice] = []
        self._matched: tuple[dict[str, pd.Index], tuple[pd.Index, str]] | None = None

    @property
    def points(self) -> Points | None:
        """The layer that says where the spots are; None: the tables do."""
        return self._points

    @points.setter
    def points(self, layer: Points | None) -> None:
        if layer is self._points:
            return
        self._points = layer
        kept = [choice for choice in self._choices if not choice.of_spots]
        brought: list[Choice] = []
        if layer is not None and (dataset_of(layer) is not None or has_tables(layer)):
            with suppress(InputError):  # of tables that cannot be used, which adding them tells
                brought = [Choice(found, of_spots=True) for found in candidates_of_layer(layer)]
            theirs = dataset_of(layer)
            kept = [
                choice
                for choice in kept
                if choice.candidate.layer is not layer
                and (theirs is None or getattr(choice.candidate, "dataset", None) is not theirs)
            ]
        self._choices = [*brought, *kept]
        self.changed.emit()

    @property
    def image(self) -> Image | None:
        """The layer that shows the tissue."""
        return self._image

    @image.setter
    def image(self, layer: Image | None) -> None:
        if layer is not self._image:
            self._image = layer
            self.changed.emit()

    @property
    def region(self) -> Layer | None:
        """Shapes or Labels that the run is restricted to; None for all spots."""
        return self._region

    @region.setter
    def region(self, layer: Layer | None) -> None:
        if layer is not self._region:
            self._region = layer
            self.changed.emit()

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The list of modalities."""
        return tuple(self._choices)

    @property
    def used(self) -> list[Choice]:
        """The modalities that the run shall use."""
        return [choice for choice in self._choices if choice.used]

    @property
    def _tables(self) -> list[TableCandidate]:
        candidates = [choice.candidate for choice in self.used]
        return [candidate for candidate in candidates if isinstance(candidate, TableCandidate)]

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Put modalities on the list."""
        new = [Choice(candidate) for candidate in candidates]
        if new:
            self._choices += new
            self.changed.emit()

    def remove(self, choice: Choice) -> None:
        """Take a modality off the list."""
        self._choices.remove(choice)
        self.changed.emit()

    def set_kind(self, choice: Choice, kind: Kind) -> None:
        """Say what a modality is."""
        if choice.kind != kind:
            choice.kind = kind
            self.changed.emit()

    def pictures_of(self, layer: Layer) -> list[Choice]:
        """Pictures on the list that a Labels layer has nuclei or cells of: they are as large."""
        pictures = [c for c in self._choices if c.kind is Kind.IMAGE]
        return [c for c in pictures if has_cells(c.candidate.layer, layer)]

    def set_cells(self, layer: Labels) -> None:
        """Count the nuclei, or measure the cells, of a Labels layer in the pictures as large."""
        for choice in self.pictures_of(layer):
            choice.cells = layer
        self.changed.emit()

    def set_channels(self, choice: Choice, channels: tuple[str, ...] | None) -> None:
        """Measure some of an image's channels; None for all."""
        if choice.channels != channels:
            choice.channels = channels
            self.changed.emit()

    def set_used(self, choice: Choice, *, used: bool) -> None:
        """Say whether the run shall use a modality."""
        if choice.used != used:
            choice.used = used
            self.changed.emit()

    def forget(self, layer: Layer) -> None:
        """Let go of a layer that was removed from the viewer, with all that it contributed."""
        before = len(self._choices)
        self._choices = [c for c in self._choices if c.candidate.layer is not layer]
        gone = len(self._choices) < before
        for choice in self._choices:
            if choice.cells is layer:
                choice.cells, gone = None, True
        if self._points is layer:
            self._points, gone = None, True
        if self._image is layer:
            self._image, gone = None, True
        if self._region is layer:
            self._region, gone = None, True
        if gone:
            self.changed.emit()

    def begin_with(self, points: Points | None, image: Image | None) -> None:
        """Let go of all that is chosen, for another section or for none."""
        self._points, self._image, self._region, self._choices = None, image, None, []
        if points is None:
            self.changed.emit()
        else:
            self.points = points

    def take_over(self, other: RunInputs) -> None:
        """Choose what another has chosen, each of which then goes its own way."""
        self._points, self._image, self._region = other._points, other._image, other._region
        self._choices, self._matched = list(other._choices), other._matched
        self.changed.emit()

    def offered(self, layers: Iterable[Layer]) -> list[Layer]:
        """List the layers that could contribute modalities and do not yet."""
        taken = {id(part) for c in self._choices for part in (c.candidate.layer, c.cells)}
        shown = [getattr(choice.candidate, "dataset", None) for choice in self._choices]
        return [
            layer
            for layer in layers
            if id(layer) not in taken
            and not any(dataset_of(layer) is known for known in shown if known is not None)
            and (contributes(layer) or self.pictures_of(layer))
        ]

    def summary(self) -> str:
        """How many spots the run would have, in a sentence.

        Raises
        ------
        InputError
            If the inputs cannot be used together; says why, and what to do.
        """
        together = None if self._points is None else result_of(self._points)
        if together is not None and together.sections is not None:
            raise InputError(
                "These spots are of several sections that were run together. Choose the spots of "
                "one, or tick the sections that are to be run together."
            )
        spots, note = self._shared()
        names = listed([choice.candidate.name for choice in self.used])
        if len(spots) < MIN_SPOTS:
            raise InputError(f"Only {counted(len(spots), 'spot')}: {MIN_SPOTS} are the least.")
        if self._points is None and not any(t.coordinates is not None for t in self._tables):
            raise InputError(
                "No table has coordinates. Choose the Points layer that shows the spots."
            )
        if self._region is not None:
            return inside(self._region, self._places(), spots)[1]
        return note or f"{counted(len(spots), 'spot')} in {names}."

    @property
    def n_spots(self) -> int:
        """Number of spots that a run would have, 0 if they cannot be used."""
        try:
            spots, _ = self._shared()
            if self._region is None:
                return len(spots)
            return len(inside(self._region, self._places(), spots)[0].names.intersection(spots))
        except InputError:
            return 0

    def job(self, config: Config, results: Iterable[TRSMIResult] = ()) -> RunJob:
        """Everything that a run needs, so that it never looks at a layer.

        Parameters
        ----------
        config
            Parameters.
        results
            Earlier results, the most recent last: the last one on the same spots lends its names
            and colours.

        Raises
        ------
        InputError
            As `summary`.
        """
        self.summary()
        spots, _ = self._shared()
        sharing = [result for result in results if _mostly_shared(result, spots)]
        tables: list[TableInput] = []
        images: list[ImageInput] = []
        pictures: list[ImageInput] = []
        for choice in self.used:
            candidate, kind = choice.candidate, choice.kind
            if isinstance(candidate, TableCandidate):
                tables.append(TableInput(candidate.name, kind, candidate))
            elif kind is Kind.IMAGE:
                pictures.append(ImageInput.of_picture(choice, self._image))
            else:
                images.append(ImageInput.of(choice))
        places, note = self._places(), ""
        if self._region is not None:
            places, note = inside(self._region, places, spots)
        return RunJob(
            tables=tuple(tables),
            images=tuple(images),
            pictures=tuple(pictures),
            places=places,
            config=config,
            reference=sharing[-1] if sharing else None,
            note=note,
        )

    def _shared(self) -> tuple[pd.Index, str]:
        """Return the spots in all tables, and a sentence if some are not."""
        if not self.used:
            raise InputError(
                "There is no modality. Choose a Points layer that carries tables, or add a layer "
                "or a file."
                if not self._choices
                else "No modality is ticked. Tick at least one."
            )
        for choice in self.used:
            if choice.channels == ():
                name = choice.candidate.name
                raise InputError(f"No channel of {name} is ticked. Tick one, or untick {name}.")
        named = {f"{table.name} ({table.origin})": table.spots for table in self._tables}
        own = None if self._points is None else self._own_names(self._points)
        if own is not None and not any(own is spots for spots in named.values()):
            named["the points"] = own
        if not named:
            raise InputError(
                "An image is measured at spots. Choose the Points layer that shows the spots."
            )
        # Several looks at the inputs ask for it, and matching many spots takes long.
        if self._matched is None or not same_names(self._matched[0], named):
            self._matched = named, matched(named)
        return self._matched[1]

    def _own_names(self, layer: Points) -> pd.Index:
        """Return the names of the layer's points, or of the first table's rows if it has none."""
        names = spot_names(layer)
        if names is not None:
            if len(names) != len(layer.data):
                raise InputError(
                    f"Layer {layer.name!r} has {counted(len(layer.data), 'point')}, but its tables "
                    f"{counted(len(names), 'spot')}: points were added or removed. Open it again."
                )
            return names
        tables = self._tables
        if not tables:
            import pandas as pd

            return pd.RangeIndex(len(layer.data)).astype(str)
        if len(tables[0].spots) != len(layer.data):
            raise InputError(
                f"Layer {layer.name!r} has {counted(len(layer.data), 'point')} without names, but "
                f"{tables[0].name} ({tables[0].origin}) has "
                f"{counted(len(tables[0].spots), 'spot')}. Give the layer a feature 'spot' with "
                "the spots' names, or choose another one."
            )
        return tables[0].spots

    def _places(self) -> SpotPlaces:
        tables = self._tables
        if self._points is not None:
            known = dataset_of(self._points)
            return places_of_points(
                self._points,
                self._own_names(self._points),
                self._image,
                coordinates=None if known is None else known.coordinates,
                diameter=None if known is None else known.spot_diameter,
                tissue=None if known is None else known.image,
                grid=in_grid(self._points),
            )
        bringer = next(t for t in tables if t.coordinates is not None)
        assert bringer.coordinates is not None  # noqa: S101
        return places_of_tables(
            bringer.coordinates,
            bringer.spots,
            self._image,
            diameter=next((t.spot_diameter for t in tables if t.spot_diameter is not None), None),
            tissue=next((t.image for t in tables if t.image is not None), None),
        )


def results_in(layers: Iterable[Layer]) -> list[TRSMIResult]:
    """List the results that layers show, the topmost last."""
    return [result for layer in layers if (result := result_of(layer)) is not None]


def _mostly_shared(result: TRSMIResult, spots: pd.Index) -> bool:
    """Return whether a result is on these spots: most of the fewer."""
    index = result.domains.index
    if index.equals(spots):
        return True
    return 2 * int(np.count_nonzero(index.isin(spots))) > min(len(index), len(spots))

"""One run, away from the layers: its inputs, the steps of its work, and how it ended."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from napari_trsmi.data.kinds import kind_from_word
from napari_trsmi.data.micrometres import after_move
from napari_trsmi.data.section_images import stain_name
from napari_trsmi.data.section_set import SectionSet
from napari_trsmi.errors import InputError, StoppedError, TRSMIError
from napari_trsmi.training.report import Phase, PictureReport
from napari_trsmi.viewer.run.progress import Expected

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from anndata import AnnData

    from napari_trsmi.config import Config
    from napari_trsmi.data.dataset import Kind, SpatialOmics, TissueImage
    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.training.report import Step
    from napari_trsmi.training.stop import StopToken
    from napari_trsmi.viewer.run.candidates import TableCandidate
    from napari_trsmi.viewer.run.image_input import ImageInput
    from napari_trsmi.viewer.run.places import SpotPlaces
    from napari_trsmi.viewer.run.sections_job import SectionsJob


@dataclass(frozen=True, eq=False)
class TableInput:
    """A table, and what the user says that it is."""

    name: str
    kind: Kind
    candidate: TableCandidate


@dataclass(frozen=True, eq=False)
class RunJob:
    """The inputs of a run.

    Attributes
    ----------
    tables, images
        The modalities; of images the mean of each channel.
    pictures
        Images that are measured as pictures: stains or channels, texture, nuclei.
    places
        The spots.
    config
        Parameters.
    reference
        An earlier result that lends its names and colours.
    note
        A sentence on the choice of spots, for the record.
    """

    tables: tuple[TableInput, ...]
    images: tuple[ImageInput, ...]
    places: SpotPlaces
    config: Config
    reference: TRSMIResult | None = None
    pictures: tuple[ImageInput, ...] = ()
    note: str = ""

    def expected(self) -> Expected:
        """How long the run may take."""
        n_pictures = len(self.pictures)
        return Expected.of(
            self.config,
            n_spots=len(self.places.names),
            n_modalities=len(self.tables) + len(self.images) + n_pictures,
            n_pictures=n_pictures,
        )

    def dataset(self, check: Callable[[], None] = lambda: None) -> SpatialOmics:
        """Match, check and sample everything but the pictures.

        Parameters
        ----------
        check
            Called between steps; what it raises ends them.

        Raises
        ------
        InputError
            If the inputs cannot be used.
        """
        ready = self._ready()
        if ready is not None:
            return ready
        if not self.tables and not self.images:
            return self._spots_alone()
        from napari_trsmi.data.loading import load
        from napari_trsmi.data.selection import ALL, KEEPABLE

        named: dict[str, AnnData] = {}
        annotated: set[int] = set()
        for given in self.tables:
            check()
            table = given.candidate.table
            obs = given.candidate.annotations
            if obs is None or id(obs) in annotated:  # once is enough for all tables of a section
                obs = pd.DataFrame(index=table.obs_names)
            else:
                annotated.add(id(obs))
            name = _free_name(given.name, given.kind, named)
            named[name] = _labelled(given.candidate.values, obs, table.var_names, given.kind)
        for image in self.images:
            values = image.sampler.sample(
                self.places.world, self.places.world_diameter, check=check
            )
            obs = pd.DataFrame(index=self.places.names)
            name = _free_name(image.name, image.kind, named)
            features = pd.Index(image.sampler.feature_names)
            if image.channels is not None:
                chosen = features.get_indexer(pd.Index(image.channels))
                if (chosen < 0).any():
                    raise InputError(
                        f"The channels of {image.name} have changed since they were ticked. Take "
                        "it off the list and add it again."
                    )
                values, features = values[:, chosen], features[chosen]
            named[name] = _labelled(values, obs, features, image.kind)
        check()
        positions = pd.DataFrame(self.places.coordinates, self.places.names, ["x", "y"])
        # The spots' layer or file has been checked; its annotations may still name sections.
        loaded = load(named, positions=positions, image=self._tissue(), section=ALL, keep=KEEPABLE)
        read = [note for given in self.tables for note in given.candidate.notes]
        notes = tuple(dict.fromkeys([*read, *loaded.notes]))
        return replace(
            loaded,
            spot_diameter=self.places.diameter,
            micrometres_per_unit=self._micrometres() or loaded.micrometres_per_unit,
            square_spots=any(given.candidate.square_spots for given in self.tables),
            notes=notes,
        )

    def steps(self, check: Callable[[], None]) -> Generator[Step, None, SpatialOmics]:
        """Match, check and sample everything, and measure the pictures.

        Raises
        ------
        InputError
            If the inputs cannot be used.
        """
        from napari_trsmi.preprocessing.image.modality import iter_with_image

        dataset = self.dataset(check)
        if self.note:
            dataset = replace(dataset, notes=(*dataset.notes, self.note))
        places = self.places
        measured: dict[str, str | dict[str, Any] | None] = {}
        for given in self.pictures:
            yield Phase.MEASURING
            name = stain_name(given.name)
            while name in dataset.names:
                name = f"{name} picture"
            picture = given.sampler.picture(places.coordinates, places.world)
            if given.shown is not None:
                laid = given.shown.laid_by(picture.matrix, places.coordinates)
                further = {**dataset.further_images, name: laid}
                dataset = replace(dataset, further_images=further)
            measuring = iter_with_image(
                dataset, replace(given.recipe, name=name), picture, check=check
            )
            while True:
                try:
                    done, spots = next(measuring)
                except StopIteration as finished:
                    dataset = finished.value
                    break
                yield PictureReport(done, spots)
            measured[name] = given.written(picture.matrix)
        if len(measured) > 1 or any(given.stack for given in self.pictures):
            known = None if None in measured.values() else measured
            arguments = {**dataset.load_arguments, "image_features": known}
            dataset = replace(dataset, load_arguments=arguments)
        return dataset

    def reference_on(self, data: SpatialOmics | SectionSet) -> TRSMIResult | None:  # noqa: ARG002
        """The earlier result that lends its names and colours."""
        return self.reference

    def _spots_alone(self) -> SpatialOmics:
        """Return the spots without a table, for pictures alone."""
        from napari_trsmi.data.dataset import SpatialOmics

        places = self.places
        return SpatialOmics(
            modalities=(),
            coordinates=places.coordinates,
            spots=places.names,
            annotations=pd.DataFrame(index=places.names),
            image=self._tissue(),
            spot_diameter=places.diameter,
        )

    def _ready(self) -> SpatialOmics | None:
        """Return the data set that all tables belong to, if they are used as they are."""
        dataset = self.tables[0].candidate.dataset if self.tables else None
        if dataset is None or self.images or not self.places.names.equals(dataset.spots):
            return None
        chosen = []
        for given in self.tables:
            if given.candidate.dataset is not dataset or given.kind != given.candidate.kind:
                return None
            chosen += [m for m in dataset.modalities if m.name == given.candidate.name]
        places = self.places
        as_loaded = places.coordinates is dataset.coordinates and len(chosen) == len(
            dataset.modalities
        )
        if as_loaded and places.picture is None and places.tissue is dataset.image:
            return dataset
        arguments: dict[str, Any] = {}
        plain = places.picture is not None and places.picture.registration is None
        if as_loaded and plain and places.picture is not None and dataset.load_arguments:
            arguments = {**dataset.load_arguments, "image": places.picture.path}
        return replace(
            dataset,
            modalities=tuple(chosen),
            digests={m.name: dataset.digests.get(m.name, "") for m in chosen},
            coordinates=places.coordinates,
            image=self._tissue(),
            spot_diameter=places.diameter,
            micrometres_per_unit=self._micrometres(),
            load_arguments=arguments,
        )

    def _micrometres(self) -> float | None:
        """Return what a unit of the spots' places is, by the tables that know it."""
        for given in self.tables:
            table = given.candidate
            if table.coordinates is None or table.micrometres is None:
                continue
            rows = table.spots.get_indexer(self.places.names)
            shared = rows >= 0
            moved = after_move(
                table.micrometres, table.coordinates[rows[shared]], self.places.coordinates[shared]
            )
            if moved is not None:
                return moved
        return None

    def _tissue(self) -> TissueImage | None:
        """Return the image that the spots' coordinates belong to."""
        if self.places.picture is not None:
            return self.places.picture.tissue()
        return self.places.tissue


@dataclass(frozen=True, eq=False)
class Finished:
    """A run that has a result, and the tables that it is of; of several sections these stacked."""

    result: TRSMIResult
    dataset: SpatialOmics


@dataclass(frozen=True)
class Stopped:
    """A run that was stopped and kept nothing."""


@dataclass(frozen=True)
class Failed:
    """A run that failed.

    Attributes
    ----------
    reason
        What went wrong and what to do, in a sentence or two.
    details
        For a report: where in the program.
    """

    reason: str
    details: str


Outcome = Finished | Stopped | Failed


def run_steps(job: RunJob | SectionsJob, stop: StopToken) -> Generator[Step, None, Outcome]:
    """Do a job step by step.

    Nothing is raised: a worker thread swallows a RuntimeError, which is what PyTorch raises.

    Parameters
    ----------
    job
        What to do.
    stop
        Ends it.

    Yields
    ------
    Phases as they begin, and a report after every part of a picture and every epoch.

    Returns
    -------
    How it ended.
    """
    try:
        from napari_trsmi.integration import iter_integrate

        yield Phase.READING
        dataset = yield from job.steps(stop.check)
        result = yield from iter_integrate(
            dataset, config=job.config, reference=job.reference_on(dataset), stop=stop
        )
        shown = dataset.stacked() if isinstance(dataset, SectionSet) else dataset
    except StoppedError:
        return Stopped()
    except TRSMIError as error:
        return Failed(str(error), traceback.format_exc())
    except MemoryError:
        return Failed(
            "There is too little memory for this run. Close other programs, use fewer modalities, "
            "or lower the number of components.",
            traceback.format_exc(),
        )
    except Exception as error:
        said = str(error).strip().split("\n")[0] or "it gave no reason"
        return Failed(
            f"The run failed unexpectedly ({type(error).__name__}: {said}). Please report it with "
            "the details below.",
            traceback.format_exc(),
        )
    return Finished(result, shown)


def _labelled(values: object, obs: pd.DataFrame, features: pd.Index, kind: Kind) -> AnnData:
    """Return a table that says in itself what it holds."""
    from anndata import AnnData

    var = pd.DataFrame({"feature_types": kind.value}, index=features)
    return AnnData(X=values, obs=obs, var=var)


def _free_name(name: str, kind: Kind, taken: dict[str, AnnData]) -> str:
    """Return a name that is free and no word for another kind."""
    if kind_from_word(name) not in (None, kind):
        name = kind.value
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free

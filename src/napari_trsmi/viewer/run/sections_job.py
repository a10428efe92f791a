"""A run of several sections, away from the layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.errors import InputError
from napari_trsmi.viewer.run.progress import Expected

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from napari_trsmi.config import Config
    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.data.section_set import SectionSet
    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.training.report import Step
    from napari_trsmi.viewer.run.job import RunJob, TableInput


@dataclass(frozen=True, eq=False)
class SectionsJob:
    """The inputs of a run of several sections.

    Attributes
    ----------
    jobs
        What each section brings, by its name.
    called
        What its tables are called in the run, in their order.
    config
        Parameters.
    earlier
        Results of several sections, the most recent last: the last one on most of these spots
        lends its names and colours.
    """

    jobs: Mapping[str, RunJob]
    called: Mapping[str, tuple[str, ...]]
    config: Config
    earlier: tuple[TRSMIResult, ...] = ()

    def expected(self) -> Expected:
        """How long the run may take."""
        n_tables = {name for own in self.called.values() for name in own}
        n_spots = sum(len(job.places.names) for job in self.jobs.values())
        return Expected.of(self.config, n_spots=n_spots, n_modalities=len(n_tables))

    def steps(self, check: Callable[[], None]) -> Generator[Step, None, SectionSet]:
        """Match and check each section, and put them together.

        Raises
        ------
        InputError
            If one cannot be used; says which.
        """
        from napari_trsmi.data.section_loading import section_set

        loaded: dict[str, SpatialOmics] = {}
        for name, job in self.jobs.items():
            check()
            try:
                section = yield from job.steps(check)
            except InputError as error:
                raise InputError(f"Section {name!r}: {error}") from error
            loaded[name] = _called(section, self.called[name])
        return section_set(loaded, (), *self._again(loaded))

    def _again(self, loaded: Mapping[str, SpatialOmics]) -> tuple[str | None, dict[str, Any]]:
        """How to get the sections again: the column that told them apart, and the arguments."""
        how = [section.load_arguments for section in loaded.values()]
        picked = [str(one.get("section", "")).rpartition("=") for one in how]
        rest = [{key: value for key, value in one.items() if key != "section"} for one in how]
        columns = {column for column, _, _ in picked}
        if len(columns) == 1 and "" not in columns and all(one == rest[0] for one in rest):
            column = columns.pop()
            names = [name for _, _, name in picked]
            return column, {**rest[0], "library_key": column, "sections": names}
        found: dict[str, dict[str, str]] = {}
        for section, job in self.jobs.items():
            paths = {
                name: _path(given, job)
                for name, given in zip(self.called[section], job.tables, strict=False)
            }
            if len(paths) < len(self.called[section]) or None in paths.values():
                return None, {"tables": None}
            found[section] = {name: path for name, path in paths.items() if path is not None}
        return None, {"tables": found}

    def reference_on(self, data: SpatialOmics | SectionSet) -> TRSMIResult | None:
        """The earlier result that lends its names and colours."""
        found = None
        for result in self.earlier:
            shared = int(result.domains.index.isin(data.spots).sum())
            if 2 * shared > min(len(result.domains), data.n_spots):
                found = result
        return found


def _path(given: TableInput, job: RunJob) -> str | None:
    """The file of a table that is one section's and nothing else, if it is used as it is."""
    dataset = given.candidate.dataset
    if dataset is None or job.note or dataset.load_arguments.keys() != {"tables"}:
        return None
    if not np.array_equal(job.places.coordinates, dataset.coordinates):
        return None
    tables = dataset.load_arguments["tables"]
    if isinstance(tables, dict):
        path = tables.get(given.candidate.name)
        return None if path is None else str(path)
    return tables if isinstance(tables, str) and len(dataset.modalities) == 1 else None


def _called(section: SpatialOmics, names: tuple[str, ...]) -> SpatialOmics:
    """A section with its tables called as in the other sections."""
    own = tuple(
        replace(modality, name=name)
        for modality, name in zip(section.modalities, names, strict=True)
    )
    digests = {
        new.name: section.digests.get(old.name, "")
        for old, new in zip(section.modalities, own, strict=True)
    }
    return replace(section, modalities=own, digests=digests)

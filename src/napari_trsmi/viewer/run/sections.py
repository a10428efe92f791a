"""The sections that are open, which of them are run together, and what each brings to the run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_trsmi.data.section_loading import checked_name
from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError
from napari_trsmi.joint.bridge import bridges
from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.run.candidates import ImageCandidate, candidates_of_layer
from napari_trsmi.viewer.run.inputs import RunInputs
from napari_trsmi.viewer.run.sections_job import SectionsJob
from napari_trsmi.viewer.section.dropped import PLUGIN
from napari_trsmi.viewer.section.taking_up import is_of_same_section

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Points

    from napari_trsmi.config import Config
    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.viewer.run.job import RunJob


_ENDING = ": domains"
_ALONE = " Tick a second section to run them together."
_NAMED = 4  # sections that a layer's name names


@dataclass(eq=False)
class OpenSection:
    """A section that is open.

    Attributes
    ----------
    name
        What it is called in a run of several.
    ticked
        Whether it is to be run together with the others that are.
    inputs
        Its spots, picture and tables.
    """

    name: str
    ticked: bool = False
    inputs: RunInputs = field(default_factory=RunInputs)

    @property
    def points(self) -> Points | None:
        """Its spots."""
        return self.inputs.points

    @property
    def layers(self) -> list[Layer]:
        """All that is shown of it."""
        parts: list[Layer | None] = [self.inputs.image, self.points]
        parts += [choice.candidate.layer for choice in self.inputs.choices]
        return list({id(part): part for part in parts if part is not None}.values())


class RunSections:
    """The sections of a window, one of which a dock shows; `changed` is emitted after each change.

    Parameters
    ----------
    shown
        The choices that the dock shows and changes: those of one section at a time.
    """

    changed = Signal()

    def __init__(self, shown: RunInputs) -> None:
        self._inputs = shown
        self._sections: list[OpenSection] = []
        shown.changed.connect(self._on_shown_changed)

    @property
    def sections(self) -> tuple[OpenSection, ...]:
        """All that are open, in the order in which they were opened."""
        return tuple(self._sections)

    @property
    def shown(self) -> OpenSection | None:
        """The one that the dock shows."""
        return self.of(self._inputs.points)

    @property
    def ticked(self) -> list[OpenSection]:
        """Those that are to be run together."""
        return [section for section in self._sections if section.ticked]

    @property
    def are_together(self) -> bool:
        """Whether a run is of several sections."""
        return len(self.ticked) > 1

    def of(self, layer: Layer | None) -> OpenSection | None:
        """The section whose spots a layer shows."""
        return next((s for s in self._sections if layer is not None and s.points is layer), None)

    def note(
        self, layer: Points, image: Image | None, *, name: str, ticked: bool = False
    ) -> OpenSection:
        """Take note of a layer that carries tables: a new section, or a table more of one.

        Parameters
        ----------
        layer
            Spots with their tables.
        image
            Its picture.
        name
            What the section is called, if it is new; a name that is taken gets a number.
        ticked
            Whether it is to be run together with others.

        Returns
        -------
        The section that it is of.
        """
        if (known := self.of(layer)) is not None:
            return known
        for known in self._sections:
            if known.points is not None and is_of_same_section(layer, known.points):
                listed_already = [
                    getattr(choice.candidate, "dataset", None) for choice in known.inputs.choices
                ]
                if all(dataset is not dataset_of(layer) for dataset in listed_already):
                    known.inputs.add(candidates_of_layer(layer))
                return known
        section = OpenSection(self._free(name), ticked)
        section.inputs.begin_with(layer, image)
        self._sections.append(section)
        self.changed.emit()
        return section

    def laid_out(self) -> list[tuple[Points, list[Layer]]]:
        """The spots of each section that is ticked, and all that moves with them.

        What was drawn moves with the one section that is restricted to it.
        """
        found = []
        drawn = Counter(id(section.inputs.region) for section in self.ticked)
        for section in self.ticked:
            if section.points is not None:
                region = section.inputs.region
                own = [] if region is None or drawn[id(region)] > 1 else [region]
                found.append((section.points, [*section.layers, *own]))
        return found

    def show(self, section: OpenSection) -> None:
        """Have the dock show another section."""
        if section is not self.shown:
            self._inputs.take_over(section.inputs)

    def choose(self, spots: Points | None) -> None:
        """Have the dock show a section by its spots, or take other spots for those of a run."""
        section = self.of(spots)
        if section is not None:
            self.show(section)
        else:
            self._inputs.points = spots

    def tick(self, section: OpenSection, *, ticked: bool) -> None:
        """Say whether a section is to be run together with others."""
        if section.ticked != ticked:
            section.ticked = ticked
            self.changed.emit()

    def rename(self, section: OpenSection, name: str) -> None:
        """Call a section otherwise.

        Raises
        ------
        InputError
            If it is no name, or another section has it.
        """
        name = checked_name(name)
        if any(other.name == name for other in self._sections if other is not section):
            raise InputError(f"There is a section {name!r} already. Choose another name.")
        if name != section.name:
            section.name = name
            self.changed.emit()

    def forget(self, layer: Layer) -> None:
        """Let go of a layer that was removed, and with its spots of a section."""
        gone = self.of(layer)
        if gone is not None:
            self._sections.remove(gone)
        for section in self._sections:
            section.inputs.forget(layer)
        if gone is not None:
            self.changed.emit()

    def summary(self) -> str:
        """How many spots of which sections a run would have, in a sentence.

        With fewer than two ticked a run is of the section that is shown.

        Raises
        ------
        InputError
            If they cannot be run together; says which cannot, why, and what to do.
        """
        if not self.are_together:
            said = self._inputs.summary()
            return said + _ALONE if self.ticked else said
        measured: dict[str, list[str]] = {}
        names = self._table_names()
        for section in self.ticked:
            try:
                section.inputs.summary()
            except InputError as error:
                raise InputError(f"Section {section.name!r}: {error}") from error
            used = section.inputs.used
            pictures = [c for c in used if isinstance(c.candidate, ImageCandidate)]
            if pictures:
                raise InputError(
                    f"Section {section.name!r}: a picture takes part in a run of one section "
                    f"alone. Untick {pictures[0].candidate.name}."
                )
            measured[section.name] = [names[id(choice)] for choice in used]
            if (twice := _twice(measured[section.name])) is not None:
                raise InputError(
                    f"Section {section.name!r} has two tables {twice!r}. Untick one of them."
                )
        every = list(dict.fromkeys(name for own in measured.values() for name in own))
        bridges(measured, every)  # which says what is missing
        told = [f"{name} ({', '.join(own)})" for name, own in measured.items()]
        spots = counted(self.n_spots, "spot")
        return f"{spots} in {counted(len(told), 'section')}: {listed(told)}."

    @property
    def n_spots(self) -> int:
        """Spots that a run would have, 0 if they cannot be used."""
        if not self.are_together:
            return self._inputs.n_spots
        return sum(section.inputs.n_spots for section in self.ticked)

    @property
    def placed_by(self) -> tuple[Image | None, Points | None]:
        """Picture and spots that the domains of a run will lie on; of several they have a grid."""
        if self.are_together:
            return None, None
        return self._inputs.image, self._inputs.points

    @property
    def run_name(self) -> str:
        """What to call the domains of a run, whether spots or an earlier run of them is used."""
        if self.are_together:
            names = [section.name for section in self.ticked]
            told = ", ".join(names) if len(names) <= _NAMED else counted(len(names), "section")
            return told + _ENDING
        points = self._inputs.points
        return "TRSMI domains" if points is None else points.name.partition(_ENDING)[0] + _ENDING

    def job(self, config: Config, results: Iterable[TRSMIResult] = ()) -> RunJob | SectionsJob:
        """Everything that a run needs, so that it never looks at a layer.

        Parameters
        ----------
        config
            Parameters.
        results
            Earlier results, the most recent last, of which one may lend its names and colours.

        Raises
        ------
        InputError
            As `summary`.
        """
        if not self.are_together:
            return self._inputs.job(config, results)
        self.summary()
        names = self._table_names()
        jobs: dict[str, RunJob] = {}
        called: dict[str, tuple[str, ...]] = {}
        for section in self.ticked:
            jobs[section.name] = section.inputs.job(config)
            called[section.name] = tuple(names[id(choice)] for choice in section.inputs.used)
        earlier = [result for result in results if result.sections is not None]
        return SectionsJob(jobs, called, config, tuple(earlier))

    def _table_names(self) -> Mapping[int, str]:
        """What each table is called in the run: by its kind, so that sections agree.

        Where a section has two of a kind, these are told apart by their own names in all.
        """
        several = {
            kind
            for section in self.ticked
            for kind, count in Counter(choice.kind for choice in section.inputs.used).items()
            if count > 1
        }
        return {
            id(choice): choice.candidate.name if choice.kind in several else choice.kind.value
            for section in self.ticked
            for choice in section.inputs.used
        }

    def _on_shown_changed(self) -> None:
        """Keep what is chosen for the section that is shown."""
        section = self.shown
        if section is not None:
            section.inputs.take_over(self._inputs)

    def _free(self, name: str) -> str:
        taken = {section.name for section in self._sections}
        name = name.replace("/", " ").strip() or "section"
        free, number = name, 2
        while free in taken:
            free, number = f"{name} {number}", number + 1
        return free


def add_sections(viewer: ViewerModel, sections: RunSections, paths: Sequence[str]) -> None:
    """Open files of further sections, and tick them together with the one that is shown.

    Parameters
    ----------
    viewer
        Where they are opened, by this package's reader.
    sections
        Those that are open, which take note of the new ones.
    paths
        Of the files; tables on the same spots are one section.
    """
    before, shown = set(sections.sections), sections.shown
    for path in paths:
        viewer.open(path, plugin=PLUGIN)
    new = [section for section in sections.sections if section not in before]
    for section in [*([] if shown is None or not new else [shown]), *new]:
        sections.tick(section, ticked=True)


def carries_section(layer: Layer) -> bool:
    """Whether a layer shows the spots of a section with their tables, and no run."""
    return dataset_of(layer) is not None and result_of(layer) is None


def _twice(names: list[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)

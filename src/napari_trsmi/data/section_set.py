"""Several sections that are analysed together: each has its own spots, tables and picture."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from napari_trsmi.data.stacking import stacked
from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import Modality, SpatialOmics, TissueImage

SECTION = "section"
"""Column of the annotations that says which section a spot is of."""


@dataclass(frozen=True, eq=False)
class SectionSet:
    """Sections of which each has some of the modalities.

    Attributes
    ----------
    sections
        By name, in order, at least two. Spot names differ between sections.
    original_spots
        The spots' names in their own tables, by section.
    library_key
        The column that told the sections apart in one table; None if they came apart.
    notes
        What was guessed, dropped or matched on the way here, one sentence each.
    load_arguments
        How to get the sections again, in plain JSON types.
    """

    sections: Mapping[str, SpatialOmics]
    original_spots: Mapping[str, pd.Index]
    library_key: str | None = None
    notes: tuple[str, ...] = ()
    load_arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def n_spots(self) -> int:
        """Spots of all sections."""
        return sum(section.n_spots for section in self.sections.values())

    @property
    def names(self) -> tuple[str, ...]:
        """Modalities of all sections, in the order of their first appearance."""
        return tuple(
            dict.fromkeys(name for section in self.sections.values() for name in section.names)
        )

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Each modality as the first section that has it has it."""
        return tuple(next(m for _, m in self.having(name)) for name in self.names)

    @property
    def spots(self) -> pd.Index:
        """Names of all spots, section by section."""
        indices = [section.spots for section in self.sections.values()]
        return indices[0].append(indices[1:])

    @property
    def section_of(self) -> pd.Series:
        """The section of each spot, categorical, indexed by `spots`."""
        names = [name for name, s in self.sections.items() for _ in range(s.n_spots)]
        return pd.Series(
            pd.Categorical(names, categories=list(self.sections)), index=self.spots, name=SECTION
        )

    @property
    def coordinates(self) -> NDArray[np.float64]:
        """Coordinates of all spots, each in the system of its section, shape (n_spots, 2)."""
        return np.concatenate([section.coordinates for section in self.sections.values()])

    @property
    def image(self) -> TissueImage | None:
        """None: each section has its own."""
        return None

    @property
    def spot_diameter(self) -> float | None:
        """None: each section has its own."""
        return None

    @property
    def micrometres_per_unit(self) -> float | None:
        """None: each section has its own."""
        return None

    @property
    def square_spots(self) -> bool:
        """Whether the spots of all sections are square bins."""
        return all(section.square_spots for section in self.sections.values())

    @property
    def annotations(self) -> pd.DataFrame:
        """The annotations of all sections with the column `SECTION`, indexed by `spots`."""
        frames = [section.annotations for section in self.sections.values()]
        together = pd.concat([_plain(frame, frames) for frame in frames])
        own = self.section_of
        if SECTION in together and not together[SECTION].astype(str).eq(own.astype(str)).all():
            together = together.rename(columns={SECTION: f"{SECTION}_given"})
        return together.assign(**{SECTION: own})

    @property
    def digests(self) -> dict[str, str]:
        """A fingerprint of each modality in all sections."""
        return {
            name: hashlib.sha256(
                "".join(
                    f"{section}:{self.sections[section].digests.get(name, '')};"
                    for section, _ in self.having(name)
                ).encode()
            ).hexdigest()
            for name in self.names
        }

    def only(self, sections: Sequence[str]) -> SectionSet:
        """Some of the sections.

        Parameters
        ----------
        sections
            Their names, at least two.

        Raises
        ------
        InputError
            If there is no such section, or fewer than two are named.
        """
        unknown = [name for name in sections if name not in self.sections]
        if unknown or len(set(sections)) < 2:
            said = f"There is no section {unknown[0]!r}" if unknown else "One section is named"
            known = listed([repr(name) for name in self.sections])
            raise InputError(f"{said}: name two or more of {known}.")
        return replace(
            self,
            sections={name: self.sections[name] for name in sections},
            original_spots={name: self.original_spots[name] for name in sections},
        )

    def stacked(self) -> SpatialOmics:
        """All sections as one set of spots, to colour and rank by: the tables one below the other.

        Of a table the features are kept that all sections with it have. Spots of a section without
        it are marked as not measured (`Modality.measured`).
        """
        return stacked(self)

    def having(self, name: str) -> list[tuple[str, Modality]]:
        """Sections with a modality, and what they have of it."""
        return [
            (section, modality)
            for section, omics in self.sections.items()
            for modality in omics.modalities
            if modality.name == name
        ]


def _plain(frame: pd.DataFrame, frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Categories that differ between sections as text, so that they join to categories again."""
    joined = {}
    for column, values in frame.items():
        if not isinstance(values.dtype, pd.CategoricalDtype):
            continue
        others = [other[column] for other in frames if column in other]
        if all(isinstance(other.dtype, pd.CategoricalDtype) for other in others):
            try:
                every = union_categoricals(
                    [other.cat.remove_unused_categories() for other in others], ignore_order=True
                )
            except TypeError:  # numbers in one section, text in another
                continue
            joined[str(column)] = pd.Series(
                pd.Categorical(values, categories=every.categories), index=frame.index
            )
    return frame.assign(**joined) if joined else frame

"""Several sections in one table: found by their spots' places, and one of them picked.

A run works on one section. Where two share a table their coordinates mean two slides, and half of
the neighbours in space would be of the other one.
"""

from __future__ import annotations

import itertools
import re
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from napari_trsmi.data.overlaid import are_twins, middle, on_lattices, repeats, splits
from napari_trsmi.data.selection import ALL, how_to
from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from numpy.typing import NDArray

    from napari_trsmi.data.parts import Source

# What programs and people call the column that tells sections apart, the most telling first.
_COLUMNS = (
    *("library_id", "library", "section", "section_id", "slide", "slide_id", "slice", "slice_id"),
    *("sample", "sample_id", "sample_name", "orig_ident", "dataset", "dataset_id", "puck", "chip"),
    *("capture_area", "batch", "region", "fov", "fov_id", "donor", "donor_id", "replicate"),
    *("brain_section_label", "bregma", "image", "image_id", "imageid", "roi", "tma_core", "core"),
)
_WORDS = {
    *(
        "section",
        "slide",
        "slice",
        "sample",
        "library",
        "puck",
        "chip",
        "fov",
        "roi",
        "core",
        "tma",
    ),
    *("batch", "donor", "patient", "subject", "individual", "animal", "mouse", "specimen"),
    *("replicate", "rep", "capture", "dataset", "condition", "treatment", "bregma", "block"),
    *("arrayid", "experiment", "run", "well", "stage", "timepoint", "genotype", "sex", "age"),
    *("disease", "diagnosis", "cohort", "study", "project", "visit", "day", "case", "biopsy"),
    *("plate", "scan", "acquisition", "accession", "gsm", "file", "filename", "field"),
    *("image", "img", "sampleid", "imagenumber", "sid"),
}
"""In the name of any other column: what tells is then whether its groups overlap in space."""

_ENDING = re.compile(r"[-_.#:]([A-Za-z0-9]+)$")
_BEGINNING = re.compile(r"^([A-Za-z0-9]+)[-_.#:]")
_MOST = 1000
"""More groups than this are no sections."""

_NEAR = 0.7
"""Of the spots' pitch. Of two lattices laid over each other every spot is nearer than .58 to one of
the other's; on one lattice none is nearer than 1."""

_OVERLAPPING = 0.25
"""Share of spots with such a neighbour: borders between regions of cells have some too."""

_NEIGHBORS = 9

_NOTHING_TELLS = (
    ", and no column tells them apart. Take one section's spots alone, or, if they are of one "
    f"section, pass {how_to('section', ALL)}."
)


class SeveralSectionsError(InputError):
    """A table holds several sections.

    Parameters
    ----------
    said
        What is wrong and what to do.
    column
        What tells them apart, as ``library_key`` takes it.
    """

    def __init__(self, said: str, column: str) -> None:
        super().__init__(said)
        self.column = column


@dataclass(frozen=True, eq=False)
class Grouping:
    """A way to tell sections apart.

    Attributes
    ----------
    name
        Of the column, or what else tells.
    groups
        Name of each spot's group, indexed by spot; None where there is none.
    """

    name: str
    groups: pd.Series

    @property
    def names(self) -> list[str]:
        """Names of the groups, in the order of their appearance."""
        return [str(name) for name in pd.unique(self.groups.dropna())]


def groupings(source: Source) -> Iterator[Grouping]:
    """List what may tell a table's sections apart, the most telling first."""
    obs = source.table.obs
    own = [column for column in source.section_columns if column in obs]
    plain = {_plain(column): column for column in reversed(obs.columns)}
    known = [plain[name] for name in _COLUMNS if name in plain]
    others = [c for c in obs.columns if _words(c) & _WORDS and _has_whole_values(obs[c])]
    for column in dict.fromkeys([*own, *known, *others]):
        yield of_column(obs, column)
    spots = obs.index.to_series().astype(str)
    endings, beginnings = (spots.str.extract(pattern)[0] for pattern in (_ENDING, _BEGINNING))
    if (endings.str.isdecimal() & beginnings.str.isdecimal()).any():
        return  # such as 12_7: a place on a grid
    for found, what in ((endings, "spot name's ending"), (beginnings, "spot name's beginning")):
        if found.notna().all():
            yield Grouping(what, found)


def of_column(obs: pd.DataFrame, column: Hashable) -> Grouping:
    """Group spots by a column: names as a person writes them, 1 for 1.0."""
    return Grouping(str(column), obs[column].astype(object).map(_name, na_action="ignore"))


def only_section(sources: Sequence[Source], section: str | None, notes: list[str]) -> list[Source]:
    """Keep the spots of one section.

    Parameters
    ----------
    sources
        Tables; they are not changed.
    section
        As of `napari_trsmi.data.selection.Selection`.
    notes
        Gets a sentence for each table of which a part is taken.

    Returns
    -------
    The tables. One without the section is left as it is: its spots are matched by name.

    Raises
    ------
    InputError
        If no table has the section; lists those that there are.
    """
    if section is None or section == ALL:
        return list(sources)
    picked = [None if source.is_section else _picked(source, section) for source in sources]
    if all(mask is None for mask in picked) and not any(s.is_section for s in sources):
        raise InputError(f"section={section!r} is in no table. {_known(sources)}")
    kept = []
    for source, mask in zip(sources, picked, strict=True):
        if mask is None or mask.all():
            kept.append(source)
            continue
        notes.append(
            f"{counted(int(mask.sum()), 'spot')} of {len(mask):,} of table {source.label} are of "
            f"section {section!r}; the others are left out."
        )
        kept.append(replace(source, table=source.table[mask]))
    return kept


def section_name(section: str | None) -> str | None:
    """Return the name in ``"column=name"``."""
    return None if section is None or section == ALL else section.rpartition("=")[2].strip()


def check_one_section(
    sources: Sequence[Source], spots: pd.Index, xy: NDArray[np.float64], notes: list[str]
) -> None:
    """Raise an InputError if the spots lie on several sections that overlap in space.

    Parameters
    ----------
    sources
        Tables that have `spots`.
    spots, xy
        Names and coordinates, shape (n_spots, 2).
    notes
        Gets a sentence when sections lie side by side, which does no harm.
    """
    near: NDArray[np.int64] | None = None
    said = False
    for source in sources:
        for grouping in groupings(source):
            groups = grouping.groups.reindex(spots)
            codes, names = pd.factorize(groups)
            if not 2 <= len(names) <= min(_MOST, len(spots) // 3):
                continue
            if near is None:
                near = _neighbours(xy)
            if _overlap(xy, near, codes):
                raise _several(source, grouping.name, [str(name) for name in names])
            if not said and _apart(xy, codes) and "spot name" not in grouping.name:
                notes.append(
                    f"{grouping.name} of table {source.label} names {len(names):,} sections, which "
                    "lie apart: they are integrated together, as one."
                )
                said = True
        _check_overlaid(source, spots, xy)
    stacked = _stacked(xy)
    if stacked > _OVERLAPPING:
        raise InputError(
            f"{stacked:.0%} of the {len(spots):,} spots lie where another one lies, as those of "
            f"several sections in one table do{_NOTHING_TELLS}"
        )


def _check_overlaid(source: Source, spots: pd.Index, xy: NDArray[np.float64]) -> None:
    """Raise an InputError if sections lie over each other that no column's name tells."""
    obs = source.table.obs.loc[spots]
    for repeated in repeats(obs):
        copies = np.asarray(repeated.groupby(repeated).cumcount(), dtype=np.int64)
        if not _overlap(xy, _neighbours(xy), copies):
            continue
        for grouping in _columns(obs):
            if splits(grouping.groups, repeated):
                raise _several(source, grouping.name, grouping.names, named=False)
        share = repeated.duplicated(keep=False).mean()
        raise InputError(
            f"{share:.0%} of the {len(spots):,} spots of table {source.label} have a barcode or a "
            "place on the array that another one has, and they lie among each other, as those of "
            f"several sections in one table do{_NOTHING_TELLS}"
        )
    here = middle(xy)
    near = _neighbours(xy[here])
    for grouping in _columns(obs.iloc[here]):
        codes = pd.factorize(grouping.groups)[0]
        if on_lattices(xy[here], codes) and _overlap(xy[here], near, codes):
            raise _several(source, grouping.name, grouping.names, named=False)
    if are_twins(xy[here]):
        raise InputError(
            f"The spots of table {source.label} lie in pairs, all turned alike, as those of two "
            f"sections in one table do{_NOTHING_TELLS}"
        )


def _columns(obs: pd.DataFrame) -> Iterator[Grouping]:
    """List the columns that could tell sections apart, whatever they are called."""
    for column in obs.columns:
        if _has_whole_values(obs[column]):
            grouping = of_column(obs, column)
            if 2 <= len(grouping.names) <= min(_MOST, len(obs) // 3):
                yield grouping


def _has_whole_values(column: pd.Series) -> bool:
    """Whether a column may name things: text, categories, whole numbers."""
    if not pd.api.types.is_float_dtype(column.dtype):
        return True
    known = column.dropna()
    return bool((known == known.round()).all())


def _picked(source: Source, section: str) -> NDArray[np.bool_] | None:
    """Mark the spots of a section, if the table has it."""
    column, _, name = section.rpartition("=")
    obs = source.table.obs
    if column:
        found = next((c for c in obs if str(c) == column.strip()), None)
        candidates = [
            grouping for grouping in groupings(source) if grouping.name == column.strip()
        ] or ([] if found is None else [of_column(obs, found)])
    else:
        candidates = list(groupings(source))
    for grouping in candidates:
        mask = (grouping.groups == name.strip()).to_numpy(dtype=bool)
        if mask.any():
            return mask
    return None


def _known(sources: Sequence[Source]) -> str:
    for source in sources:
        for grouping in groupings(source):
            names = grouping.names
            if 1 <= len(names) <= min(_MOST, source.table.n_obs // 3):
                return f"{grouping.name} of table {source.label} has {_some(names)}."
    return (
        "No column of the tables tells sections apart. Name it too: "
        f"{how_to('section', 'column=name')}."
    )


def _several(
    source: Source, column: str, names: list[str], *, named: bool = True
) -> SeveralSectionsError:
    first = names[0] if named else f"{column}={names[0]}"
    return SeveralSectionsError(
        f"Table {source.label} holds {len(names):,} sections ({column}: {_some(names)}) whose "
        "coordinates overlap: their spots would become neighbours. Pick one with "
        f"{how_to('section', first)}, run all of them together with library_key={column!r} "
        f"(command line: --library-key {shlex.quote(column)}), or lay them apart in one coordinate "
        f"system. If they do lie on one slide, pass section={ALL!r}.",
        column,
    )


def _some(names: list[str]) -> str:
    shown = names[:6]
    more = f" and {len(names) - 6:,} more" if len(names) > 6 else ""
    return (", ".join(shown) + more) if more else listed(shown)


def _neighbours(xy: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(cKDTree(xy).query(xy, k=min(_NEIGHBORS, len(xy)))[1], dtype=np.int64)


def _overlap(xy: NDArray[np.float64], near: NDArray[np.int64], codes: NDArray[np.int64]) -> bool:
    """Whether many spots lie nearer to one of another group than lattices' spots do."""
    pitches = [pitch for group in range(codes.max() + 1) if (pitch := _pitch(xy[codes == group]))]
    if not pitches:
        return _stacked(xy) > _OVERLAPPING
    foreign = (codes[near] != codes[:, np.newaxis]) & (codes[near] >= 0)
    distance = np.linalg.norm(xy[near] - xy[:, np.newaxis], axis=2)
    nearest = np.where(foreign, distance, np.inf).min(axis=1)
    known = codes >= 0
    return bool(np.mean(nearest[known] < _NEAR * min(pitches)) > _OVERLAPPING)


def _pitch(xy: NDArray[np.float64]) -> float | None:
    """Median distance to the nearest spot of the same group; None of too few."""
    if len(xy) < 4:
        return None
    distance = np.asarray(cKDTree(xy).query(xy, k=2)[0])[:, 1]
    return float(np.median(distance)) or None


def _apart(xy: NDArray[np.float64], codes: NDArray[np.int64]) -> bool:
    """Whether the groups' bounding boxes have gaps between them, all along one axis."""
    for axis in (0, 1):
        ends = sorted(
            (float(values.min()), float(values.max()))
            for group in range(codes.max() + 1)
            if len(values := xy[codes == group, axis])
        )
        gaps = [after[0] - before[1] for before, after in itertools.pairwise(ends)]
        sides = [high - low for low, high in ends]
        if gaps and min(gaps) > 0.1 * max(sides):
            return True
    return False


def _stacked(xy: NDArray[np.float64]) -> float:
    """Share of spots that lie exactly where another one lies."""
    _, counts = np.unique(xy, axis=0, return_counts=True)
    return float(counts[counts > 1].sum() / len(xy))


def _plain(column: object) -> str:
    return re.sub(r"[\s.\-]+", "_", str(column).strip().lower())


def _words(column: object) -> set[str]:
    """Take ``tissueSection_ID`` apart into tissue, section, id and sectionid."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", str(column))
    plain = [word.lower() for word in words]
    return {*plain, *(one + other for one, other in itertools.pairwise(plain))}


def _name(value: object) -> str:
    """Write a group's name as a person would: 1 for 1.0."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)

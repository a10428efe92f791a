"""The way in for several sections: told apart by a column of one table, or given one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from napari_trsmi.data.load_arguments import load_arguments
from napari_trsmi.data.loading import Positions, Tables, load
from napari_trsmi.data.reading.inputs import read_inputs
from napari_trsmi.data.section_set import SectionSet
from napari_trsmi.data.sections import groupings, of_column
from napari_trsmi.data.selection import ALL, Selection
from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.data.parts import Source

Sections: TypeAlias = "Mapping[str, Tables]"

MOST_SECTIONS = 100
"""A column with more values numbers spots or cells, and not sections."""

FEWEST_SPOTS = 20
"""Of a section: below, its own scale of each feature is chance."""


def are_sections(tables: object) -> bool:
    """Whether tables are given section by section: a dict of dicts.

    Raises
    ------
    InputError
        If only some of the values are dicts.
    """
    if not isinstance(tables, Mapping) or not tables:
        return False
    nested = [isinstance(value, Mapping) for value in tables.values()]
    if any(nested) and not all(nested):
        odd = next(name for name, yes in zip(tables, nested, strict=True) if not yes)
        raise InputError(
            f"Of several sections each is a dict of its tables, and {odd!r} is none. Write "
            f"{{{odd!r}: {{'rna': table}}, ...}}."
        )
    return all(nested)


def load_sections(
    tables: Tables | Sections,
    *,
    library_key: str | None = None,
    features: str | Sequence[str] | None = None,
    positions: Positions | Mapping[str, Positions] | None = None,
    image: Any = None,
    image_scale: float | Mapping[str, float] | None = None,
    bin_size: int | str | None = None,
    keep: str | Sequence[str] = (),
) -> SectionSet:
    """Read several sections, each with its own spots, coordinates and picture.

    Parameters
    ----------
    tables
        A dict of section name to its tables, ``{"s1": {"rna": ..., "protein": ...}, "s2": {"rna":
        ...}}``, each as `napari_trsmi.load` takes them; or, with `library_key`, the tables of all
        sections as `napari_trsmi.load` takes them. A section need not have every table.
    library_key
        Column of ``obs`` that names the section of each spot. A table without it is matched by
        spot name to those that have it.
    features, bin_size, keep
        As for `napari_trsmi.load`, the same for all sections.
    positions, image, image_scale
        As for `napari_trsmi.load`, by section name; positions with spot names may also be given
        once for all.

    Returns
    -------
    SectionSet
        Sections in the order given. Spots that are called alike in two sections get the section's
        name behind theirs, and a note says so.

    Raises
    ------
    InputError
        When a section cannot be used, or the sections cannot be compared; says which, and what
        to do.
    """
    notes: list[str] = []
    loaded = read_sections(
        tables,
        notes,
        library_key=library_key,
        features=features,
        positions=positions,
        image=image,
        image_scale=image_scale,
        bin_size=bin_size,
        keep=keep,
    )
    written = load_arguments(tables=None, library_key=library_key, features=features)
    written |= load_arguments(tables=tables) if library_key is not None else _written(tables)
    return section_set(loaded, notes, library_key, written)


def read_sections(
    tables: Tables | Sections,
    notes: list[str],
    *,
    library_key: str | None = None,
    features: str | Sequence[str] | None = None,
    positions: Positions | Mapping[str, Positions] | None = None,
    image: Any = None,
    image_scale: float | Mapping[str, float] | None = None,
    bin_size: int | str | None = None,
    keep: str | Sequence[str] = (),
) -> dict[str, SpatialOmics]:
    """Read several sections as `load_sections` does, each as it is by itself.

    Parameters
    ----------
    tables, library_key, features, positions, image, image_scale, bin_size, keep
        As for `load_sections`.
    notes
        Gets what was guessed, matched and left out.

    Raises
    ------
    InputError
        As `load_sections`, unless it is how sections go together that is wrong.
    """
    if library_key is None:
        if not are_sections(tables):
            raise InputError(
                "Several sections are a dict of section name to its tables, or one set of tables "
                "with library_key='column', the column that names each spot's section."
            )
        assert isinstance(tables, Mapping)  # noqa: S101
        given = {checked_name(name): value for name, value in tables.items()}
    elif are_sections(tables):
        raise InputError(
            "The sections are given one by one, so library_key can change nothing. Leave it out."
        )
    else:
        given = _by_key(tables, library_key, Selection.of(ALL, bin_size, keep), positions, notes)
    _check_names(given, positions=positions, image=image, image_scale=image_scale)
    loaded: dict[str, SpatialOmics] = {}
    for name, own in given.items():
        try:
            section = load(
                own,
                features=features,
                positions=_of(positions, name, given),
                image=_of(image, name, given),
                image_scale=_of(image_scale, name, given),
                section=ALL if library_key is not None else None,
                bin_size=bin_size,
                keep=keep,
            )
        except InputError as error:
            raise InputError(f"Section {name!r}: {error}") from error
        if library_key is not None:  # how to get this one again, by itself
            again = load_arguments(tables=tables, features=features, positions=positions)
            section = replace(section, load_arguments={**again, "section": f"{library_key}={name}"})
        loaded[name] = section
    return loaded


def section_set(
    loaded: Mapping[str, SpatialOmics],
    notes: Sequence[str],
    library_key: str | None = None,
    written: Mapping[str, Any] | None = None,
) -> SectionSet:
    """Put sections together that are to be run together.

    Parameters
    ----------
    loaded
        Each as it is by itself, by name, at least two.
    notes
        What was guessed, matched and left out before.
    library_key
        The column that told them apart.
    written
        How to get them again, as `napari_trsmi.data.load_arguments` writes it.

    Raises
    ------
    InputError
        If a name is none, or a section is too small.
    """
    said = list(notes)
    for name, section in loaded.items():
        checked_name(name)
        said += [f"Section {name}: {note}" for note in section.notes]
        if further := list(section.further_images):
            said.append(
                f"Section {name}: {listed(further)} left out, as sections keep one picture."
            )
        if section.n_spots < FEWEST_SPOTS:
            raise InputError(
                f"Section {name!r} has {counted(section.n_spots, 'spot')} that can be used, "
                f"and at least {FEWEST_SPOTS} are needed beside others. Leave the section out."
            )
    original = {name: section.spots for name, section in loaded.items()}
    held = _with_own_names(dict(loaded), said)
    return SectionSet(held, original, library_key, tuple(dict.fromkeys(said)), dict(written or {}))


def checked_name(name: object) -> str:
    """Return a section's name without spaces around it.

    Raises
    ------
    InputError
        If it is none.
    """
    # Names end up in uns keys, where "/" would start a group in the file.
    if not isinstance(name, str) or not name.strip() or "/" in name:
        raise InputError(f"{name!r} is no name for a section. Use a word such as 's1'.")
    return name.strip()


def _by_key(
    tables: object, key: str, selection: Selection, positions: object, notes: list[str]
) -> dict[str, list[Source]]:
    """The tables of each section, out of tables of all sections."""
    sources = read_inputs(tables, notes, selection, placed=positions is not None)
    section_of = _sections_of_spots(sources, key)
    names = list(pd.unique(section_of))
    if len(names) < 2:
        raise InputError(
            f"Column {key!r} names one section alone, {names[0]!r}. Leave library_key out."
        )
    if len(names) > MOST_SECTIONS:
        raise InputError(
            f"Column {key!r} has {len(names):,} values, and at most {MOST_SECTIONS} sections can "
            "be analysed together: it seems to number spots. Name the column of the sections."
        )
    found: dict[str, list[Source]] = {}
    for name in names:
        spots = section_of.index[section_of == name]
        parts = []
        for source in sources:
            mask = source.table.obs_names.isin(spots)
            if mask.any():
                parts.append(replace(source, table=_own_picture(source.table[mask], name)))
        found[checked_name(str(name))] = [replace(part, image=None) for part in parts]
    return found


def _sections_of_spots(sources: Sequence[Source], key: str) -> pd.Series:
    """The section of each spot that a table names one for, by spot."""
    told = [(source, values) for source in sources if (values := _told(source, key)) is not None]
    if not told:
        known = listed([repr(str(c)) for c in sources[0].table.obs][:12]) or "none"
        raise InputError(f"No table has a column {key!r}. Table {sources[0].label} has {known}.")
    columns: list[pd.Series] = []
    for source, values in told:
        if values.isna().any():
            raise InputError(
                f"Column {key!r} of table {source.label} is empty for "
                f"{counted(int(values.isna().sum()), 'spot')}. Name their section, or leave them "
                "out."
            )
        if not source.table.obs_names.is_unique:
            twice = source.table.obs_names[source.table.obs_names.duplicated()][0]
            raise InputError(
                f"Table {source.label} names spot {twice!r} twice. Call obs_names_make_unique(), "
                "or pass the sections one by one, as a dict of section name to its tables."
            )
        columns.append(values.astype(str))
    together = pd.concat(columns)
    spots = together.index
    if (torn := together.groupby(spots).nunique() > 1).any():
        raise InputError(
            f"Spot {torn.index[torn][0]!r} is of two sections by column {key!r} of different "
            "tables. Make the tables agree."
        )
    first: pd.Series = together[~spots.duplicated()]
    return first


def _told(source: Source, key: str) -> pd.Series | None:
    """What names the section of each spot: a column, or what `groupings` found in spot names."""
    if key in source.table.obs:
        return of_column(source.table.obs, key).groups
    return next((found.groups for found in groupings(source) if found.name == key), None)


def _own_picture(table: Any, name: str) -> Any:
    """The section's part of a table, with the picture that is called as the section is."""
    own = table.copy()
    pictures = own.uns.get("spatial")
    if isinstance(pictures, Mapping) and len(pictures) > 1:
        own.uns["spatial"] = {name: pictures[name]} if name in pictures else {}
    return own


def _check_names(given: Mapping[str, object], **options: object) -> None:
    for option, value in options.items():
        if not isinstance(value, Mapping):
            continue
        unknown = [name for name in value if name not in given]
        if unknown and not (option == "positions" and len(unknown) == len(value)):
            raise InputError(
                f"{option}= names section {unknown[0]!r}, which is not given. There are "
                f"{listed([repr(name) for name in given])}."
            )


def _of(value: Any, name: str, given: Mapping[str, object]) -> Any:
    """What an option says of one section."""
    if isinstance(value, Mapping) and any(key in given for key in value):
        return value.get(name)
    if isinstance(value, (Mapping, pd.DataFrame, str, Path)) or value is None:
        return value
    raise InputError(
        "With several sections pass positions with spot names, and pictures and scales by section "
        f"name: {{{name!r}: ...}}."
    )


def _with_own_names(sections: dict[str, SpatialOmics], notes: list[str]) -> dict[str, SpatialOmics]:
    """Put the section's name behind its spots' where two sections have a spot of one name."""
    every = np.concatenate([section.spots.astype(str) for section in sections.values()])
    shared = len(every) - len(np.unique(every))
    if not shared:
        return sections
    notes.append(
        f"{counted(shared, 'spot name')} occur in more than one section: all spots get the name of "
        f"their section behind theirs, such as {every[0]}-{next(iter(sections))}."
    )
    return {name: _renamed(section, name) for name, section in sections.items()}


def _renamed(section: SpatialOmics, name: str) -> SpatialOmics:
    spots = pd.Index([f"{spot}-{name}" for spot in section.spots])
    modalities = []
    for modality in section.modalities:
        table = modality.table.copy()
        table.obs_names = spots
        modalities.append(replace(modality, table=table))
    return replace(
        section,
        modalities=tuple(modalities),
        spots=spots,
        annotations=section.annotations.set_axis(spots),
    )


def _written(tables: object) -> dict[str, Any]:
    """The sections' paths by name; None if a table came from memory."""
    assert isinstance(tables, Mapping)  # noqa: S101
    written = {name: load_arguments(tables=own)["tables"] for name, own in tables.items()}
    return {"tables": None if any(own is None for own in written.values()) else written}

"""The reader: files and folders of a section, or of a run, as napari's layer data."""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from napari_trsmi.data.dataset import SpatialOmics
from napari_trsmi.data.loading import load
from napari_trsmi.data.reading.delimited import is_delimited, is_positions
from napari_trsmi.data.reading.images import tissue_image
from napari_trsmi.data.reading.paths import is_folder_of_tables
from napari_trsmi.data.reading.stereo_seq import is_gem
from napari_trsmi.data.section_loading import are_sections, read_sections
from napari_trsmi.data.sections import SeveralSectionsError
from napari_trsmi.data.splitting import UnknownKindError
from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError, TRSMIError, TRSMIWarning
from napari_trsmi.output.results import read_result
from napari_trsmi.result import TRSMIResult
from napari_trsmi.scverse.places import KEY
from napari_trsmi.viewer.domains.adding import domains_data
from napari_trsmi.viewer.domains.from_files import note_opened
from napari_trsmi.viewer.keeping import keep
from napari_trsmi.viewer.section.drawn_areas import areas_data, is_geojson
from napari_trsmi.viewer.section.grid import sections_data
from napari_trsmi.viewer.section.layers import spots_data, tissue_data
from napari_trsmi.viewer.section.next_step import open_next, open_session_with_docks
from napari_trsmi.viewer.section.pictures import further_pictures, section_pictures
from napari_trsmi.viewer.session.saving import is_session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.components import LayerList, ViewerModel
    from napari.layers import Image

    from napari_trsmi.data.loading import Tables
    from napari_trsmi.data.section_loading import Sections
    from napari_trsmi.viewer.section.layers import LayerData

    Reader: TypeAlias = Callable[[str | list[str]], list[LayerData] | list[tuple[None]]]

Opened: TypeAlias = "SpatialOmics | TRSMIResult | Mapping[str, SpatialOmics]"
"""A section, a run, or several sections by name."""

_HEADER = 4096  # bytes
_TOGETHER = 10.0  # s within which text tables are of one drop
_waiting: WeakKeyDictionary[LayerList, tuple[str, float]] = WeakKeyDictionary()
"""A text table that could not be opened alone, and when."""


def get_reader(path: str | list[str]) -> Reader | None:
    """What napari calls to learn whether this package reads something.

    Parameters
    ----------
    path
        A file or a folder; a list of them, where they are to be opened as one, is taken for
        several tables of one section.

    Returns
    -------
    The reader, which opens a session itself; None for what is something else: another program's
    HDF5 file, a folder of no platform that is known. A damaged file gets the reader, whose error
    says why.
    """
    listed = [path] if isinstance(path, str) else path
    return _read if all(_is_ours(Path(each)) for each in listed) else None


def read_layers(paths: str | list[str]) -> list[LayerData]:
    """Read a file, a folder, or several tables of one section.

    Returns
    -------
    The tissue image, if there is one, and a Points layer: the domains if `paths` is a result of
    this package, else the spots, with their tables attached.

    Raises
    ------
    InputError
        If it cannot be read; says what is wrong, where, and what to do.
    """
    return _layers_of(_read_paths(paths), paths)


def read_section(tables: Tables, *, image: Any = None, **given: Any) -> SpatialOmics | TRSMIResult:
    """Read a result of this package, or whatever `load` reads.

    Parameters
    ----------
    tables, image, given
        As for `napari_trsmi.load`.

    Raises
    ------
    InputError
        If it cannot be read.

    Warns
    -----
    TRSMIWarning
        When nothing tells what an ``.h5ad`` holds: it is shown all the same, as RNA.
    """
    path = Path(tables).expanduser() if isinstance(tables, (str, Path)) else None
    picked = {name for name, value in given.items() if value is not None and value not in ((), [])}
    if path and not picked - {"image_scale"} and _holds_run(path):
        result = read_result(path)
        if image is None:
            return result
        return replace(result, image=tissue_image(image, given.get("image_scale"), []))
    try:
        return load(tables, image=image, **given)
    except UnknownKindError:
        if path is None:
            raise
        dataset = load({"rna": path}, image=image, **given)
    note = f"Nothing tells what {path.name} holds: it is taken as RNA. Change that before a run."
    warnings.warn(note, TRSMIWarning, stacklevel=2)
    return replace(dataset, notes=(*dataset.notes, note))


def read_all(tables: Tables | Sections, *, library_key: str | None = None, **given: Any) -> Opened:
    """Read as `read_section` does; of tables with several sections all of them, by name.

    Parameters
    ----------
    tables, library_key
        As for `napari_trsmi.load_sections`; without a column what `read_section` takes, whose
        sections are then told apart by what shows that there are several.
    given
        As for `napari_trsmi.load`.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if library_key is None and not are_sections(tables):
        try:
            return read_section(tables, **given)
        except SeveralSectionsError as error:
            if given.get("image") is not None:
                raise
            library_key = error.column
    if given.pop("section", None) is not None:
        raise InputError(
            "A section and the column of all sections are both named. Leave one of the two out."
        )
    notes: list[str] = []
    try:
        found = read_sections(tables, notes, library_key=library_key, **given)
    except InputError as error:
        if not (isinstance(error.__cause__, UnknownKindError) and isinstance(tables, (str, Path))):
            raise
        notes = [f"Nothing tells what {Path(tables).name} holds: it is taken as RNA."]
        found = read_sections({"rna": tables}, notes, library_key=library_key, **given)
    how = "" if library_key is None else f", told apart by {library_key}"
    show_several(found, [*notes, f"{counted(len(found), 'section')} side by side{how}."])
    return found


def show_several(sections: Mapping[str, SpatialOmics], notes: Sequence[str]) -> None:
    """Tell what was guessed and left out of several sections."""
    from napari.utils.notifications import show_info

    own = [f"{name}: {note}" for name, section in sections.items() for note in section.notes]
    show_info("\n".join(dict.fromkeys([*notes, *own])))


def tables_beside(tables: object, section: Opened) -> SpatialOmics | None:
    """Read the tables that a file holds beside a run; None if it holds the run alone."""
    if not isinstance(section, TRSMIResult) or not isinstance(tables, (str, Path)):
        return None
    path = Path(tables).expanduser()
    kinds = [modality["kind"] for modality in section.record.get("modalities", [])]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TRSMIWarning)
            try:
                dataset = load(path)
            except UnknownKindError:
                dataset = load({kinds[0] if kinds else "rna": path})
    except InputError:
        return None
    return dataset if dataset.spots.equals(section.domains.index) else None


def section_layers(
    section: Opened,
    name: str,
    image: Image | None = None,
    *,
    dataset: SpatialOmics | None = None,
) -> list[LayerData]:
    """Make the layers of a section or a run.

    Parameters
    ----------
    section
        What to show; several sections lie side by side, each with its own picture.
    name
        Of the Points layer; of several sections each is called by its own.
    image
        The layer that shows the tissue already. None adds the section's own image, if there is one.
    dataset
        The tables of a run.

    Returns
    -------
    Layer data, the lowest layer first.

    Raises
    ------
    InputError
        If `image` cannot be the section's.
    """
    if isinstance(section, Mapping):
        return sections_data(section)
    own = []
    if image is None and section.image is not None:
        pixels, shown, kind = tissue_data(section.image)
        own.append((pixels, {**shown, "name": f"{name}: tissue"}, kind))
    if image is None:
        own += further_pictures(section)
    if isinstance(section, TRSMIResult):
        note_opened(section)
        own += section_pictures(section) if image is None else []
        return [*own, domains_data(section, name, image, dataset=dataset)]
    return [*own, spots_data(section, name, image)]


def name_of(tables: object) -> str:
    """Return a short name for a layer of these tables."""
    first = tables[0] if isinstance(tables, (list, tuple)) and tables else tables
    if not isinstance(first, (str, Path)):
        return "Spots"
    path = Path(str(first).rpartition("=")[2]).expanduser().absolute()
    return (path.parent if path.name == "outs" else path).stem  # Space Ranger calls all "outs"


def show_notes(section: Opened) -> None:
    """Tell what was guessed, matched and left out on opening, where there is a window to tell it.

    A result's notes are of the run; the Domains dock shows them. Those of several sections were
    told when they were read.
    """
    from napari.utils.notifications import show_info

    if isinstance(section, SpatialOmics) and section.notes:
        show_info("\n".join(section.notes))


def _read(paths: str | list[str]) -> list[LayerData] | list[tuple[None]]:
    """Read, or say why not.

    In a window whose errors nobody else catches, napari would wrap the reason in its own words and
    offer the traceback: the reason alone is shown, and no layer is added.
    """
    from napari import current_viewer
    from napari.utils.notifications import notification_manager, show_error

    viewer = current_viewer()
    if viewer is not None:
        keep(viewer)
    try:
        paths = _with_waiting(viewer, paths)
        if isinstance(paths, str) and is_geojson(Path(paths)):
            return [areas_data(Path(paths), viewer)]
        if isinstance(paths, str) and is_session(Path(paths)):
            open_session_with_docks(viewer, paths)
            return [(None,)]
        section = _read_paths(paths)
        layers = _layers_of(section, paths)
    except TRSMIError as error:
        if viewer is not None and isinstance(paths, str) and is_delimited(Path(paths)):
            _waiting[viewer.layers] = paths, time.monotonic()
            open_next(viewer, None)  # whose window keeps the next ones together
        if getattr(sys.excepthook, "__self__", None) is not notification_manager:
            raise
        show_error(_shortened(str(error), paths))
        return [(None,)]
    open_next(viewer, section)
    return layers


def _with_waiting(viewer: ViewerModel | None, paths: str | list[str]) -> str | list[str]:
    """Return a text table with the one before it, if one of the two has the places of the other.

    What is dropped together is opened one by one where napari has asked for the reader.
    """
    if viewer is None or not isinstance(paths, str) or not is_delimited(Path(paths)):
        return paths
    before, when = _waiting.pop(viewer.layers, ("", 0.0))
    if not before or before == paths or time.monotonic() - when > _TOGETHER:
        return paths
    return [before, paths] if is_positions(Path(before)) != is_positions(Path(paths)) else paths


def _read_paths(paths: str | list[str]) -> Opened:
    """Read what was dropped or chosen; of several text tables one may hold the positions."""
    if isinstance(paths, str):
        return read_all(paths)
    placed = [path for path in paths if is_delimited(Path(path)) and is_positions(Path(path))]
    tables = [path for path in paths if path not in placed]
    if len(placed) != 1 or not tables:
        return read_all(paths)
    return read_all(tables[0] if len(tables) == 1 else tables, positions=placed[0])


def _layers_of(section: Opened, paths: str | list[str]) -> list[LayerData]:
    show_notes(section)
    return section_layers(section, name_of(paths), dataset=tables_beside(paths, section))


def _shortened(message: str, paths: str | list[str]) -> str:
    """Call files by their names: a notification shows one short line until it is unfolded."""
    for path in [paths] if isinstance(paths, str) else paths:
        message = message.replace(path, Path(path).name)
    return message


def _is_ours(path: Path) -> bool:
    if is_delimited(path) and path.is_file():
        return not _is_of_napari(path)
    if path.is_dir():
        attributes = _store_attributes(path)
        return (
            "spatialdata_attrs" in attributes
            or attributes.get("encoding-type") == "anndata"
            or is_session(path)
            or is_folder_of_tables(path)
        )
    if is_gem(path) or is_geojson(path):
        return True
    # None: the reader's error says what is wrong with the file.
    return _holds(path, "obs", "var") is not False or any(
        _holds(path, place) for place in ("mod", "matrix/barcodes")
    )


def _is_of_napari(path: Path) -> bool:
    """Tell a table in which napari keeps points or shapes by its header."""
    try:
        with path.open("rb") as file:
            header = file.readline(_HEADER).decode("utf-8", "replace").strip().lower().split(",")
    except OSError:
        return False
    return "axis-0" in header


def _holds_run(path: Path) -> bool:
    """Tell whether a file, or a table of a SpatialData, holds a run."""
    if path.is_dir():
        return any((path / "tables").glob(f"*/uns/{KEY}"))
    return bool(_holds(path, f"uns/{KEY}"))


def _store_attributes(folder: Path) -> dict[str, Any]:
    """Return what a zarr folder says about itself, in the format's third or second version."""
    for name in ("zarr.json", ".zattrs"):
        try:
            content = json.loads((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict):
            return dict(content.get("attributes", content))
    return {}


def _holds(path: Path, *places: str) -> bool | None:
    """Tell whether an HDF5 file has all these groups; None if it is damaged or none."""
    import h5py

    try:
        with h5py.File(path) as file:
            return all(place in file for place in places)
    except (OSError, RuntimeError):
        return None

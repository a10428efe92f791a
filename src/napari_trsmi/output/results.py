"""Results on disk: written whole or not at all, and read back without loss."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_trsmi.atomic import check_output, write_bytes
from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError, TRSMIWarning
from napari_trsmi.output.tables import write_table, write_tables
from napari_trsmi.scverse.places import KEY

if TYPE_CHECKING:
    import os

    import pandas as pd
    from anndata import AnnData

    from napari_trsmi.data.dataset import SpatialOmics, TissueImage
    from napari_trsmi.data.section_set import SectionSet
    from napari_trsmi.result import TRSMIResult

RESULT_SUFFIXES = (".h5ad", ".csv")
"""What `write_result` writes of a result alone."""

WHOLE_SUFFIXES = (*RESULT_SUFFIXES, ".h5mu")
"""What it writes with the tables."""


def write_result(
    result: TRSMIResult,
    path: str | os.PathLike[str],
    *,
    dataset: SpatialOmics | SectionSet | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a result, whole or not at all.

    Parameters
    ----------
    result
        What to write.
    path
        ``.h5ad`` holds everything and can be read back by `read_result` and by scanpy; ``.csv`` has
        a row for each spot: domain, confidence and modality weights, named as in the
        ``.h5ad``'s ``obs``. In it, text that begins with ``=``, ``+``, ``-`` or ``@``, which a
        spreadsheet would run, gets an apostrophe in front. ``.h5mu`` holds all tables of `dataset`.
    dataset
        The tables that were run: their counts, layers, features and other columns go into the file
        as they came, for scanpy and squidpy. An ``.h5ad`` gets the first table only; the others
        need ``.h5mu``. Spots that took no part in the run are left out. Of several sections
        (`napari_trsmi.load_sections`) a table has the features that all sections with it share.
        None for a small file without counts.
    overwrite
        Whether an existing file may be replaced.

    Returns
    -------
    The path written.

    Raises
    ------
    OutputError
        If it cannot be written; an existing file is then unchanged.
    InputError
        If the tables are not there any more.

    Warns
    -----
    TRSMIWarning
        If an ``.h5ad`` leaves tables of `dataset` out.
    """
    suffixes = RESULT_SUFFIXES if dataset is None else WHOLE_SUFFIXES
    target = check_output(path, overwrite=overwrite, suffixes=suffixes)
    if dataset is not None and target.suffix.lower() != ".csv":
        from napari_trsmi.data.section_set import SectionSet
        from napari_trsmi.output.whole_tables import whole_tables

        dataset = dataset.stacked() if isinstance(dataset, SectionSet) else dataset
        _write_whole(whole_tables(result, dataset), target)
        return target
    annotations = _without_earlier_result(result.annotations)
    table = replace(result, annotations=annotations).to_anndata()
    if target.suffix.lower() == ".h5ad":
        write_table(table, target)
    else:
        own = table.obs.drop(columns=list(annotations))
        write_bytes(target, _no_formulas(own).to_csv(index_label="spot").encode())
    return target


def _write_whole(tables: dict[str, AnnData], target: Path) -> None:
    if target.suffix.lower() == ".h5mu":
        write_tables(tables, target)
        return
    first, *others = tables
    write_table(tables[first], target)
    if others:
        warnings.warn(
            f"{target.name} holds {first}, with the domains, and not {listed(others)}: one .h5ad "
            "is one table. Save as .h5mu for all.",
            TRSMIWarning,
            stacklevel=3,
        )


def read_result(path: str | os.PathLike[str]) -> TRSMIResult:
    """Read a result that `write_result` wrote.

    Parameters
    ----------
    path
        The ``.h5ad`` or ``.h5mu`` file, or a SpatialData ``.zarr``.

    Returns
    -------
    The result that was written. Annotations that ``.h5ad`` cannot hold have become text, and
    those that an earlier result had left in the tables are gone.

    Raises
    ------
    InputError
        If the file is missing, damaged, or holds no TRSMI result.
    """
    from anndata import AnnData

    from napari_trsmi.data.reading.paths import read_path
    from napari_trsmi.result import TRSMIResult

    file = Path(path).expanduser()
    held: Any = read_path(file, [])
    table, image = held, None
    modalities = getattr(held, "mod", None)
    if isinstance(modalities, Mapping):  # a MuData, whose picture is with the modalities
        table = next(iter(modalities.values()))
    elif hasattr(held, "shapes"):
        table, image = _in_store(held)
    if not isinstance(table, AnnData):
        raise InputError(f"{file} holds no result of napari-trsmi. Pass a file that it wrote.")
    try:
        result = TRSMIResult.from_anndata(table)
        return result if image is None else _with_stored_pictures(result, image, held)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{file} holds an incomplete TRSMI result ({error}). Write it again with "
            "napari-trsmi run."
        ) from error


def _in_store(store: Any) -> tuple[AnnData | None, TissueImage | None]:
    """Return a SpatialData's first table with a run, and the image under its spots."""
    from napari_trsmi.data.reading.spatial_data import read_tables

    name = next((name for name, table in store.tables.items() if KEY in table.uns), None)
    if name is None:
        return None, None
    found = [source for source in read_tables(store, name, "", []) if source.image is not None]
    table: AnnData = store.tables[name]
    return table, found[0].image if found else None


def _with_stored_pictures(result: TRSMIResult, image: TissueImage, store: Any) -> TRSMIResult:
    """Give a result the pictures of its store, each with its registration."""
    from napari_trsmi.output.spatial_data import IMAGE, stored_pictures

    names = [name for name in result.record.get("further_images", {}) if name != IMAGE]
    if not names:
        return replace(result, image=image)
    registered = result.record["further_images"]
    pictures = stored_pictures(store, names)
    further = {
        name: replace(pictures[name], registration=registered[name])
        for name in names
        if name in pictures
    }
    return replace(result, image=pictures.get(IMAGE), further_images=further)


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _no_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before text that a spreadsheet would run as a formula."""
    text = table.select_dtypes(["category", "object", "string"])
    return (
        table.assign(**{str(name): text[name].astype(str).map(_plain) for name in text})
        .rename(index=_plain)
        .rename(columns=_plain)
    )


def _plain(text: object) -> str:
    return f"'{text}" if str(text).startswith(_FORMULA) else str(text)


def _without_earlier_result(annotations: pd.DataFrame) -> pd.DataFrame:
    """Leave out the columns of an earlier result, where a table was run again."""
    return annotations.loc[:, ~annotations.columns.astype(str).str.startswith(f"{KEY}_")]

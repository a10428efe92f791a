"""Results on disk: written whole or not at all, and read back without loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_trsmi.errors import InputError
from napari_trsmi.output.atomic import check_output, write_bytes
from napari_trsmi.output.tables import write_table

if TYPE_CHECKING:
    import os

    import pandas as pd

    from napari_trsmi.result import TRSMIResult

RESULT_SUFFIXES = (".h5ad", ".csv")
"""What `write_result` writes."""


def write_result(
    result: TRSMIResult, path: str | os.PathLike[str], *, overwrite: bool = False
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
        spreadsheet would run, gets an apostrophe in front.
    overwrite
        Whether an existing file may be replaced.

    Returns
    -------
    The path written.

    Raises
    ------
    OutputError
        If it cannot be written; an existing file is then unchanged.
    """
    target = check_output(path, overwrite=overwrite, suffixes=RESULT_SUFFIXES)
    annotations = _without_earlier_result(result.annotations)
    table = replace(result, annotations=annotations).to_anndata()
    if target.suffix.lower() == ".h5ad":
        write_table(table, target)
    else:
        own = table.obs.drop(columns=list(annotations))
        write_bytes(target, _no_formulas(own).to_csv(index_label="spot").encode())
    return target


def read_result(path: str | os.PathLike[str]) -> TRSMIResult:
    """Read a result that `write_result` wrote.

    Parameters
    ----------
    path
        The ``.h5ad`` file.

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
    table = read_path(file, [])
    if not isinstance(table, AnnData):
        raise InputError(f"{file} is no result of napari-trsmi. Pass an .h5ad file that it wrote.")
    try:
        return TRSMIResult.from_anndata(table)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{file} holds an incomplete TRSMI result ({error}). Write it again with "
            "napari-trsmi run."
        ) from error


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
    from napari_trsmi.scverse.places import KEY

    return annotations.loc[:, ~annotations.columns.str.startswith(f"{KEY}_")]

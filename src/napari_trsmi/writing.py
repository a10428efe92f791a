"""Results on disk: written whole or not at all, and read back without loss."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from napari_trsmi.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData

    from napari_trsmi.result import TRSMIResult

RESULT_SUFFIXES = (".h5ad", ".csv")
"""What `write_result` writes."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def check_output(
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    suffixes: Sequence[str] = RESULT_SUFFIXES,
) -> Path:
    """Check that a file can be written, before the work whose outcome it is to hold.

    Parameters
    ----------
    path
        The file.
    overwrite
        Whether it may be there already.
    suffixes
        Those that it may have.

    Returns
    -------
    The path, with ``~`` expanded.

    Raises
    ------
    OutputError
        If the suffix is unknown, the folder is missing or cannot be written to, or the file is
        there and `overwrite` is False.
    """
    target = Path(path).expanduser()
    if target.suffix.lower() not in suffixes:
        raise OutputError(
            f"Cannot write {target}: its name must end in {' or '.join(suffixes)}. Rename it."
        )
    if not target.parent.is_dir():
        raise OutputError(
            f"Cannot write {target}: there is no folder {target.parent}. Make it first "
            f"(mkdir -p '{target.parent}'), or choose another."
        )
    if target.is_dir():
        raise OutputError(f"Cannot write {target}: it is a folder. Choose another name.")
    if target.exists() and not overwrite:
        raise OutputError(
            f"{target} is already there. Choose another name, or replace it with --overwrite "
            "(in Python overwrite=True)."
        )
    # Permissions, mounts and quotas are best asked by trying.
    probe = _partial(target)
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"Cannot write {target}: {error.strerror}. Choose a folder that you may write to."
        ) from error
    return target


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder to write into, unless it is there.

    Parameters
    ----------
    path
        The folder; its parents are made too.

    Returns
    -------
    The path, with ``~`` expanded.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    folder = Path(path).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Cannot make the folder {folder}: {error.strerror}. Choose another."
        ) from error
    return folder


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a file whole or not at all.

    The content goes to a temporary file beside `path`, which takes its place once it is on the
    disk. Whatever happens before that, an old file stays as it was and nothing is left behind.

    Parameters
    ----------
    path
        The file; a link is followed.
    content
        All of it.

    Raises
    ------
    OutputError
        If it cannot be written; for a full disk it says how much room is needed.
    """
    target = path.resolve()
    partial = _partial(target)
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        raise OutputError(_explain(error, target, memoryview(content).nbytes)) from error
    finally:
        partial.unlink(missing_ok=True)


def write_table(table: AnnData, path: Path) -> None:
    """Write an AnnData as ``.h5ad``, whole or not at all.

    Parameters
    ----------
    table
        What to write; columns of ``obs`` that the format cannot hold, such as dates, become text.
    path
        The file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    import h5py
    from anndata.io import write_elem

    stored = table.copy()
    for name, column in table.obs.items():
        stored.obs[name] = _storable(column)
    # HDF5 does not survive a full disk (closing the file fails too), so the disk gets bytes.
    buffer = BytesIO()
    try:
        with h5py.File(buffer, "w") as file:
            write_elem(file, "/", stored)
    except Exception as error:  # anndata raises anything on a table that it cannot store
        raise OutputError(
            f"Cannot store {path.name}: {error}. Rename or remove that column of the annotations."
        ) from error
    write_bytes(path, buffer.getbuffer())


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
        ``.h5ad``'s ``obs``.
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
    target = check_output(path, overwrite=overwrite)
    annotations = _without_earlier_result(result.annotations)
    table = replace(result, annotations=annotations).to_anndata()
    if target.suffix.lower() == ".h5ad":
        write_table(table, target)
    else:
        own = table.obs.drop(columns=list(annotations))
        write_bytes(target, own.to_csv(index_label="spot").encode())
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

    source = Path(path).expanduser()
    table = read_path(source, [])
    if not isinstance(table, AnnData):
        raise InputError(
            f"{source} is no result of napari-trsmi. Pass an .h5ad file that it wrote."
        )
    try:
        return TRSMIResult.from_anndata(table)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{source} holds an incomplete TRSMI result ({error}). Write it again with "
            "napari-trsmi run."
        ) from error


def _storable(column: pd.Series) -> pd.Series:
    """Return a column as ``.h5ad`` can hold it: numbers, truth values, or text."""
    from pandas import CategoricalDtype
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    is_categorical = isinstance(column.dtype, CategoricalDtype)
    values = column.cat.categories if is_categorical else column
    if values.dtype != object and (is_numeric_dtype(values) or is_bool_dtype(values)):
        return column
    if is_categorical and values.map(lambda value: isinstance(value, str)).all():
        return column
    text = column.astype(object).map(str, na_action="ignore")
    return text.astype("category") if is_categorical or text.isna().any() else text


def _without_earlier_result(annotations: pd.DataFrame) -> pd.DataFrame:
    """Leave out the columns of an earlier result, where a table was run again."""
    from napari_trsmi.result import KEY

    return annotations.loc[:, ~annotations.columns.str.startswith(f"{KEY}_")]


def _partial(target: Path) -> Path:
    """Return a name that nothing has, in the same folder: a rename across disks is not atomic."""
    return target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")


def _explain(error: OSError, target: Path, needed: int) -> str:
    if error.errno not in _NO_ROOM:
        return (
            f"Cannot write {target}: {error.strerror or error}. Choose a folder that you may "
            "write to."
        )
    free = shutil.disk_usage(target.parent).free
    return (
        f"Cannot write {target}: it needs {_size(needed)}, and {_size(free)} are free on its disk "
        f"({error.strerror}). Make room or choose another folder; what was there is unchanged."
    )


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"

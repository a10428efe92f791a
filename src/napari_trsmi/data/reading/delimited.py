"""CSV and TSV: matrices of spots x features, and tables of spot positions."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData

from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

_ENDINGS = (".csv", ".tsv", ".txt", ".tab")

NAME_COLUMNS = ("barcode", "barcodes", "index", "spot", "spots", "spot_id", "cell", "cell_id")
XY_COLUMNS = (
    ("x", "y"),
    ("imagecol", "imagerow"),
    ("pxl_col_in_fullres", "pxl_row_in_fullres"),
    ("col", "row"),
    ("array_col", "array_row"),
)
"""Names of the x and y column, the first pair that a table has is taken."""

# Space Ranger before 2.0 writes its positions without a header.
_HEADERLESS = [
    "barcode",
    "in_tissue",
    "array_row",
    "array_col",
    "pxl_row_in_fullres",
    "pxl_col_in_fullres",
]


@dataclass(frozen=True, eq=False)
class Positions:
    """Coordinates of named spots.

    Attributes
    ----------
    frame
        Columns ``x`` and ``y``, indexed by spot name.
    columns
        Names of the columns that they come from.
    """

    frame: pd.DataFrame
    columns: tuple[str, str]


def is_delimited(path: Path) -> bool:
    """Tell a text table by its name."""
    return path.name.lower().removesuffix(".gz").endswith(_ENDINGS)


def read_matrix(path: Path) -> pd.DataFrame:
    """Read a matrix whose first column names the spots."""
    separator = _separator(path)
    # index_col=0 would turn names such as "0012" into numbers, whatever converters say.
    frame = pd.read_csv(path, sep=separator, converters={0: str.strip})
    if isinstance(frame.index, pd.RangeIndex):  # else R's header, one field shorter than the rows
        frame = frame.set_index(frame.columns[0])
    # pandas renames repeated columns silently; the note about them is made where all tables pass.
    header = pd.read_csv(
        path, sep=separator, header=None, nrows=1, dtype=str, keep_default_na=False
    )
    return frame.set_axis(header.iloc[0, header.shape[1] - frame.shape[1] :].to_list(), axis=1)


def read_frame(path: Path) -> pd.DataFrame:
    """Read a positions table: text with or without Space Ranger's header, or parquet.

    Text columns stay text, so that spot names are not changed.
    """
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    separator = _separator(path)
    fields = _first_line(path).strip().split(separator)
    headerless = len(fields) == len(_HEADERLESS) and all(map(_is_number, fields[1:]))
    return pd.read_csv(
        path,
        sep=separator,
        dtype=str,
        header=None if headerless else 0,
        names=_HEADERLESS if headerless else None,
    )


def table_from_frame(frame: pd.DataFrame, label: str) -> AnnData:
    """Make a table of a DataFrame, spots x features.

    Raises
    ------
    InputError
        When columns are not numbers; names them.
    """
    wrong = [name for name, dtype in frame.dtypes.items() if dtype.kind not in "biuf"]
    if wrong:
        named = ", ".join(repr(str(name)) for name in wrong[:5])
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise InputError(
            f"Table {label} has columns that are not numbers: {named}{more}. A matrix has the spot "
            "names in its first column and a number in every other; remove the other columns."
        )
    return AnnData(
        X=frame.to_numpy(dtype=np.float32),
        obs=pd.DataFrame(index=frame.index.astype(str)),
        var=pd.DataFrame(index=frame.columns.astype(str)),
    )


def positions_from_frame(frame: pd.DataFrame, label: str) -> Positions:
    """Find the spot names and the coordinates in a table by their columns' names.

    Raises
    ------
    InputError
        When there are no coordinate columns, or they are not numbers.
    """
    picked = find_xy(frame.columns)
    if picked is None:
        pairs = "; ".join(f"{x}, {y}" for x, y in XY_COLUMNS)
        raise InputError(
            f"{label} has no coordinate columns, only {', '.join(map(repr, frame.columns[:8]))}. "
            f"Name two of them as one of these pairs: {pairs}."
        )
    try:
        xy = frame.loc[:, list(picked)].apply(pd.to_numeric).to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"Columns {' and '.join(picked)} of {label} do not hold numbers: {error}. Write one "
            "number a cell."
        ) from error
    return Positions(pd.DataFrame(xy, index=_spot_names(frame, picked), columns=["x", "y"]), picked)


def _spot_names(frame: pd.DataFrame, picked: tuple[str, str]) -> pd.Index:
    """Find the names: a telling index, a column called so, else the first column of text."""
    if not pd.api.types.is_numeric_dtype(frame.index):
        return frame.index.astype(str)
    lower = {str(column).lower(): column for column in reversed(frame.columns)}
    called = [lower[name] for name in NAME_COLUMNS if name in lower]
    text = [
        column
        for column in frame.columns
        if column not in picked and not pd.api.types.is_numeric_dtype(frame[column])
    ]
    column = next(iter(called + text), None)
    return (frame.index if column is None else pd.Index(frame[column])).astype(str)


def find_xy(columns: pd.Index) -> tuple[str, str] | None:
    """Return the first known pair of coordinate columns, whatever their case."""
    lower = {str(column).lower(): column for column in reversed(columns)}
    return next(((lower[x], lower[y]) for x, y in XY_COLUMNS if x in lower and y in lower), None)


def _separator(path: Path) -> str:
    line = _first_line(path)
    return max(",\t;", key=line.count)


def _first_line(path: Path) -> str:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return file.readline()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

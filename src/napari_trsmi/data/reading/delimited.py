"""CSV and TSV: matrices of spots x features, and tables of spot positions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from napari_trsmi.data.places import XY_COLUMNS, by_columns
from napari_trsmi.data.reading.dialect import Dialect, below_comments, dialect_of
from napari_trsmi.data.reading.memory import check_room
from napari_trsmi.data.reading.workbook import is_workbook, read_workbook
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ROWS = 10_000
"""Read at a time of a large table."""

_ENDINGS = (".csv", ".tsv", ".txt", ".tab")

NAME_COLUMNS = (
    *("barcode", "barcodes", "index", "spot", "spots", "spot_id", "cell", "cell_id", "cellid"),
    *("name", "spot_name", "cell_name", "cellname", "cb", "bin", "bin_id", "object_id"),
)

_CYCLE = re.compile(r"cyc\d+", flags=re.IGNORECASE)
"""What CODEX's features begin with: the cycle and the channel that they were measured in."""

_DESCRIBING = (  # beside places and names
    *("area", "majoraxislength", "minoraxislength", "eccentricity", "solidity", "extent"),
    *("orientation", "perimeter", "volume", "z", "z_centroid", "fov", "region", "tile_num", "size"),
    *("n_counts", "n_genes", "total_counts", "transcript_counts", "cell_area", "nucleus_area"),
    *("image", "sample", "sample_id", "min_x", "min_y", "max_x", "max_y", "width", "height"),
    *("major_axis_length", "minor_axis_length", "axis_major_length", "axis_minor_length"),
    *("in_tissue", "array_row", "array_col", "centerx_local_px", "centery_local_px"),
)

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


def is_positions(path: Path) -> bool:
    """Tell a table of positions by its header: places, names and what describes a spot, alone."""
    try:
        lines = dialect_of(path).lines
    except (OSError, InputError):
        return False
    header = [field.strip().lower() for field in lines[0]] if lines else []
    if len(header) == len(_HEADERLESS) and all(map(_is_number, header[1:])):
        return True
    pair = by_columns(header)
    own = {"", *(pair or ()), *NAME_COLUMNS, *_DESCRIBING}
    return pair is not None and own.issuperset(header[1:])


def read_matrix(path: Path) -> pd.DataFrame:
    """Read a matrix whose first column names the spots.

    Raises
    ------
    InputError
        When it is something else that is kept as text, such as fragments.
    """
    if is_workbook(path):
        return _named_by_first_column(read_workbook(path))
    dialect = dialect_of(path)
    _check_no_fragments(path, dialect)
    # index_col=0 would turn names such as "0012" into numbers, whatever converters say.
    try:
        with below_comments(path, dialect) as text:
            frame: pd.DataFrame = pd.read_csv(text, converters={0: str.strip}, **_how(dialect))
    except pd.errors.ParserError as error:
        raise InputError(_uneven(path, str(error))) from error
    if isinstance(frame.index, pd.RangeIndex):  # else R's header, one field shorter than the rows
        frame = _named_by_first_column(frame)
    # pandas renames repeated columns silently; the note about them is made where all tables pass.
    with below_comments(path, dialect) as text:
        header = pd.read_csv(
            text, header=None, nrows=1, dtype=str, keep_default_na=False, **_how(dialect)
        )
    named = frame.set_axis(header.iloc[0, header.shape[1] - frame.shape[1] :].to_list(), axis=1)
    empty = [name == "" and named.iloc[:, i].isna().all() for i, name in enumerate(named.columns)]
    return named.loc[:, ~np.array(empty, dtype=bool)]  # a separator ends each line


def read_counts(
    path: Path, names: Sequence[str] = (), unused: Sequence[str] = ()
) -> tuple[pd.DataFrame, sp.csr_matrix[np.float32], pd.Index]:
    """Read a large table of counts part by part, so that its zeros take no memory.

    Parameters
    ----------
    path
        A row for each spot.
    names
        Columns that name it, in lower case; none is the first one.
    unused
        Other columns that hold no counts, in lower case.

    Returns
    -------
    The columns of names as text, counts of spots x features, and the features.

    Raises
    ------
    InputError
        When a column of names is missing, or a count is no number.
    """
    how = _how(dialect_of(path))
    header = pd.read_csv(path, nrows=0, **how).columns
    plain = {str(column).lower(): column for column in reversed(header)}
    missing = [name for name in names if name not in plain]
    if missing:
        raise InputError(f"{path} has no column {missing[0]!r}. Copy it again.")
    keys = {plain[name]: name for name in names} or {header[0]: str(header[0])}
    others = [plain[name] for name in unused if name in plain and plain[name] not in keys]
    features = header.drop([*keys, *others])
    said, counts = [], []
    reader = pd.read_csv(path, dtype=dict.fromkeys([*keys, *others], str), chunksize=_ROWS, **how)
    for part in reader:
        said.append(part[list(keys)].rename(columns=keys).fillna(""))
        try:
            values = part[features].to_numpy(dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise InputError(f"{path.name} holds what is no number: {error}.") from error
        counts.append(sp.csr_matrix(values))
    if not said:
        raise InputError(f"{path} has no rows. Copy it again.")
    matrix: sp.csr_matrix[np.float32] = sp.vstack(counts, format="csr")
    return pd.concat(said, ignore_index=True), matrix, features.astype(str)


def numeric(frame: pd.DataFrame) -> pd.DataFrame:
    """Make numbers of the columns that hold nothing else."""
    return pd.DataFrame({name: _as_numbers(column) for name, column in frame.items()})


def _as_numbers(column: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column):
        return column
    try:
        return pd.to_numeric(column)
    except (TypeError, ValueError):
        return column


def read_frame(path: Path) -> pd.DataFrame:
    """Read a positions table: text with or without Space Ranger's header, parquet or a workbook.

    Text columns stay text, so that spot names are not changed.
    """
    if path.suffix == ".parquet":
        return _read_parquet(path)
    if is_workbook(path):
        return read_workbook(path)
    dialect = dialect_of(path)
    first = dialect.lines[0] if dialect.lines else ()
    headerless = len(first) == len(_HEADERLESS) and all(map(_is_number, first[1:]))
    with below_comments(path, dialect) as text:
        frame: pd.DataFrame = pd.read_csv(
            text,
            dtype=str,
            header=None if headerless else 0,
            names=_HEADERLESS if headerless else None,
            **_how(dialect),
        )
    if len(frame) and str(frame.iloc[0, 0]) == "TYPE":  # Single Cell Portal's second header
        frame = frame.iloc[1:]
    if dialect.decimal == ",":
        frame = frame.apply(_with_points)
    return frame


def _how(dialect: Dialect) -> dict[str, Any]:
    return {
        "sep": dialect.separator,
        "encoding": dialect.encoding,
        "decimal": dialect.decimal,
    }


def _uneven(path: Path, reason: str) -> str:
    """Say which line has too many fields, as pandas found."""
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", reason)
    what = "its lines differ in their number of fields"
    if found:
        what = f"line {found[2]} has {found[3]} fields, and those above have {found[1]}"
    return f"{path.name} is no table: {what}. Give each line as many fields as the header."


def _with_points(column: pd.Series) -> pd.Series:
    """Write decimal commas as points, in a column of numbers."""
    text = column.dropna().astype(str)
    is_numeric = text.str.fullmatch(r"\s*[+-]?\d+(?:,\d+)?(?:[eE][+-]?\d+)?\s*").all()
    return column.str.replace(",", ".") if is_numeric else column


def _named_by_first_column(frame: pd.DataFrame) -> pd.DataFrame:
    """Take the names out of the columns; row numbers before them are pandas' index, written too."""
    first, *others = frame.columns
    numbers = pd.to_numeric(frame[first], errors="coerce").to_numpy()
    is_text = others and not pd.api.types.is_numeric_dtype(frame[others[0]])
    if is_text and any(np.array_equal(numbers, np.arange(len(frame)) + i) for i in (0, 1)):
        return frame.drop(columns=first).set_index(others[0])
    return frame.set_index(first)


def _read_parquet(path: Path) -> pd.DataFrame:
    from pyarrow.parquet import read_metadata

    found = read_metadata(path)
    check_room(16 * found.num_rows * found.num_columns, f"The table {path.name}")
    return pd.read_parquet(path)


def _check_no_fragments(path: Path, dialect: Dialect) -> None:
    """Raise an InputError for a list of fragments: what it takes is counts in peaks."""
    rows = [row for row in dialect.lines if row and not row[0].startswith("#")][:5]
    listed = [
        len(row) in {4, 5} and row[1].isdecimal() and row[2].isdecimal() and not _is_number(row[3])
        for row in rows
    ]
    if path.name.lower().removesuffix(".gz").endswith("fragments.tsv") or (rows and all(listed)):
        raise InputError(
            f"{path.name} lists fragments, one a line. Count them in peaks first, for example with "
            "snapatac2.pp.make_peak_matrix, Signac's FeatureMatrix or Cell Ranger ATAC, and pass "
            "the table of spots x peaks."
        )


def table_from_frame(frame: pd.DataFrame, label: str, notes: list[str]) -> AnnData:
    """Make a table of a DataFrame, spots x features.

    Parameters
    ----------
    frame
        Numbers. With coordinates among its columns it is a table of cells, as MCMICRO and CODEX
        write it: what is known to describe the cell is no feature then.
    label
        How messages call it.
    notes
        Gets a sentence that says which columns are no features.

    Raises
    ------
    InputError
        When columns are not numbers; names them.
    """
    _check_plain(frame, label)
    if not len(frame):
        raise InputError(f"Table {label} has a header and no rows. Copy or write it again.")
    described = _descriptions(frame)
    obs = frame[described]
    frame = frame.drop(columns=described)
    wrong = [name for name, dtype in frame.dtypes.items() if dtype.kind not in "biuf"]
    if wrong or not frame.shape[1]:
        named = ", ".join(repr(str(name)) for name in wrong[:5])
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise InputError(
            f"Table {label} has columns that are not numbers: {named}{more}. A matrix has the spot "
            "names in its first column and a number in every other; remove the other columns."
            if wrong
            else f"Table {label} has places of cells and no features. Pass it with positions=, "
            "beside the table that it belongs to."
        )
    if described:
        notes.append(
            f"{', '.join(map(str, described[:6]))}{' and others' if len(described) > 6 else ''} of "
            f"table {label} describe its cells, and are no features."
        )
    table = AnnData(
        X=frame.to_numpy(dtype=np.float32),
        obs=obs.set_axis(frame.index.astype(str)).rename(columns=str),
        var=pd.DataFrame(index=frame.columns.astype(str)),
    )
    if all(_CYCLE.match(str(column)) for column in frame.columns):
        table.var["feature_types"] = "Protein Expression"
    return table


def _descriptions(frame: pd.DataFrame) -> list[Any]:
    """List the columns that describe a cell; none without coordinates among them."""
    picked = by_columns(frame.columns)
    if picked is None:
        return []
    cycles = [column for column in frame.columns if _CYCLE.match(str(column))]
    if cycles:
        return [column for column in frame.columns if column not in cycles]
    places = {name for pair in XY_COLUMNS for name in pair} | set(NAME_COLUMNS) | set(_DESCRIBING)
    return [
        column
        for column, dtype in frame.dtypes.items()
        if str(column).lower() in places or dtype.kind not in "biuf"
    ]


def _check_plain(frame: pd.DataFrame, label: str) -> None:
    """Raise an InputError if rows or columns have several names each, or a row too many fields."""
    if frame.index.nlevels > 1 or frame.columns.nlevels > 1:
        raise InputError(
            f"Table {label} has {frame.index.nlevels} names for a row and {frame.columns.nlevels} "
            "for a column. Give each row and column one name; in a text file, each row as many "
            "fields as the header."
        )


def positions_from_frame(frame: pd.DataFrame, label: str) -> Positions:
    """Find the spot names and the coordinates in a table by their columns' names.

    Raises
    ------
    InputError
        When there are no coordinate columns, or they are not numbers.
    """
    _check_plain(frame, label)
    picked = by_columns(frame.columns)
    if picked is None:
        pairs = "; ".join(f"{x}, {y}" for x, y in XY_COLUMNS[:6])
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


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

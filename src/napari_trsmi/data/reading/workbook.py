"""Workbooks: the sheet that holds the table."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pandas as pd

from napari_trsmi.data.reading.memory import check_room
from napari_trsmi.errors import InputError
from napari_trsmi.requirements import needed_for

if TYPE_CHECKING:
    from pathlib import Path


def is_workbook(path: Path) -> bool:
    """Tell a workbook by its name."""
    return path.suffix.lower() in {".xlsx", ".xlsm"}


def read_workbook(path: Path) -> pd.DataFrame:
    """Read the one sheet that is a table, the first column as text.

    A sheet with words about the data has no column of numbers, or one column.

    Raises
    ------
    InputError
        When no sheet or several are tables.
    """
    with needed_for(f"Reading {path.name} other than as CSV"):
        import_module("openpyxl")
    with ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    check_room(unpacked, f"The workbook {path.name}")
    sheets = pd.read_excel(path, converters={0: str}, sheet_name=None)
    tables = {name: sheet for name, sheet in sheets.items() if _is_table(sheet)}
    if len(tables) != 1:
        named = ", ".join(map(repr, sheets))
        raise InputError(
            f"{path.name} has {len(tables) or 'no'} sheets with tables of numbers ({named}). Save "
            "the one that is meant as CSV."
        )
    return next(iter(tables.values()))


def _is_table(sheet: pd.DataFrame) -> bool:
    numbers = [dtype for dtype in sheet.dtypes.iloc[1:] if dtype.kind in "biuf"]
    return bool(numbers) and len(sheet) > 0

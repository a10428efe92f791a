"""A small table of text to look at and to pick a row from."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from pandas.api.types import is_numeric_dtype
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd


class TextTable(QTableWidget):
    """Rows of text; the first column takes the room that is left.

    Parameters
    ----------
    headers
        Titles of the columns.
    tip
        What the table shows.
    numbers
        Columns of numbers, which are aligned on the right.
    parent
        The widget that it is in.
    """

    def __init__(
        self,
        headers: Sequence[str],
        tip: str,
        *,
        numbers: Collection[int] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(0, len(headers), parent)
        self._numbers = numbers
        self.setHorizontalHeaderLabels(list(headers))
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        assert rows is not None  # noqa: S101
        assert columns is not None  # noqa: S101
        rows.setVisible(False)
        rows.setDefaultSectionSize(22)
        columns.setHighlightSections(False)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        columns.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)

    def show_rows(self, rows: Sequence[Sequence[str]]) -> None:
        """Show other rows."""
        self.setRowCount(len(rows))
        for place, row in enumerate(rows):
            for column, text in enumerate(row):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                if column in self._numbers:
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                self.setItem(place, column, item)

    def show_frame(self, frame: pd.DataFrame, most: int) -> None:
        """Show the first rows of a table, its columns as they are called."""
        headers = [str(name).replace("_", " ") for name in frame]
        self.setColumnCount(len(headers))
        self.setHorizontalHeaderLabels(headers)
        columns = self.horizontalHeader()
        assert columns is not None  # noqa: S101
        for place in range(len(headers)):  # with many, none would be left for the first
            columns.setSectionResizeMode(place, QHeaderView.ResizeMode.ResizeToContents)
        columns.setStretchLastSection(True)
        self._numbers = [place for place, kind in enumerate(frame.dtypes) if is_numeric_dtype(kind)]
        rows = frame.head(most).itertuples(index=False)
        self.show_rows([[_said(value) for value in row] for row in rows])

    def text_at(self, row: int, column: int) -> str:
        """Return what a cell shows."""
        item = self.item(row, column)
        return "" if item is None else item.text()


def _said(value: object) -> str:
    """Write a cell: whole numbers whole, others in four digits, nothing for what is missing."""
    if isinstance(value, float):
        return "" if isnan(value) else f"{value:.4g}"
    return str(value)

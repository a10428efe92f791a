"""Tables on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from trsmi_benchmark.summary import ARI, OVERALL, make_cells

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from trsmi_benchmark.data.cases import Case
    from trsmi_benchmark.rows import Row


def print_table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print a table of words."""
    table = Table(*headings, box=box.SIMPLE)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def print_scores(rows: Iterable[Row], cases: Sequence[Case], methods: Container[str]) -> None:
    """Print the scores of some methods by data set: long, so that it fits any terminal."""
    from trsmi_benchmark.rows import latest

    cells = make_cells(latest(row for row in rows if row.method in methods))
    table = Table("Data set, method", box=box.SIMPLE)
    for metric in (ARI, OVERALL):
        table.add_column(metric, justify="right")
    for case in cases:
        table.add_section()
        table.add_row(case.name)
        for cell in cells.values():
            if cell.case == case.name:
                texts = [cell.text(metric) for metric in (ARI, OVERALL)]
                table.add_row(f"  {cell.label}", *(texts if cell.done else ("", texts[0])))
    Console().print(table)

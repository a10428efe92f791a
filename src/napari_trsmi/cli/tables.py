"""Results as tables on standard output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_trsmi.analysis.metrics import Scores
    from napari_trsmi.result import TRSMIResult


def print_domains(result: TRSMIResult) -> None:
    """Print the number of spots of each domain."""
    table = _table("Domain", "Spots", "Percent")
    for name, count in result.summary()["sizes"].items():
        swatch = Text.assemble(("■", result.colors[name]), f" {name}")
        table.add_row(swatch, f"{count:,}", f"{count / len(result.domains):.1%}")
    Console().print(table)


def print_scores(rows: Mapping[str, Scores]) -> None:
    """Print the metrics of several answers side by side."""
    table = _table("", *rows)
    columns = [scores.as_dict() for scores in rows.values()]
    for metric in columns[0]:
        table.add_row(metric, *(f"{column[metric]:.2f}" for column in columns))
    Console().print(table)


def print_json(content: Mapping[str, Any]) -> None:
    """Print JSON."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))


def _table(first: str, *others: str) -> Table:
    table = Table(first, box=box.SIMPLE)
    for other in others:
        table.add_column(other, justify="right")
    return table

"""What a plot is: a figure, and the table that it was drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from napari_trsmi.atomic import check_output, write_bytes
from napari_trsmi.output.drawing import FIGURE_SUFFIXES
from napari_trsmi.requirements import needed_for

with needed_for("Drawing a plot"):
    from matplotlib.figure import Figure

if TYPE_CHECKING:
    import os
    from pathlib import Path

    import pandas as pd

_DPI = 300
_MOST_NAMES = 14
"""More names than this below an axis, or longer ones, are written upwards."""


@dataclass(frozen=True, eq=False)
class Plot:
    """A plot that is ready to be looked at and saved.

    Attributes
    ----------
    figure
        Of its own, outside pyplot.
    table
        What it shows, a row each. A column ``feature`` names features.
    about
        What it says, in a sentence or two.
    scores
        A number for each spot that the spots can be coloured by, indexed by spot name.
    """

    figure: Figure
    table: pd.DataFrame
    about: str
    scores: pd.Series | None = None


def new_figure(width: float = 5.0, height: float = 3.6) -> Figure:
    """Make a figure in inches that lays itself out."""
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def upright_names(names: list[str]) -> bool:
    """Whether names fit below an axis only if they are written upwards."""
    return len(names) > _MOST_NAMES or sum(map(len, names)) > 40


def save_plot(plot: Plot, path: str | os.PathLike[str]) -> Path:
    """Write the figure, whole or not at all.

    Parameters
    ----------
    plot
        What to write.
    path
        Ends in ``.svg``, ``.pdf`` or ``.png``. An existing file is replaced.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    target = check_output(path, overwrite=True, suffixes=FIGURE_SUFFIXES)
    drawn = BytesIO()
    plot.figure.savefig(drawn, format=target.suffix.lower().lstrip("."), dpi=_DPI)
    write_bytes(target, drawn.getbuffer())
    return target


def save_table(plot: Plot, path: str | os.PathLike[str]) -> Path:
    """Write the table as ``.csv``, whole or not at all; an existing file is replaced.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    target = check_output(path, overwrite=True, suffixes=(".csv",))
    write_bytes(target, plot.table.to_csv(index=False).encode())
    return target

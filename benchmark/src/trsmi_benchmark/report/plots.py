"""The pictures of the report."""

from __future__ import annotations

from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from PIL import Image
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from trsmi_benchmark.summary import OVERALL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from trsmi_benchmark.summary import Cell

_COLUMNS = 5
_PANEL = 2.0
_DPI = 100
_DIAMETER = 1.3  # over the pitch: spots close the gaps of their lattice
_UNLABELLED = "#d9d9d9"
_GROUP_COLORS = {
    "trsmi": "#d55e00",
    "variant": "#e69f00",
    "rival": "#0072b2",
    "naive": "#6b6b6b",
    "degenerate": "#b0b0b0",
}


def draw_maps(
    coordinates: NDArray[np.float64],
    labels: pd.Series,
    panels: Sequence[tuple[str, NDArray[np.int64]]],
) -> Figure:
    """The labels, and beside them the domains of each method on the tissue.

    Parameters
    ----------
    coordinates
        Shape (n_spots, 2).
    labels
        Of the spots in the same order, with a name.
    panels
        A title and domains for each method. They take the labels' colours where they overlap most.
    """
    from scanpy.plotting.palettes import default_20, default_102

    codes = np.asarray(labels.astype("category").cat.codes, dtype=np.int64) + 1  # 0: unlabelled
    titled = [(f"Labels: {labels.name}", codes)]
    titled += [(title, _like(domains, codes)) for title, domains in panels]
    size = max(int(numbers.max()) for _, numbers in titled)
    palette = default_20 if size <= len(default_20) else default_102
    colors = to_rgba_array([_UNLABELLED, *(palette[n % len(palette)] for n in range(size))])
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    width, height = np.maximum(high - low, 1e-9)
    figure, axes = _grid(len(titled), float(height / width))
    # what parts most spots from their nearest
    apart = np.asarray(cKDTree(coordinates).query(coordinates, 2)[0])[:, 1]
    pitch = float(np.median(apart)) or 1.0
    for panel, (title, numbers) in zip(axes, titled, strict=True):
        panel.add_collection(
            EllipseCollection(
                widths=_DIAMETER * pitch,
                heights=_DIAMETER * pitch,
                angles=0,
                units="xy",
                offsets=coordinates,
                offset_transform=panel.transData,
                facecolors=colors[numbers],
                linewidths=0,
            ),
            autolim=False,
        )
        panel.set(xlim=(low[0] - pitch, high[0] + pitch), ylim=(high[1] + pitch, low[1] - pitch))
        panel.set_aspect("equal")
        panel.set_title(title, fontsize=7)
        panel.set_axis_off()
    return figure


def draw_boxes(cells: Sequence[Cell], metric: str = OVERALL) -> Figure:
    """The spread over seeds of each method on one data set, the best on top."""
    ordered = sorted((c for c in cells if c.done), key=lambda c: float(np.median(c.scores(metric))))
    figure = Figure(figsize=(7.5, 0.8 + 0.22 * len(ordered)), dpi=_DPI, layout="constrained")
    panel = figure.subplots()
    for place, cell in enumerate(ordered):
        scores, color = cell.scores(metric), _GROUP_COLORS[cell.group]
        if len(scores) > 1:
            panel.boxplot(
                scores,
                positions=[place],
                orientation="horizontal",
                widths=0.6,
                patch_artist=True,
                boxprops={"facecolor": color, "alpha": 0.35, "edgecolor": color},
                medianprops={"color": color},
                whiskerprops={"color": color},
                capprops={"color": color},
                flierprops={"marker": ""},
            )
        panel.plot(scores, [place] * len(scores), ".", color=color, markersize=4)
    panel.set_yticks(range(len(ordered)), [cell.label for cell in ordered], fontsize=7)
    panel.set_xlabel(f"{metric} ×100, one point a seed")
    panel.grid(axis="x", linewidth=0.4)
    return figure


def draw_bars(cells: Sequence[Cell]) -> Figure:
    """The rows of an ablation, with their spread."""
    figure = Figure(figsize=(6.0, 2.8), dpi=_DPI, layout="constrained")
    panel = figure.subplots()
    done = [cell for cell in cells if cell.done]
    means = [cell.mean() for cell in done]
    spreads = [float(cell.scores().std(ddof=1)) if len(cell.done) > 1 else 0.0 for cell in done]
    panel.bar(
        range(len(done)), means, yerr=spreads, color=_GROUP_COLORS["trsmi"], alpha=0.7, capsize=3
    )
    panel.set_xticks(range(len(done)), [cell.label for cell in done], fontsize=8)
    low = min(m - s for m, s in zip(means, spreads, strict=True))
    high = max(m + s for m, s in zip(means, spreads, strict=True))
    panel.set_ylim(low - 0.5 * (high - low) - 0.5, high + 0.1 * (high - low) + 0.5)
    panel.set_ylabel(f"{OVERALL} ×100")
    panel.grid(axis="y", linewidth=0.4)
    return figure


def draw_curves(curves: Mapping[str, Sequence[Cell]]) -> Figure:
    """One panel for each factor: the score against its values.

    Parameters
    ----------
    curves
        The cells of each factor, by its label.
    """
    columns = min(3, len(curves))
    rows = ceil(len(curves) / columns)
    figure = Figure(figsize=(3.0 * columns, 2.4 * rows), dpi=_DPI, layout="constrained")
    # one scale for all, or the smallest difference looks like the largest
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for panel, (label, cells) in zip(panels, curves.items(), strict=False):
        done = sorted((c for c in cells if c.done), key=_value)
        x = np.array([_value(cell) for cell in done])
        mean = np.array([cell.mean() for cell in done])
        sd = np.array([cell.scores().std(ddof=1) if len(cell.done) > 1 else 0.0 for cell in done])
        panel.fill_between(x, mean - sd, mean + sd, color=_GROUP_COLORS["trsmi"], alpha=0.2)
        panel.plot(x, mean, "o-", color=_GROUP_COLORS["trsmi"], markersize=3, linewidth=1)
        if len(x) > 2 and x.min() > 0 and x.max() / x.min() > 8:
            panel.set_xscale("log")
            panel.set_xticks(x, [f"{value:g}" for value in x])
            panel.set_xticks([], minor=True)
        panel.set_title(label, fontsize=7)
        panel.tick_params(labelsize=7)
        panel.grid(linewidth=0.4)
    for panel in panels[len(curves) :]:
        panel.set_axis_off()
    figure.supylabel(f"{OVERALL} ×100", fontsize=8)
    return figure


def as_png(figure: Figure) -> bytes:
    """A figure as PNG in 256 colours, which is small enough to commit."""
    drawn, reduced = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png")
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(256).save(reduced, format="png", optimize=True)
    return reduced.getvalue()


def _like(domains: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number domains as the labels that they share most spots with, one to one; the rest beyond."""
    known = labels > 0
    shared = np.zeros((int(domains.max()) + 1, int(labels.max()) + 1), dtype=np.int64)
    np.add.at(shared, (domains[known], labels[known]), 1)
    mine, theirs = linear_sum_assignment(shared[1:, 1:], maximize=True)
    renamed = np.zeros(len(shared), dtype=np.int64)
    renamed[mine + 1] = theirs + 1
    beyond = np.flatnonzero(renamed[1:] == 0) + 1
    renamed[beyond] = int(labels.max()) + 1 + np.arange(len(beyond))
    return renamed[domains]


def _value(cell: Cell) -> float:
    return float(cell.rows[-1].description["value"])


def _grid(count: int, shape: float) -> tuple[Figure, list[Axes]]:
    columns = min(_COLUMNS, count)
    rows = ceil(count / columns)
    size = (_PANEL * columns, (_PANEL * min(shape, 2.0) + 0.25) * rows)
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for panel in axes[count:]:
        panel.set_axis_off()
    return figure, axes[:count]

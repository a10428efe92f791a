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

from napari_trsmi.clustering.domains import match_to_reference
from napari_trsmi.evaluation.benchmark.summary import OVERALL
from napari_trsmi.palette import domain_colors
from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from napari_trsmi.evaluation.benchmark.store import DataSet
    from napari_trsmi.evaluation.benchmark.summary import Cell

_COLUMNS = 5
_PANEL = 2.0
_DPI = 100
_DIAMETER = 1.3  # over the pitch: spots close the gaps of their lattice
_UNLABELLED = "#d9d9d9"
_GROUP_COLORS = {
    "trsmi": "#d55e00",
    "variant": "#e69f00",
    "rival": "#0072b2",
    "baseline": "#6b6b6b",
    "degenerate": "#b0b0b0",
}


def draw_maps(data: DataSet, panels: Sequence[tuple[str, NDArray[np.int64]]]) -> Figure:
    """The labels, and beside them the domains of each method on the tissue.

    Parameters
    ----------
    data
        Coordinates and labels.
    panels
        A title and domains for each method. They take the labels' colours where they overlap most.
    """
    labels = data.labels + 1  # 0: unlabelled
    titled = [(f"Labels: {data.about['labels']}", labels)]
    for title, domains in panels:
        titled.append((title, _like(domains.astype(np.int64), labels)))
    size = max(int(numbers.max()) for _, numbers in titled)
    colors = [_UNLABELLED, *domain_colors([str(n) for n in range(1, size + 1)]).values()]
    low, high = data.coordinates.min(axis=0), data.coordinates.max(axis=0)
    width, height = np.maximum(high - low, 1e-9)
    figure, axes = _grid(len(titled), float(height / width))
    pitch = spot_pitch(data.coordinates) or 1.0
    for panel, (title, numbers) in zip(axes, titled, strict=True):
        panel.add_collection(
            EllipseCollection(
                widths=_DIAMETER * pitch,
                heights=_DIAMETER * pitch,
                angles=0,
                units="xy",
                offsets=data.coordinates,
                offset_transform=panel.transData,
                facecolors=to_rgba_array(colors)[numbers],
                linewidths=0,
            ),
            autolim=False,
        )
        panel.set(xlim=(low[0] - pitch, high[0] + pitch), ylim=(high[1] + pitch, low[1] - pitch))
        panel.set_aspect("equal")
        panel.set_title(title, fontsize=7)
        panel.set_axis_off()
    return figure


def draw_layouts(
    data: DataSet, panels: Sequence[tuple[str, NDArray[np.int64], NDArray[np.floating]]]
) -> Figure:
    """UMAPs of the embeddings, coloured by the labels.

    Parameters
    ----------
    data
        Labels and their names.
    panels
        A title, which spots, and where they lie, (n, 2), for each method.
    """
    names = data.about["categories"]
    colors = np.array([_UNLABELLED, *domain_colors(names).values()])
    figure, axes = _grid(len(panels), 1.0)
    for panel, (title, spots, points) in zip(axes, panels, strict=True):
        x, y = points.T
        panel.scatter(x, y, c=colors[data.labels[spots] + 1], s=2, linewidths=0)
        panel.set_title(title, fontsize=7)
        panel.set_xticks([])
        panel.set_yticks([])
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


def draw_cost(cells: Sequence[Cell]) -> Figure:
    """Time against quality of each method on one data set, numbered from the best."""
    timed = [cell for cell in cells if cell.done and cell.cpu_seconds.any()]
    timed.sort(key=lambda cell: -cell.mean)
    figure = Figure(
        figsize=(8.5, 0.8 + max(3.6, 0.19 * len(timed))), dpi=_DPI, layout="constrained"
    )
    panel = figure.subplots()
    for number, cell in enumerate(timed, start=1):
        panel.plot(
            float(cell.cpu_seconds.mean()),
            cell.mean,
            linestyle="",
            marker="o",
            markersize=11,
            color=_GROUP_COLORS[cell.group],
            alpha=0.8,
            label=f"{number}  {cell.label}",
        )
        panel.annotate(
            str(number),
            (float(cell.cpu_seconds.mean()), cell.mean),
            ha="center",
            va="center_baseline",
            fontsize=6.5,
            color="white",
        )
    panel.set_xscale("log")
    panel.set_xlabel("CPU seconds from features to domains")
    panel.set_ylabel(f"{OVERALL} ×100")
    panel.grid(linewidth=0.4)
    figure.legend(loc="outside right upper", fontsize=7, frameon=False)
    return figure


def draw_bars(cells: Sequence[Cell]) -> Figure:
    """The rows of an ablation, with their spread."""
    figure = Figure(figsize=(6.0, 2.8), dpi=_DPI, layout="constrained")
    panel = figure.subplots()
    done = [cell for cell in cells if cell.done]
    means = [cell.mean for cell in done]
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
        mean = np.array([cell.mean for cell in done])
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
    """Number domains as the labels that they share most spots with; 0 is unlabelled."""
    known = labels > 0
    matched = match_to_reference(domains[known], labels[known])
    renamed = dict(zip(domains[known].tolist(), matched.tolist(), strict=True))
    for number in np.unique(domains).tolist():  # domains without a labelled spot
        renamed.setdefault(number, max([*renamed.values(), int(labels.max())]) + 1)
    return np.array([renamed[number] for number in domains.tolist()], dtype=np.int64)


def _value(cell: Cell) -> float:
    return float(cell.runs[-1].description["value"])


def _grid(count: int, shape: float) -> tuple[Figure, list[Axes]]:
    columns = min(_COLUMNS, count)
    rows = ceil(count / columns)
    size = (_PANEL * columns, (_PANEL * min(shape, 2.0) + 0.25) * rows)
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for panel in axes[count:]:
        panel.set_axis_off()
    return figure, axes[:count]

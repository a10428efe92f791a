"""The picture of a result: the tissue, and its domains beside it."""

from __future__ import annotations

from io import BytesIO
from math import ceil, floor, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.atomic import check_output, write_bytes
from napari_trsmi.errors import InputError
from napari_trsmi.requirements import needed_for
from napari_trsmi.spots.pitch import spot_pitch

with needed_for("Drawing a figure"):
    from matplotlib.collections import Collection, EllipseCollection, PolyCollection
    from matplotlib.colors import to_rgba_array
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import TissueImage

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
"""What `save_figure` writes."""

_PANEL_INCHES = 6.0
_LEGEND_INCHES = 1.9
_DPI = 150
_DIMMED = 0.35
# Diameter over pitch: smaller spots do not read as areas, larger ones hide each other.
_SMALLEST = 0.75
_LARGEST = 1.0
_SEEN_SINGLY = 10_000  # more spots than this merge into areas, and into pixels in a vector file


def draw_domains(
    coordinates: NDArray[np.float64],
    domains: pd.Series,
    colors: Mapping[str, str],
    *,
    image: TissueImage | None = None,
    spot_diameter: float | None = None,
    square_spots: bool = False,
    title: str | None = None,
) -> Figure:
    """Draw the tissue image, and beside it the domains as coloured spots over the dimmed image.

    Parameters
    ----------
    coordinates
        Columns x and y, shape (n_spots, 2); y points down.
    domains
        Categorical, length n_spots, in the order of `coordinates`; spots without a domain
        are not drawn.
    colors
        A colour for each category, by name.
    image
        The tissue; without one only the domains are drawn.
    spot_diameter
        In coordinate units; None to take it from the distance between neighbouring spots. Spots
        are never drawn much smaller than that distance, nor larger, unless they are too many to
        be seen singly: then they merge.
    square_spots
        Whether they are square bins of that side.
    title
        Above the domains.

    Returns
    -------
    A figure of its own, outside pyplot, with a legend of name, count and percent of the spots.

    Raises
    ------
    InputError
        If coordinates and domains do not fit each other, the domains are not categorical, no
        spot has a domain, or a domain has no colour.
    """
    _check(coordinates, domains, colors)
    left, right, upper, lower = _frame(coordinates)
    width, height = right - left, lower - upper
    panels = 1 if image is None else 2
    panel_width = _PANEL_INCHES * min(1.0, width / height)
    panel_height = _PANEL_INCHES * min(1.0, height / width)
    figure = Figure(
        figsize=(panels * panel_width + _LEGEND_INCHES, panel_height + 0.4),
        dpi=_DPI,
        layout="compressed",
    )
    axes = list(figure.subplots(1, panels, squeeze=False)[0])
    for panel in axes:
        panel.set(xlim=(left, right), ylim=(lower, upper), aspect="equal")
        panel.set_axis_off()
    if image is not None:
        _show(axes[0], image, opacity=1.0)
        axes[0].set_title("Tissue", loc="left")
        _show(axes[1], image, opacity=_DIMMED)
    diameter = _readable_diameter(coordinates, spot_diameter)
    _add_spots(axes[-1], coordinates, domains, colors, diameter, square=square_spots)
    axes[-1].set_title(title or "Domains", loc="left", parse_math=False)
    legend = figure.legend(
        handles=_legend_entries(domains, colors),
        loc="outside right center",
        frameon=False,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)  # a domain's name is no formula
    return figure


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure whole or not at all: an old file stays until the new one is complete.

    Parameters
    ----------
    figure
        What to write.
    path
        Ends in ``.png``, ``.svg`` or ``.pdf``, which sets the format.

    Returns
    -------
    The path written.

    Raises
    ------
    OutputError
        If the suffix is another one, or the file cannot be written.
    """
    target = check_output(path, overwrite=True, suffixes=FIGURE_SUFFIXES)
    drawn = BytesIO()
    figure.savefig(drawn, format=target.suffix.lower().lstrip("."))
    write_bytes(target, drawn.getbuffer())
    return target


def _check(coordinates: NDArray[np.float64], domains: pd.Series, colors: Mapping[str, str]) -> None:
    if coordinates.shape != (len(domains), 2):
        raise InputError(
            f"Coordinates have shape {coordinates.shape}, but {len(domains)} domains need "
            f"({len(domains)}, 2): one x and y for each spot."
        )
    if not isinstance(domains.dtype, pd.CategoricalDtype):
        raise InputError(
            f"The domains are {domains.dtype}, not categorical. Pass domains.astype('category')."
        )
    if domains.isna().all():
        raise InputError("No spot has a domain, so there is nothing to draw.")
    colorless = [name for name in domains.cat.categories if name not in colors]
    if colorless:
        raise InputError(
            f"Domain {colorless[0]!r} has no colour. Take colors from "
            "palette.domain_colors(domains.cat.categories)."
        )


def _frame(coordinates: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Return the left, right, upper and lower limit of what is shown: the spots and a margin."""
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    margin = 0.05 * float((high - low).max()) or 1.0
    (left, upper), (right, lower) = low - margin, high + margin
    return float(left), float(right), float(upper), float(lower)


def _show(panel: Axes, image: TissueImage, opacity: float) -> None:
    """Show the part of the image in the frame, with no more pixels than a panel can use."""
    (left, right), (lower, upper) = panel.get_xlim(), panel.get_ylim()
    n_rows, n_columns = image.pixels.shape[:2]
    first_row, last_row = _pixels_between(upper, lower, image.scale, n_rows)
    first_column, last_column = _pixels_between(left, right, image.scale, n_columns)
    if first_row == last_row or first_column == last_column:  # the spots lie beside the image
        return
    longest = max(last_row - first_row, last_column - first_column)
    step = max(1, int(longest / (_PANEL_INCHES * _DPI)))
    shown = image.pixels[first_row:last_row:step, first_column:last_column:step]
    # A pixel's centre is its place, so the image begins half a pixel before its first one.
    extent = (
        (first_column - 0.5) / image.scale,
        (first_column + step * shown.shape[1] - 0.5) / image.scale,
        (first_row + step * shown.shape[0] - 0.5) / image.scale,
        (first_row - 0.5) / image.scale,
    )
    panel.imshow(shown, extent=extent, alpha=opacity, interpolation="antialiased")
    panel.set(xlim=(left, right), ylim=(lower, upper))


def _pixels_between(low: float, high: float, scale: float, n_pixels: int) -> tuple[int, int]:
    """Return the first pixel and the one after the last that lie between two places."""
    first = min(max(floor(low * scale), 0), n_pixels)
    return first, max(min(ceil(high * scale) + 1, n_pixels), first)


def _readable_diameter(coordinates: NDArray[np.float64], spot_diameter: float | None) -> float:
    """Return the diameter to draw: the true one, between most and all of the spots' pitch.

    Spots too many to be seen one by one tile the area, so that no bare pixels dilute the colours.
    """
    pitch = spot_pitch(coordinates)
    if pitch is None:
        return spot_diameter or 1.0
    if len(coordinates) > _SEEN_SINGLY:
        return sqrt(2) * pitch
    return float(np.clip(spot_diameter or pitch, _SMALLEST * pitch, _LARGEST * pitch))


def _add_spots(
    panel: Axes,
    coordinates: NDArray[np.float64],
    domains: pd.Series,
    colors: Mapping[str, str],
    diameter: float,
    *,
    square: bool,
) -> None:
    of_category = to_rgba_array([colors[name] for name in domains.cat.categories])
    codes = domains.cat.codes.to_numpy()
    drawn = codes >= 0
    looks: dict[str, Any] = {
        "facecolors": of_category[codes[drawn]],
        "linewidths": 0,
        "rasterized": len(coordinates) > _SEEN_SINGLY,
    }
    spots: Collection
    if square:
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * diameter / 2
        outlines: Any = coordinates[drawn][:, np.newaxis] + corners
        spots = PolyCollection(outlines, **looks)
    else:
        spots = EllipseCollection(
            widths=diameter,
            heights=diameter,
            angles=0,
            units="xy",
            offsets=coordinates[drawn],
            offset_transform=panel.transData,
            **looks,
        )
    panel.add_collection(spots, autolim=False)


def _legend_entries(domains: pd.Series, colors: Mapping[str, str]) -> list[Patch]:
    counts = domains.value_counts(sort=False)
    return [
        Patch(color=colors[name], label=f"{name}   {count:,} ({count / len(domains):.0%})")
        for name, count in zip(domains.cat.categories, counts, strict=True)
        if count
    ]

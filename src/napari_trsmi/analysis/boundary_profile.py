"""What happens across a boundary: features, proteins and the picture by the distance from it.

A distance is negative on one side and positive on the other. That is what a picture is for where
tables and tissue disagree: a boundary that is there is steep in what was not used to find it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from napari_trsmi.errors import InputError
from napari_trsmi.spots.boundaries import domain_boundaries
from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from napari_trsmi.result import TRSMIResult

UNKNOWN_UNIT = "coordinate units"

_LEAST = 3
"""Spots on either side that a change can be told from."""


def length_unit(result: TRSMIResult, micrometres: float | None = None) -> tuple[float, str]:
    """How long a coordinate unit is, and in what: micrometres where they are given or known."""
    known = result.micrometres_per_unit if micrometres is None else micrometres
    return (1.0, UNKNOWN_UNIT) if known is None else (known, "µm")


def signed_distances(
    result: TRSMIResult,
    one: str,
    other: str,
    *,
    line: NDArray[np.float64] | None = None,
    micrometres_per_unit: float | None = None,
) -> pd.Series:
    """How far each spot lies from the boundary of two domains.

    Parameters
    ----------
    result
        The run.
    one, other
        Names of the domains: negative in the first, positive in the second.
    line
        A line that was drawn across the tissue in place of their boundary, columns x and y; spots
        of both domains lie on its left (negative) or its right as one goes along it, on a screen
        whose y points down.
    micrometres_per_unit
        Of the coordinates; None takes what the run knows, and their own unit if it knows nothing.

    Returns
    -------
    Series
        Indexed by spot name, of the spots in the two domains; ``attrs["unit"]`` says of what.

    Raises
    ------
    InputError
        If there is no such domain, or the two have no boundary.
    """
    names = [str(name) for name in result.domains.cat.categories]
    for name in (one, other):
        if name not in names:
            raise InputError(f"There is no domain {name!r}. There are {', '.join(names)}.")
    if one == other:
        raise InputError("Choose two different domains.")
    domains = result.domains.astype(str).to_numpy()
    inside = np.isin(domains, (one, other))
    xy = result.coordinates[inside]
    if line is not None:
        path = np.asarray(line, dtype=np.float64)
        if path.ndim != 2 or path.shape[1] != 2 or len(path) < 2:
            raise InputError("The line needs two points or more, columns x and y.")
        border = shapely.linestrings(path)
        positive = _on_right(path, xy)
    else:
        found = domain_boundaries(result.coordinates, result.domains)
        lines = [b.path for b in found if set(b.domains) == {one, other}]
        if not lines:
            raise InputError(
                f"The domains {one!r} and {other!r} do not touch, so there is no boundary."
            )
        border = shapely.multilinestrings([shapely.linestrings(path) for path in lines])
        positive = domains[inside] == other
    factor, unit = length_unit(result, micrometres_per_unit)
    apart = shapely.distance(shapely.points(xy), border) * factor
    distances = pd.Series(
        np.where(positive, apart, -apart), index=result.domains.index[inside], name="distance"
    )
    distances.attrs["unit"] = unit
    return distances


def boundary_profile(
    distances: pd.Series, values: pd.DataFrame, *, width: float, reach: float
) -> pd.DataFrame:
    """Mean of each feature by the distance from a boundary.

    Parameters
    ----------
    distances
        From `signed_distances`.
    values
        Spots x features, indexed by spot name: genes, proteins, image features, confidence.
    width
        Of a step, in the unit of the distances.
    reach
        How far from the boundary, in the same unit.

    Returns
    -------
    DataFrame
        A row a feature and step: ``feature``, ``distance`` (its middle), ``mean``, ``error``
        (standard error) and ``n_spots``. Steps without a spot are left out.
    """
    if not (width > 0 and reach >= width):
        raise InputError(f"width is {width:g} and reach {reach:g}: give 0 < width <= reach.")
    near = distances[distances.abs() <= reach]
    if near.empty:
        raise InputError(f"No spot lies within {reach:g} of the boundary. Give a larger reach.")
    table = values.loc[near.index]
    step = np.floor(near.to_numpy() / width).astype(np.int64)
    groups = table.astype(np.float64).groupby(step)
    counts = groups.size()
    means: Any = groups.mean().stack(future_stack=True)
    long = means.rename("mean").reset_index()
    long.columns = pd.Index(["step", "feature", "mean"])
    error = groups.std(ddof=1).div(np.sqrt(counts), axis=0).stack(future_stack=True)
    keys = pd.MultiIndex.from_frame(long[["step", "feature"]])
    profile = (
        pd.DataFrame(
            {
                "feature": long["feature"].astype(str),
                "distance": (long["step"] + 0.5) * width,
                "mean": long["mean"],
                "error": error.reindex(keys).to_numpy(),
                "n_spots": counts.loc[long["step"]].to_numpy(),
            }
        )
        .sort_values(["feature", "distance"], kind="stable")
        .reset_index(drop=True)
    )
    profile.attrs.update(distances.attrs)
    return profile


def sharpest_changes(distances: pd.Series, values: pd.DataFrame, *, reach: float) -> pd.DataFrame:
    """Rank features by how sharply they change at a boundary.

    Parameters
    ----------
    distances, values
        As for `boundary_profile`.
    reach
        How far on either side, in the unit of the distances; about two spots.

    Returns
    -------
    DataFrame
        ``feature``, ``before``, ``after`` (means on the negative and the positive side), and
        ``score``: their difference in standard errors (Welch's t), the largest in size first.

    Raises
    ------
    InputError
        If there are too few spots on a side.
    """
    near = distances[distances.abs() <= reach]
    sides = [values.loc[near.index[mask]].astype(np.float64) for mask in (near < 0, near >= 0)]
    if min(map(len, sides)) < _LEAST:
        raise InputError(
            f"Within {reach:g} of the boundary lie {len(sides[0])} and {len(sides[1])} spots: "
            f"{_LEAST} on either side are the least. Give a larger reach."
        )
    before, after = (side.mean() for side in sides)
    error: Any = np.sqrt(sum(side.var(ddof=1) / len(side) for side in sides))
    score = ((after - before) / error.where(error > 0)).fillna(0.0)
    table = pd.DataFrame({"before": before, "after": after, "score": score})
    table = table.rename_axis("feature").reset_index()
    order = table["score"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def plot_profile(profile: pd.DataFrame, ax: Axes | None = None, *, unit: str | None = None) -> Axes:
    """Draw a profile: a line a feature, with its standard error.

    Parameters
    ----------
    profile
        From `boundary_profile`.
    ax
        Where to draw; a new figure if None.
    unit
        Of the distances; None takes what the profile says.
    """
    from napari_trsmi.requirements import needed_for

    with needed_for("Drawing a profile"):
        from matplotlib.figure import Figure
    if ax is None:
        ax = Figure(figsize=(6, 4), layout="constrained").subplots()
    for feature, part in profile.groupby("feature", sort=False):
        (drawn,) = ax.plot(part["distance"], part["mean"], marker="o", ms=3, label=str(feature))
        error = part["error"].fillna(0)
        ax.fill_between(
            part["distance"],
            part["mean"] - error,
            part["mean"] + error,
            color=drawn.get_color(),
            alpha=0.2,
            linewidth=0,
        )
    ax.axvline(0, color="0.5", linewidth=1)
    unit = unit or profile.attrs.get("unit", UNKNOWN_UNIT)
    ax.set_xlabel(f"distance from the boundary ({unit})")
    ax.set_ylabel("mean")
    ax.legend(frameon=False)
    return ax


def domain_geometry(
    result: TRSMIResult, *, micrometres_per_unit: float | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Areas, perimeters and interfaces of domains.

    Parameters
    ----------
    result
        The run.
    micrometres_per_unit
        Of the coordinates; None takes what the run knows, and their own unit if it knows nothing.

    Returns
    -------
    domains
        Indexed by name: ``n_spots``, ``area``, ``perimeter`` and ``n_parts``; ``attrs["unit"]`` of
        both says of what lengths are.
    interfaces
        A row a pair that touches: ``one``, ``other``, ``length``, and ``confidence``, the mean of
        the spots of both within a spot's distance.
    """
    from napari_trsmi.spots.boundaries import domain_polygons

    unit, called = length_unit(result, micrometres_per_unit)
    areas = domain_polygons(result.coordinates, result.domains)
    counts = result.domains.value_counts()
    domains = pd.DataFrame(
        {
            "n_spots": {name: int(counts[name]) for name in areas},
            "area": {name: float(shapely.area(area)) * unit**2 for name, area in areas.items()},
            "perimeter": {name: float(shapely.length(a)) * unit for name, a in areas.items()},
            "n_parts": {n: int(shapely.get_num_geometries(a)) for n, a in areas.items()},
        }
    )
    lines: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    for boundary in domain_boundaries(result.coordinates, result.domains):
        lines.setdefault(boundary.domains, []).append(boundary.path)
    pitch = spot_pitch(result.coordinates) or 0.0
    rows = []
    names = result.domains.astype(str).to_numpy()
    confidence = result.confidence.to_numpy(dtype=np.float64)
    for (one, other), paths in sorted(lines.items()):
        border = shapely.multilinestrings([shapely.linestrings(path) for path in paths])
        both = np.isin(names, (one, other))
        near = shapely.dwithin(shapely.points(result.coordinates[both]), border, pitch)
        length = float(shapely.length(border)) * unit
        mean = float(np.nanmean(confidence[both][near])) if near.any() else np.nan
        rows.append({"one": one, "other": other, "length": length, "confidence": mean})
    interfaces = pd.DataFrame(rows, columns=["one", "other", "length", "confidence"])
    for frame in (domains, interfaces):
        frame.attrs["unit"] = called
    return domains, interfaces


def _on_right(path: NDArray[np.float64], xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether places lie on the right of the nearest part of a line, y pointing down."""
    starts, along = path[:-1], np.diff(path, axis=0)
    size = np.maximum(np.square(along).sum(axis=1), 1e-300)
    ahead = ((xy[:, np.newaxis] - starts) * along).sum(axis=2) / size
    nearest = starts + np.clip(ahead, 0, 1)[..., np.newaxis] * along
    part = np.linalg.norm(xy[:, np.newaxis] - nearest, axis=2).argmin(axis=1)
    away = xy - starts[part]
    right: NDArray[np.bool_] = along[part, 0] * away[:, 1] - along[part, 1] * away[:, 0] > 0
    return right

"""What happens across the boundary of two domains, and how long and large domains are: drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_trsmi.analysis.boundary_profile import (
    boundary_profile,
    domain_geometry,
    length_unit,
    plot_profile,
    sharpest_changes,
    signed_distances,
)
from napari_trsmi.analysis.plots.plot import Plot, new_figure, upright_names
from napari_trsmi.preprocessing.counts import dense
from napari_trsmi.preprocessing.values import comparable_values
from napari_trsmi.result_sections import require_one_section
from napari_trsmi.spots.pitch import spot_pitch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import Modality
    from napari_trsmi.result import TRSMIResult

CONFIDENCE = "confidence"
_AT_ONCE = 2000  # features that are dense at a time
_DRAWN = 4
_RANKED_WITHIN = 2.0  # spots' distances on either side
_REACH = 5.0


def profile(
    result: TRSMIResult,
    modality: Modality,
    one: str,
    other: str,
    *,
    line: NDArray[np.float64] | None = None,
    reach: float | None = None,
    features: Sequence[str] = (),
) -> Plot:
    """Draw features by the signed distance from the boundary of two domains.

    Parameters
    ----------
    result
        The run.
    modality
        Its table; spots are matched by name.
    one, other
        The domains: on the left, and on the right.
    line
        A line that was drawn in place of their boundary, columns x and y.
    reach
        How far on either side, in micrometres where they are known, else in coordinate units; None
        takes five spots.
    features
        What to draw; those that change most sharply if there are none.

    Returns
    -------
    Plot
        With the confidence below. Its table ranks all features by how sharply they change.

    Raises
    ------
    InputError
        If the two do not touch, or too few spots lie near.
    """
    require_one_section(result, "A boundary profile is")
    factor, unit = length_unit(result)
    distances = signed_distances(result, one, other, line=line, micrometres_per_unit=factor)
    pitch = (spot_pitch(result.coordinates) or 1.0) * factor
    reach = _REACH * pitch if reach is None else reach
    table = comparable_values(modality)
    near = distances[distances.abs() <= reach]
    near = near[near.index.isin(table.obs_names)]
    values = table[near.index]
    within = reach if line is not None else min(reach, _RANKED_WITHIN * pitch)
    ranked = _ranked(near, values, within)
    wanted = [name for name in features if name in values.var_names]
    shown = wanted or list(ranked["feature"].head(_DRAWN))
    frame = pd.DataFrame(dense(values[:, shown].X), near.index, shown)
    figure = new_figure(5.0, 4.8)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    plot_profile(boundary_profile(near, frame, width=pitch, reach=reach), above, unit=unit)
    above.set(xlabel="", ylabel=f"{modality.name} (comparable between spots)")
    above.legend(frameon=False, fontsize=8)
    above.set_title(f"{one}  |  {other}", parse_math=False)
    sure = pd.DataFrame({CONFIDENCE: result.confidence.astype(np.float64)})
    plot_profile(boundary_profile(near, sure, width=pitch, reach=reach), below, unit=unit)
    below.get_legend().remove()
    below.set(ylabel=CONFIDENCE, ylim=(0, 1.02))
    about = (
        f"Means by the distance from the boundary: {one} on the left, {other} on the right. The "
        "table ranks by how sharply features change there (Welch's t)."
    )
    return Plot(figure, ranked, about)


def geometry(result: TRSMIResult) -> Plot:
    """Draw the lengths of the interfaces between domains, with areas and perimeters as a table.

    Raises
    ------
    InputError
        If the result is of several sections.
    """
    require_one_section(result, "Areas of domains are")
    factor, unit = length_unit(result)
    domains, interfaces = domain_geometry(result, micrometres_per_unit=factor)
    names = [str(name) for name in domains.index]
    lengths = pd.DataFrame(0.0, names, names)
    sure = pd.DataFrame(np.nan, names, names)
    for one, other, length, certainty in interfaces.itertuples(index=False, name=None):
        for pair in ((str(one), str(other)), (str(other), str(one))):
            lengths.loc[pair], sure.loc[pair] = length, certainty
    figure = new_figure(4.8, 4.0)
    axes = figure.subplots()
    drawn = axes.imshow(lengths.where(lengths > 0), cmap="viridis")
    axes.set_xticks(range(len(names)), names, rotation=90 if upright_names(names) else 0)
    axes.set_yticks(range(len(names)), names)
    figure.colorbar(drawn, ax=axes, label=f"length of the interface ({unit})")
    suffix = "um" if unit == "µm" else "units"
    table = domains.reset_index(names="domain").rename(
        columns={"area": f"area_{suffix}2", "perimeter": f"perimeter_{suffix}"}
    )
    table = table.join(lengths.reset_index(drop=True).add_prefix(f"interface_{suffix}_with_"))
    table = table.join(sure.reset_index(drop=True).add_prefix("confidence_along_"))
    about = f"How long domains border each other, in {unit}. The table has areas and perimeters."
    return Plot(figure, table, about)


def _ranked(near: pd.Series, values: AnnData, reach: float) -> pd.DataFrame:
    """Rank all features, some at a time: a dense table of all may not fit."""
    names = values.var_names
    parts = []
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        block = pd.DataFrame(dense(values[:, some].X), near.index, some)
        parts.append(sharpest_changes(near, block, reach=reach))
    table = pd.concat(parts, ignore_index=True)
    order = table["score"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)

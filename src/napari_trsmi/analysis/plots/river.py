"""Two labellings of the same spots as a river: which spots go from where to where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.analysis.comparison import compare
from napari_trsmi.analysis.plots.plot import Plot, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_trsmi.result import TRSMIResult

_GAP = 0.015  # between the banks, of all spots
_BANK = 0.06  # width of a bank
_SMALLEST = 0.02  # of all spots: less has no room for a name


def river(
    result: TRSMIResult,
    other: pd.Series,
    *,
    called: tuple[str, str] = ("this run", "the other"),
    other_colors: Mapping[str, str] | None = None,
) -> Plot:
    """Draw which spots of a run's domains have which labels elsewhere.

    Parameters
    ----------
    result
        The run, on the left.
    other
        Labels of another run or an annotation, indexed by spot name, on the right.
    called
        Titles of both sides.
    other_colors
        Colours of the other labels; None gives each that of the domain that it matches.

    Raises
    ------
    InputError
        As `napari_trsmi.compare`.
    """
    found = compare(result.domains, other)
    together = pd.crosstab(found.first, found.second)
    left = {str(name): result.colors[str(name)] for name in together.index}
    right = dict(other_colors or found.second_colors(result.colors))
    # partners lie opposite each other, so that most of the river flows straight on
    place = {name: at for at, name in enumerate(left)}
    order = sorted(
        map(str, together.columns),
        key=lambda name: place.get(found.matched.get(name, ""), _heaviest(together, name)),
    )
    share = together[order] / float(together.to_numpy().sum())
    figure = new_figure(5.0, 4.6)
    axes = figure.subplots()
    axes.set(xlim=(-0.25, 1.25), ylim=(1 + _GAP * max(share.shape), -0.06))
    axes.set_axis_off()
    starts = _banks(axes, 0.0, share.sum(axis=1), left)
    ends = _banks(axes, 1.0, share.sum(axis=0), right)
    for name in share.index:
        for to in share.columns:
            width = float(share.loc[name, to])
            if width > 0:
                _stream(axes, starts[str(name)], ends[str(to)], width, left[str(name)])
                starts[str(name)] += width
                ends[str(to)] += width
    for x, title in zip((0.0, 1.0), called, strict=True):
        axes.text(x, -0.02, title, ha="center", va="bottom", weight="bold", parse_math=False)
    table = pd.DataFrame(
        {
            "domain": np.repeat(list(left), len(order)),
            "other": order * len(left),
            "n_spots": together[order].to_numpy().ravel(),
        }
    )
    table = table[table["n_spots"] > 0].reset_index(drop=True)
    about = (
        f"Which spots go where. Agreement: ARI {found.ari:.1f}, NMI {found.nmi:.1f} (100: the "
        f"same, 0: by chance); {found.n_differing:,} of {found.n_spots:,} spots differ."
    )
    return Plot(figure, table, about)


def _heaviest(together: pd.DataFrame, name: str) -> int:
    """Return the place of the domain that most spots of a label come from."""
    return int(together[name].to_numpy().argmax())


def _banks(axes: Any, x: float, shares: pd.Series, colors: Mapping[str, str]) -> dict[str, float]:
    """Draw one side, and return where each bank begins."""
    begins, at = {}, 0.0
    outward = -1 if x == 0 else 1
    for name, share in shares.items():
        axes.bar(x, share, bottom=at, width=_BANK, color=colors[str(name)])
        if share >= _SMALLEST:
            axes.text(
                x + outward * _BANK,
                at + share / 2,
                f"{name}  {share:.0%}",
                ha="right" if outward < 0 else "left",
                va="center",
                fontsize=8,
                parse_math=False,
            )
        begins[str(name)] = at
        at += float(share) + _GAP
    return begins


def _stream(axes: Any, start: float, end: float, width: float, color: str) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    left, right = _BANK / 2, 1 - _BANK / 2
    corners = [
        (left, start),
        (0.5, start),
        (0.5, end),
        (right, end),
        (right, end + width),
        (0.5, end + width),
        (0.5, start + width),
        (left, start + width),
        (left, start),
    ]
    line, curve = Path.LINETO, Path.CURVE4
    codes = [Path.MOVETO, curve, curve, curve, line, curve, curve, curve, Path.CLOSEPOLY]
    axes.add_patch(PathPatch(Path(corners, codes), facecolor=color, alpha=0.45, linewidth=0))

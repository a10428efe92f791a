"""What spots can be coloured by other than their domain: a number each, on a colour scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.data.dataset import Kind
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import Modality, SpatialOmics
    from napari_trsmi.result import TRSMIResult

COLORMAPS = ("viridis", "magma", "cividis", "gray")
"""Even in lightness, so that they read without colour vision too."""

MISSING = (0.5, 0.5, 0.5, 1.0)
"""Colour of a spot without a value."""

_STEPS = 256
_BOTTOM_PERCENTILE = 0.5
_TOP_PERCENTILE = 99.5  # a few very high counts would leave all other spots dark


@dataclass(frozen=True)
class OfFeature:
    """Which feature a colouring shows, and how.

    Attributes
    ----------
    modality, feature
        Names of a table and of one of its variables.
    log, per_depth
        Whether the logarithm is shown, and values relative to the depth of their spot.
    """

    modality: str
    feature: str
    log: bool
    per_depth: bool


@dataclass(frozen=True, eq=False)
class Coloring:
    """A number for each spot, and the colour scale it is shown on.

    Attributes
    ----------
    label
        What the numbers are, for the colour bar.
    values
        ``float32``, shape (n_spots,); NaN where there is none.
    low, high
        Values at the ends of the scale; what lies beyond gets the colour of the end.
    colormap
        Name of a napari colormap.
    feature
        Which feature the numbers are of; None for what is no feature's.
    """

    label: str
    values: NDArray[np.float32]
    low: float
    high: float
    colormap: str = COLORMAPS[0]
    feature: OfFeature | None = None

    def with_colormap(self, colormap: str) -> Coloring:
        """The same numbers in other colours."""
        return replace(self, colormap=colormap)

    def colors(self) -> NDArray[np.float32]:
        """RGBA in 0 to 1 for each spot, shape (n_spots, 4)."""
        table = np.vstack([colormap_table(self.colormap), MISSING]).astype(np.float32)
        missing = np.isnan(self.values)
        share = (self.values - self.low) / (self.high - self.low)
        share[missing] = 0
        step = np.rint(np.clip(share, 0, 1) * (_STEPS - 1)).astype(np.intp)
        step[missing] = _STEPS
        colors: NDArray[np.float32] = table[step]
        return colors


def colormap_table(name: str) -> NDArray[np.float32]:
    """256 RGBA colours of a colormap from low to high, in 0 to 1, shape (256, 4)."""
    from napari.utils.colormaps import ensure_colormap

    colors: NDArray[np.float32] = ensure_colormap(name).map(np.linspace(0, 1, _STEPS))
    return colors


def by_confidence(result: TRSMIResult) -> Coloring:
    """Colour by the probability of each spot's domain."""
    return _scaled("confidence", result.confidence.to_numpy())


def by_weight(result: TRSMIResult, modality: str) -> Coloring:
    """Colour by a modality's share in each spot's embedding."""
    return _scaled(f"weight of {modality}", result.modality_weights[modality].to_numpy())


def by_score(label: str, scores: pd.Series, result: TRSMIResult) -> Coloring:
    """Colour by a number that spots have by name; those without one are grey."""
    values = scores.reindex(result.domains.index).to_numpy(dtype=np.float64)
    return _scaled(label, values, in_the_middle=True)


def by_feature(
    dataset: SpatialOmics,
    modality: str,
    feature: str,
    *,
    log: bool,
    depth: NDArray[np.float64] | None = None,
) -> Coloring:
    """Colour by a gene, protein, peak or other feature.

    Parameters
    ----------
    dataset
        The tables.
    modality, feature
        Names of a table and of one of its variables.
    log
        Whether to show ``log(1 + value)``.
    depth
        `relative_depth` of the table: what each spot's values are divided by, so that a spot with
        more counts of everything does not look like one with more of this.

    Raises
    ------
    InputError
        If there is no such table or variable.
    """
    table = modality_named(dataset, modality)
    places = np.flatnonzero(table.table.var_names == feature)
    if not len(places):
        raise InputError(f"{modality} has no feature {feature!r}. Choose one from the list.")
    values = table.values_of(int(places[0])).astype(np.float32)
    if depth is not None:
        values = (values / depth).astype(np.float32)
    if log:
        values = np.log1p(np.maximum(values, 0))
    label = feature if depth is None else f"{feature} per depth"
    shown = _scaled(f"log(1 + {label})" if log else label, values, in_the_middle=True)
    return replace(shown, feature=OfFeature(modality, feature, log, depth is not None))


def relative_depth(modality: Modality) -> NDArray[np.float64] | None:
    """Counts of each spot relative to the median spot's, at least a hundredth of it.

    None where the sum over features is no depth: of proteins, which few of make up most, and of
    ready features.
    """
    if modality.kind not in (Kind.RNA, Kind.CHROMATIN):
        return None
    counts = modality.depth()
    middle = float(np.median(counts[counts > 0])) if (counts > 0).any() else 1.0
    depth: NDArray[np.float64] = np.maximum(counts / middle, 0.01)
    return depth


def modality_named(dataset: SpatialOmics, name: str) -> Modality:
    """The table of a data set with a name.

    Raises
    ------
    InputError
        If there is none.
    """
    for modality in dataset.modalities:
        if modality.name == name:
            return modality
    raise InputError(f"There is no modality {name!r}. There are {', '.join(dataset.names)}.")


def is_counted(modality: Modality) -> bool:
    """Whether a table holds counts, which read best on a logarithmic scale."""
    return modality.kind.is_counted


def _scaled(label: str, values: NDArray[np.floating], *, in_the_middle: bool = False) -> Coloring:
    """Return a scale that spans the values, or all but a few at its ends."""
    values = np.asarray(values, dtype=np.float32)
    finite = values[np.isfinite(values)]
    low = high = 0.0
    if finite.size:
        low, high = float(finite.min()), float(finite.max())
        if in_the_middle:
            low = float(np.percentile(finite, _BOTTOM_PERCENTILE, method="higher"))
            high = float(np.percentile(finite, _TOP_PERCENTILE, method="lower"))
        if high <= low:  # almost all are alike: show the few that are not
            low, high = float(finite.min()), float(finite.max())
    return Coloring(label, values, low, high if high > low else low + 1)

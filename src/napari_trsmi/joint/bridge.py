"""Tables that a section lacks, predicted from those it has through sections that have both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_RIDGE = 0.1
"""Of a spot's noise: axes are in units of it."""


@dataclass(frozen=True, eq=False)
class Bridge:
    """How one table follows from others.

    Attributes
    ----------
    target
        The modality that is predicted.
    sources
        Modalities that it is predicted from, in order.
    sections
        Sections that have all of these.
    """

    target: str
    sources: tuple[str, ...]
    sections: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class LinearMap:
    """A ridge regression with what it cannot know.

    Attributes
    ----------
    weights
        Shape (n_inputs, n_outputs).
    center_in, center_out
        Means of the inputs and outputs that it was fitted to.
    deviations
        Standard deviation of what the fit leaves over, shape (n_outputs,).
    precision
        Inverse of the inputs' regularised products, (n_inputs, n_inputs).
    """

    weights: NDArray[np.float64]
    center_in: NDArray[np.float64]
    center_out: NDArray[np.float64]
    deviations: NDArray[np.float64]
    precision: NDArray[np.float64]

    @classmethod
    def fit(cls, inputs: NDArray[np.float64], outputs: NDArray[np.float64]) -> LinearMap:
        """Fit outputs (n_spots, n_outputs) by inputs (n_spots, n_inputs)."""
        center_in, center_out = inputs.mean(axis=0), outputs.mean(axis=0)
        x, y = inputs - center_in, outputs - center_out
        precision = np.linalg.inv(x.T @ x + _RIDGE * len(x) * np.eye(x.shape[1]))
        weights = precision @ (x.T @ y)
        return cls(weights, center_in, center_out, (y - x @ weights).std(axis=0), precision)

    def __call__(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predict, shape (n_spots, n_outputs)."""
        predicted: NDArray[np.float64] = (inputs - self.center_in) @ self.weights + self.center_out
        return predicted

    def uncertainty(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standard deviation of a prediction, shape (n_spots, n_outputs).

        That of what the fit leaves over, wider the farther a spot lies from all that was fitted.
        """
        x = inputs - self.center_in
        reach = np.sqrt(1 + ((x @ self.precision) * x).sum(axis=1))
        spread: NDArray[np.float64] = reach[:, None] * self.deviations
        return spread


def bridges(
    measured: Mapping[str, Sequence[str]], modalities: Sequence[str]
) -> dict[str, list[Bridge]]:
    """How each section's missing tables follow from those it has.

    Parameters
    ----------
    measured
        Modalities of each section, by section name.
    modalities
        All of them.

    Returns
    -------
    For each section bridges in the order to cross them: a later one may start from a table that
    an earlier one predicted.

    Raises
    ------
    InputError
        If a section cannot be reached from another.
    """
    found: dict[str, list[Bridge]] = {}
    for section, own in measured.items():
        known, found[section] = list(own), []
        missing = [name for name in modalities if name not in known]
        while missing:
            crossed = [b for name in missing if (b := _bridge(name, known, measured)) is not None]
            if not crossed:
                raise InputError(_nothing_in_common(section, missing, measured))
            found[section] += crossed
            known += [bridge.target for bridge in crossed]
            missing = [name for name in missing if name not in known]
    return found


def _bridge(
    target: str, known: Sequence[str], measured: Mapping[str, Sequence[str]]
) -> Bridge | None:
    """The widest bridge: from as many tables as possible."""
    best: tuple[str, ...] = ()
    for own in measured.values():
        sources = tuple(name for name in known if name in own)
        if target in own and len(sources) > len(best):
            best = sources
    if not best:
        return None
    sections = [name for name, own in measured.items() if {target, *best} <= set(own)]
    return Bridge(target, best, tuple(sections))


def _nothing_in_common(
    section: str, missing: Sequence[str], measured: Mapping[str, Sequence[str]]
) -> str:
    own = listed(list(measured[section]))
    return (
        f"Section {section!r} has {own} alone, and no section has both that and "
        f"{listed(list(missing))}, so nothing tells which domain here is which there. Add a "
        "section with both tables, or run the sections one by one."
    )

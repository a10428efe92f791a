"""What a result of several sections has for each, and the part of it that is of one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.errors import InputError
from napari_trsmi.spots.layout import Place, places_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import TissueImage
    from napari_trsmi.result import TRSMIResult


GRID_MICROMETRES = "micrometres_side_by_side"
"""Key of the record: see `micrometres_side_by_side`."""

_AS_LARGE = 1.02  # rounding of the spots' distances


@dataclass(frozen=True, eq=False)
class ResultSections:
    """What each section of a result of several has for itself.

    Attributes
    ----------
    of_spots
        The section of each spot, categorical in the order of the sections, indexed by spot name.
    images
        Tissue images, by section name.
    spot_diameters
        In coordinate units, by section name, where known.
    original_spots
        What each spot is called in the table of its section, indexed by spot name.
    """

    of_spots: pd.Series
    images: Mapping[str, TissueImage]
    spot_diameters: Mapping[str, float]
    original_spots: pd.Series

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the sections, in order."""
        return tuple(map(str, self.of_spots.cat.categories))

    def rows(self, name: str) -> NDArray[np.int64]:
        """Rows of the result that are of a section."""
        return np.flatnonzero(self.of_spots.to_numpy() == name)


def of_section(result: TRSMIResult, name: str) -> TRSMIResult:
    """What `TRSMIResult.of_section` returns."""
    if result.sections is None or name not in result.sections.names:
        known = ", ".join(result.section_names) or "one section alone"
        raise InputError(f"The result has no section {name!r}: it has {known}.")
    rows = result.sections.rows(name)
    spots = pd.Index(result.sections.original_spots.iloc[rows].astype(str))
    about = [s for s in result.record.get("sections", []) if s["name"] == name]

    def part(values: Any) -> Any:
        return values.iloc[rows].set_axis(spots)

    def by_scale(values: pd.DataFrame) -> pd.DataFrame:
        return part(values) if result.scales else values

    domains = part(result.domains)
    return replace(
        result,
        domains=domains.cat.remove_unused_categories(),
        embedding=result.embedding[rows],
        confidence=part(result.confidence),
        modality_weights=part(result.modality_weights),
        coordinates=result.coordinates[rows],
        annotations=part(result.annotations),
        record={
            **{key: value for key, value in result.record.items() if key != GRID_MICROMETRES},
            "n_spots": len(rows),
            "sections": about,
            "micrometres_per_unit": about[0].get("micrometres_per_unit") if about else None,
        },
        image=result.sections.images.get(name),
        spot_diameter=result.sections.spot_diameters.get(name),
        custom_colors=result.colors,
        domains_by_scale=by_scale(result.domains_by_scale),
        confidence_by_scale=by_scale(result.confidence_by_scale),
        sections=None,
        predicted={
            modality: _only(table, name, spots[own])
            for modality, table in result.predicted.items()
            if (own := np.flatnonzero(table.obs["section"] == name)).size
        },
    )


def places_side_by_side(result: TRSMIResult) -> dict[str, Place]:
    """Where each section lies in the grid of `TRSMIResult.side_by_side`, by its name."""
    if result.sections is None:
        return {}
    parts = [result.coordinates[result.sections.rows(name)] for name in result.sections.names]
    return dict(zip(result.sections.names, places_of(parts), strict=True))


def micrometres_side_by_side(result: TRSMIResult) -> float | None:
    """Micrometres of a unit of `TRSMIResult.side_by_side`.

    Returns
    -------
    None where a section's scale is not known, or differs there from the others'.
    """
    known = {
        section["name"]: section.get("micrometres_per_unit")
        for section in result.record.get("sections", [])
    }
    if not known or None in known.values():
        return None
    there = [known[name] / place.scale for name, place in places_side_by_side(result).items()]
    return float(np.mean(there)) if max(there) <= _AS_LARGE * min(there) else None


def coordinates_side_by_side(result: TRSMIResult) -> NDArray[np.float64]:
    """Coordinates of the sections in a grid, see `TRSMIResult.side_by_side`; (n_spots, 2)."""
    laid = result.coordinates.copy()
    for name, place in places_side_by_side(result).items():
        assert result.sections is not None  # noqa: S101
        rows = result.sections.rows(name)
        laid[rows] = place.of(result.coordinates[rows])
    return laid


def require_one_section(result: TRSMIResult, what: str) -> None:
    """Raise an `InputError` if a result is of several sections, each in a system of its own.

    Parameters
    ----------
    result
        The result.
    what
        What needs one, as a sentence begins: ``"GeoJSON is"``.
    """
    if result.sections is not None:
        first = result.section_names[0]
        raise InputError(
            f"{what} of one section, in the coordinates of its picture, and this result is of "
            f"{len(result.section_names)}. Take one after the other: "
            f"result.of_section({first!r})."
        )


def _only(table: AnnData, section: str, spots: pd.Index) -> AnnData:
    """A section's rows of a predicted table, with the spots' own names."""
    part = table[(table.obs["section"] == section).to_numpy()].copy()
    part.obs_names = spots
    return part

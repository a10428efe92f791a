"""How well pairs of landmarks agree, in words and lengths."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

from napari_trsmi.spots.landmarks import LEAST_PAIRS
from napari_trsmi.viewer.attached import dataset_of, result_of

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_trsmi.spots.landmarks import Registration


@dataclass(frozen=True)
class Length:
    """How long a coordinate unit is, and in what: micrometres where that is known."""

    factor: float = 1.0
    unit: str = "units"

    @classmethod
    def of(cls, spots: Layer | None) -> Length:
        """The unit of a layer's spots."""
        held = None if spots is None else result_of(spots) or dataset_of(spots)
        known = None if held is None else held.micrometres_per_unit
        return cls() if known is None else cls(known, "µm")

    def said(self, length: float) -> str:
        """A length in words."""
        return f"{self.number(length)} {self.unit}"

    def number(self, length: float) -> str:
        """A length without its unit."""
        shown = self.factor * length
        return f"{shown:,.0f}" if shown >= 100 else f"{shown:.3g}"


def headings(length: Length) -> list[str]:
    """Of the table of pairs."""
    return ["Pair", f"Off ({length.unit})", f"Off the others ({length.unit})"]


def rows(found: Registration, length: Length) -> list[tuple[str, str, str]]:
    """The table of pairs."""
    return [
        (
            f"{number + 1} ⚠" if number == found.suspect else str(number + 1),
            length.number(off),
            "" if isnan(left_out) else length.number(left_out),
        )
        for number, (off, left_out) in enumerate(zip(found.residuals, found.left_out, strict=True))
    ]


def verdict(found: Registration, length: Length) -> str:
    """Which pair is worst, and how the picture is turned and scaled."""
    mirrored = ", mirrored" if found.is_mirrored else ""
    pixel = length.said(1 / found.scale)
    told = f"Turned by {found.angle:.1f}°{mirrored}; a pixel of the picture is {pixel}."
    if found.suspect is not None:
        off = length.said(float(found.left_out[found.suspect]))
        return (
            f"⚠ Pair {found.suspect + 1} does not go with the others: it is off them by {off}. Set "
            f"it again. {told}"
        )
    if len(found.residuals) <= LEAST_PAIRS[found.kind]:
        return f"{told} One pair more would tell how well they agree."
    worst = int(found.residuals.argmax())
    off = length.said(float(found.residuals[worst]))
    return f"The worst is pair {worst + 1}, off by {off}. {told}"

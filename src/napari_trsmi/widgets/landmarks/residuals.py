"""How far pairs of landmarks are off their fit, in words and in rows of a table."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from napari_trsmi.spots.landmarks import LEAST_PAIRS

if TYPE_CHECKING:
    from napari_trsmi.spots.landmarks import Registration


def residual_rows(found: Registration, factor: float) -> list[tuple[str, str, str]]:
    """List each pair, how far it is off the fit of all, and off the fit of the others.

    Parameters
    ----------
    found
        The fit.
    factor
        What a coordinate unit is in the unit that is shown.
    """
    return [
        (
            f"{number + 1} ⚠" if number == found.suspect else str(number + 1),
            _rounded(factor * off),
            "" if isnan(left_out) else _rounded(factor * left_out),
        )
        for number, (off, left_out) in enumerate(zip(found.residuals, found.left_out, strict=True))
    ]


def verdict(found: Registration, factor: float, unit: str) -> str:
    """Say what the fit does to the picture, and which pair is the worst or wrong.

    Parameters
    ----------
    found
        The fit.
    factor, unit
        What a coordinate unit is in the unit that is shown, and its sign.
    """
    mirrored = ", mirrored" if found.is_mirrored else ""
    pixel = _rounded(factor / found.scale)
    told = f"Turned by {found.angle:.1f}°{mirrored}; a pixel of the picture is {pixel} {unit}."
    if found.suspect is not None:
        off = factor * float(found.left_out[found.suspect])
        return (
            f"⚠ Pair {found.suspect + 1} does not go with the others: it is off them by "
            f"{_rounded(off)} {unit}. Set it again. {told}"
        )
    if len(found.residuals) <= LEAST_PAIRS[found.kind]:
        return f"{told} One pair more would tell how well they agree."
    worst = int(found.residuals.argmax())
    off = factor * float(found.residuals[worst])
    return f"The worst is pair {worst + 1}, off by {_rounded(off)} {unit}. {told}"


def _rounded(length: float) -> str:
    return f"{length:,.0f}" if length >= 100 else f"{length:.3g}"

"""A picture registered to the spots by pairs of landmarks, with what each pair says of the others.

A pair is a place among the spots and the same place on the picture. The transform that takes one to
the other is fitted by least squares: a similarity (turn, scale, shift and perhaps a mirror), or an
affine map, which may also stretch and shear. What a pair is off by once the others alone are asked
names the one that was set wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

TransformKind = Literal["similarity", "affine"]
LEAST_PAIRS = {"similarity": 2, "affine": 3}
_SMALLER = 0.3
"""Without a pair that is wrong, the others fit better by this factor at least."""
_EXACT = 1e-9  # of the picture's extent


@dataclass(frozen=True, eq=False)
class Registration:
    """A transform from the spots' coordinates to a picture's pixels.

    Attributes
    ----------
    matrix
        From (x, y, 1) to (column, row), shape (2, 3).
    kind
        What was fitted.
    spots, picture
        The landmarks, (x, y) and (column, row), shape (n_pairs, 2).
    residuals
        How far each pair is off, in coordinate units.
    left_out
        How far each is off the fit of the others, in coordinate units; NaN where they are too few.
    suspect
        Number of the pair that spoils the fit, from 0; None if no single one does.
    """

    matrix: NDArray[np.float64]
    kind: TransformKind
    spots: NDArray[np.float64]
    picture: NDArray[np.float64]
    residuals: NDArray[np.float64]
    left_out: NDArray[np.float64]
    suspect: int | None

    @property
    def scale(self) -> float:
        """Pixels per coordinate unit."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    @property
    def angle(self) -> float:
        """Turn from the spots to the picture in degrees, clockwise on the screen."""
        return float(np.degrees(np.arctan2(self.matrix[1, 0], self.matrix[0, 0])))

    @property
    def is_mirrored(self) -> bool:
        """Whether the picture shows the spots from behind."""
        return bool(np.linalg.det(self.matrix[:, :2]) < 0)

    def to_picture(self, coordinates: ArrayLike) -> NDArray[np.float64]:
        """(column, row) of (x, y), shape (n, 2)."""
        return _applied(self.matrix, np.asarray(coordinates, dtype=np.float64))

    def to_spots(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """(x, y) of (column, row), shape (n, 2)."""
        shifted = np.asarray(pixels, dtype=np.float64) - self.matrix[:, 2]
        return np.asarray(np.linalg.solve(self.matrix[:, :2], shifted.T).T, dtype=np.float64)

    def after(self, first: Registration | float) -> Registration:
        """The same from the spots, where these pairs are of two pictures.

        Parameters
        ----------
        first
            How the picture lies on which the first places were set: its registration, or its pixels
            per coordinate unit.
        """
        if isinstance(first, Registration):
            among_spots = first.to_spots(self.spots)
        elif first > 0:
            among_spots = self.spots / first
        else:
            raise InputError(f"A picture has no {first} pixels per unit: give a positive number.")
        return fit_landmarks(among_spots, self.picture, kind=self.kind)

    def written(self) -> dict[str, Any]:
        """Transform and landmarks in plain JSON types, to be kept with a run."""
        return {
            "kind": self.kind,
            "matrix": self.matrix.tolist(),
            "spots": self.spots.tolist(),
            "picture": self.picture.tolist(),
            "residuals": self.residuals.tolist(),
        }

    @classmethod
    def of_written(cls, written: dict[str, Any]) -> Registration:
        """The registration that `written` wrote down."""
        return fit_landmarks(written["spots"], written["picture"], kind=written["kind"])


def fit_landmarks(
    spots: ArrayLike, picture: ArrayLike, *, kind: TransformKind = "similarity"
) -> Registration:
    """Fit the transform that takes places among the spots to the same places on a picture.

    Parameters
    ----------
    spots
        (x, y) in coordinate units, shape (n_pairs, 2).
    picture
        (column, row) in pixels, same shape and order.
    kind
        ``"similarity"`` from two pairs on, ``"affine"`` from three on.

    Raises
    ------
    InputError
        If there are too few pairs, or all lie on one place or one line.
    """
    if kind not in LEAST_PAIRS:
        raise InputError(f"kind is {kind!r}: give 'similarity' or 'affine'.")
    source, target = (np.asarray(each, dtype=np.float64) for each in (spots, picture))
    least = LEAST_PAIRS[kind]
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2:
        raise InputError(
            f"Landmarks have shapes {source.shape} and {target.shape}: each needs (n_pairs, 2), "
            "one place on the picture for each among the spots."
        )
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise InputError("Some landmarks are no numbers. Set them again.")
    if len(source) < least:
        raise InputError(f"{len(source)} landmarks: {kind} needs {least} pairs or more.")
    for places, where in ((source, "among the spots"), (target, "on the picture")):
        spread = np.linalg.svd(places - places.mean(axis=0), compute_uv=False)
        if spread[0] <= 0 or (kind == "affine" and spread[1] < 1e-6 * spread[0]):
            raise InputError(
                f"The landmarks {where} lie on one {'line' if spread[0] > 0 else 'place'}. Set "
                "them far apart, around the tissue."
            )
    matrix = _fitted(source, target, kind)
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if scale < 1e-12:
        raise InputError("The landmarks give a transform without extent. Set them again.")
    off = np.linalg.norm(_applied(matrix, source) - target, axis=1) / scale
    left_out, without = _left_out(source, target, kind, scale)
    extent = float(np.ptp(source, axis=0).max())
    return Registration(matrix, kind, source, target, off, left_out, _suspect(off, without, extent))


def _applied(matrix: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    applied: NDArray[np.float64] = places @ matrix[:, :2].T + matrix[:, 2]
    return applied


def _fitted(
    source: NDArray[np.float64], target: NDArray[np.float64], kind: TransformKind
) -> NDArray[np.float64]:
    if kind == "affine":
        known = np.column_stack([source, np.ones(len(source))])
        return np.asarray(np.linalg.lstsq(known, target, rcond=None)[0].T, dtype=np.float64)
    fits = [_similarity(source, target, mirrored=mirrored) for mirrored in (False, True)]
    off = [float(np.square(_applied(fit, source) - target).sum()) for fit in fits]
    # two pairs fit either way
    clearly = len(source) > LEAST_PAIRS[kind] and off[1] < _SMALLER**2 * off[0]
    return fits[1] if clearly else fits[0]


def _similarity(
    source: NDArray[np.float64], target: NDArray[np.float64], *, mirrored: bool
) -> NDArray[np.float64]:
    """Least squares as complex numbers: target = a · source (or its mirror image) + b."""
    flip = np.array([1.0, -1.0 if mirrored else 1.0])
    start, end = ((each * f) @ [1, 1j] for each, f in ((source, flip), (target, np.ones(2))))
    near, far = start - start.mean(), end - end.mean()
    a = np.vdot(near, far) / np.vdot(near, near)
    b = end.mean() - a * start.mean()
    turn = np.array([[a.real, -a.imag], [a.imag, a.real]]) * flip
    return np.column_stack([turn, [b.real, b.imag]])


def _left_out(
    source: NDArray[np.float64], target: NDArray[np.float64], kind: TransformKind, scale: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far each pair is off the fit of the others, and how far those are off it."""
    apart, without = np.full((2, len(source)), np.nan)
    if len(source) <= LEAST_PAIRS[kind]:
        return apart, without
    for pair in range(len(source)):
        others = np.arange(len(source)) != pair
        matrix = _fitted(source[others], target[others], kind)
        off = np.linalg.norm(_applied(matrix, source) - target, axis=1) / scale
        apart[pair] = off[pair]
        without[pair] = np.sqrt(np.square(off[others]).mean())
    return apart, without


def _suspect(off: NDArray[np.float64], without: NDArray[np.float64], extent: float) -> int | None:
    whole = float(np.sqrt(np.square(off).mean()))
    if not np.isfinite(without).all() or whole < max(1e-3 * extent, _EXACT):
        return None
    best, second = np.argsort(without)[:2]
    named = without[best] < _SMALLER * whole and without[best] < _SMALLER * without[second]
    return int(best) if named else None

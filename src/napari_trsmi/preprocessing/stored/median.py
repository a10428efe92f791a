"""The median of a stored table's values, which cannot be sorted in memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.stored import is_sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_trsmi.data.stored import StoredMatrix

_HALF = 16  # bits


def median_above_zero(matrix: StoredMatrix) -> float:
    """Median of the values above 0, to single precision; 1 if there are none.

    Positive numbers have the order of their bits. The table is gone through twice: the upper half
    of the bits is counted, then the lower half of those whose upper half is the median's.
    """
    (upper,) = matrix.summed(_upper)
    total = int(upper.sum())
    if not total:
        return 1.0
    ranks = ((total - 1) // 2, total // 2)
    before = np.cumsum(upper)
    tops = [int(np.searchsorted(before, rank, side="right")) for rank in ranks]
    wanted = sorted(set(tops))
    counts = matrix.summed(partial(_lower, tops=wanted))
    lower = {top: np.cumsum(own) for top, own in zip(wanted, counts, strict=True)}
    found = []
    for rank, top in zip(ranks, tops, strict=True):
        within = rank - (int(before[top - 1]) if top else 0)
        low = int(np.searchsorted(lower[top], within, side="right"))
        found.append(np.array((top << _HALF) + low, dtype=np.uint32).view(np.float32))
    return float(np.mean(found, dtype=np.float64))


def _upper(chunk: Any) -> tuple[NDArray[np.int64]]:
    return (_counted(_bits(chunk) >> _HALF),)


def _lower(chunk: Any, tops: Sequence[int]) -> tuple[NDArray[np.int64], ...]:
    bits = _bits(chunk)
    return tuple(_counted((bits & (1 << _HALF) - 1)[bits >> _HALF == top]) for top in tops)


def _bits(chunk: Any) -> NDArray[np.uint32]:
    values: Any = chunk.data if is_sparse(chunk) else chunk
    found: NDArray[np.uint32] = values[values > 0].astype(np.float32).view(np.uint32)
    return found


def _counted(half: NDArray[Any]) -> NDArray[np.int64]:
    return np.bincount(half, minlength=1 << _HALF).astype(np.int64)

"""Zarr folders before they are read: what their arrays claim, and how they are kept."""

from __future__ import annotations

import json
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.reading.memory import check_claim, check_room
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

_ARRAYS = (".zarray", "zarr.json")


def check_zarr(folder: Path) -> None:
    """Look through the arrays of a folder.

    Raises
    ------
    InputError
        When one claims more than it holds or than there is memory for, or would have to be
        unpickled, which runs whatever a file says.
    """
    total = 0
    for name in _ARRAYS:
        for path in folder.rglob(name):
            total += _check_array(path)
    check_room(total, f"{folder.name}")


def _check_array(path: Path) -> int:
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return 0  # the reader says what is wrong with it
    if not isinstance(told, dict) or not isinstance(told.get("shape"), list):
        return 0
    if any("pickle" in name for name in _codecs(told)):
        raise InputError(
            f"{path.parent} is kept as Python objects (pickle), which can run any program when it "
            "is read. It is not read: save the table as text and numbers."
        )
    claimed = prod(int(side) for side in told["shape"]) * _width(told)
    stored = sum(file.stat().st_size for file in path.parent.rglob("*") if file.is_file())
    check_claim(claimed, stored, f"{path.parent.name!r} in {path.parent.parent}")
    return claimed


def _codecs(told: dict[str, Any]) -> list[str]:
    """Name the programs that unpack an array."""
    listed = [told.get("compressor"), *(told.get("filters") or []), *(told.get("codecs") or [])]
    return [
        str(each.get("id") or each.get("name")).lower() for each in listed if isinstance(each, dict)
    ]


def _width(told: dict[str, Any]) -> int:
    """Bytes of a value."""
    kind = told.get("dtype", told.get("data_type"))
    try:
        return int(np.dtype(kind).itemsize)
    except (TypeError, ValueError):
        return 8  # text

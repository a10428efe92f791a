"""Zarr folders before they are read: what their arrays claim, and how they are kept."""

from __future__ import annotations

import json
from math import prod
from struct import Struct
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.reading.memory import check_claim, check_room
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

_NUMBER = Struct("<I")
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
    if any(name.startswith("vlen") for name in _codecs(told)):
        _check_texts(path.parent, told)
    return claimed


def _check_texts(folder: Path, told: dict[str, Any]) -> None:
    """Check the parts of an array of texts: their library believes how many and how long they are.

    A part has a number of texts, and before each text its length, all in four bytes
    (numcodecs, VLenUTF8).
    """
    grid = told.get("chunk_grid", {}).get("configuration", {})
    most = prod(int(side) for side in told.get("chunks", grid.get("chunk_shape", told["shape"])))
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".json" and not path.name.startswith("."):
            content = _unpacked(path.read_bytes(), told)
            if content is not None and not _are_texts(content, most):
                raise InputError(
                    f"{folder} is damaged: its texts are not as many or as long as it says. Copy "
                    "or write it again."
                )


def _are_texts(content: bytes, most: int) -> bool:
    if len(content) < _NUMBER.size:
        return False
    (n_texts,) = _NUMBER.unpack_from(content)
    if n_texts > most:
        return False
    place = _NUMBER.size
    for _ in range(n_texts):
        if place + _NUMBER.size > len(content):
            return False
        place += _NUMBER.size + _NUMBER.unpack_from(content, place)[0]
    return place <= len(content)


def _unpacked(content: bytes, told: dict[str, Any]) -> bytes | None:
    """Undo the compression of a part; None if that fails, which the reader will say."""
    from numcodecs import get_codec

    later = [each for each in told.get("codecs", []) if not each["name"].startswith("vlen")]
    packed = [{"id": each["name"], **each.get("configuration", {})} for each in later]
    packed += [told["compressor"]] if told.get("compressor") else []
    try:
        for each in reversed(packed):
            content = bytes(get_codec(each).decode(content))
    except Exception:  # whatever a codec raises on a damaged part
        return None
    return content


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

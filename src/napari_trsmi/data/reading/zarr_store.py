"""Zarr folders before they are read: what their arrays claim, and how they are kept."""

from __future__ import annotations

import json
from math import prod
from struct import Struct
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np

from napari_trsmi.data.reading.memory import check_claim, check_room
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

_NUMBER = Struct("<I")
_ARRAYS = (".zarray", "zarr.json")


def check_zarr(folder: Path, *, whole: bool = True) -> int:
    """Look through the arrays of a folder.

    Parameters
    ----------
    folder
        The store, or a group of it.
    whole
        Whether all of it is going to be read, so that it must fit the memory.

    Returns
    -------
    Bytes that it takes in memory.

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
    if whole:
        check_room(total, f"{folder.name}")
    return total


def check_zarr_zip(path: Path) -> None:
    """Look through the arrays of a packed folder, as `check_zarr` does.

    Raises
    ------
    InputError
        When one claims more than it holds or than there is memory for, or would be unpickled.
    """
    total = 0
    with ZipFile(path) as archive:
        members = archive.infolist()
        for member in members:
            folder, _, name = member.filename.rpartition("/")
            if name not in _ARRAYS:
                continue
            check_room(member.file_size, f"{member.filename} in {path.name}")
            told = _described(archive.read(member))
            if told is None or folder.startswith("masks"):  # which are read as they are looked at
                continue
            _check_no_pickle(told, f"{folder} in {path.name}")
            stored = sum(m.file_size for m in members if m.filename.startswith(f"{folder}/"))
            claimed = prod(int(side) for side in told["shape"]) * _width(told)
            check_claim(claimed, stored, f"{folder!r} in {path.name}")
            total += claimed
    check_room(total, path.name)


def _described(content: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(content)
    except ValueError:
        return None  # the reader says what is wrong with it
    return told if isinstance(told, dict) and isinstance(told.get("shape"), list) else None


def _check_no_pickle(told: dict[str, Any], what: str) -> None:
    if any("pickle" in name for name in _codecs(told)):
        raise InputError(
            f"{what} is kept as Python objects (pickle), which can run any program when it "
            "is read. It is not read: save the table as text and numbers."
        )


def _check_array(path: Path) -> int:
    try:
        told = _described(path.read_bytes())
    except OSError:
        told = None
    if told is None:
        return 0
    _check_no_pickle(told, str(path.parent))
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

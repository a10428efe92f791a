"""Compressed files whose readers want them unpacked."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from napari_trsmi.data.reading.memory import check_room

if TYPE_CHECKING:
    from collections.abc import Iterator

_PART = 1 << 24


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Unpack a ``.gz`` to a file that is there until the end; another file is given as it is.

    Raises
    ------
    InputError
        When it unpacks to more than there is memory for.
    """
    if path.suffix.lower() != ".gz":
        yield path
        return
    folder = Path(tempfile.mkdtemp(prefix="napari-trsmi-"))
    try:
        target = folder / path.stem
        with gzip.open(path) as packed, target.open("wb") as file:
            while part := packed.read(_PART):
                file.write(part)
                check_room(file.tell(), f"Unpacked, {path.name}")
        yield target
    finally:
        shutil.rmtree(folder, ignore_errors=True)

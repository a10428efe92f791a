"""Edits that no file has, kept beside the program until they are saved or it ends in good order."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from napari_trsmi.atomic import make_folder, write_bytes
from napari_trsmi.output.results import write_result

if TYPE_CHECKING:
    from pathlib import Path

    from napari_trsmi.result import TRSMIResult


@dataclass(frozen=True)
class LeftBehind:
    """Edits of a program that did not end in good order.

    Attributes
    ----------
    path
        The run as edited.
    name
        Of its layer.
    saved
        When it was last written, in seconds since 1970.
    """

    path: Path
    name: str
    saved: float

    def discard(self) -> None:
        """Forget them."""
        forget(self.path)


def place_for(folder: Path, number: int) -> Path:
    """Return where this program keeps the edits of one of its runs."""
    return folder / f"{_program(psutil.Process())}-{number}.h5ad"


def keep_edits(path: Path, name: str, result: TRSMIResult) -> None:
    """Keep a run as edited, whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    make_folder(path.parent)
    write_result(result, path, overwrite=True)
    write_bytes(path.with_suffix(".json"), json.dumps({"name": name}).encode())


def forget(path: Path) -> None:
    """Remove edits that were kept, if they are there."""
    for each in (path, path.with_suffix(".json")):
        with suppress(OSError):
            each.unlink()


def left_behind(folder: Path) -> list[LeftBehind]:
    """List the edits of programs that are gone, the oldest first."""
    found = []
    for path in folder.glob("*.h5ad"):
        with suppress(OSError, ValueError, TypeError, KeyError):
            if not _is_alive(path.stem.rpartition("-")[0]):
                said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
                found.append(LeftBehind(path, str(said["name"]), path.stat().st_mtime))
    return sorted(found, key=lambda each: each.saved)


def _program(process: psutil.Process) -> str:
    """Tell a program from others, also from later ones with its number."""
    return f"{process.pid}-{process.create_time():.0f}"


def _is_alive(program: str) -> bool:
    number, _, _ = program.partition("-")
    try:
        return _program(psutil.Process(int(number))) == program
    except (psutil.Error, ValueError):
        return False

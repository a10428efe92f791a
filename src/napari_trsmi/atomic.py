"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from napari_trsmi.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_STALE = 3600
"""Seconds after which what was half written is nobody's any more."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def check_output(
    path: str | os.PathLike[str], *, suffixes: Sequence[str], overwrite: bool = False
) -> Path:
    """Check that a file can be written, before the work whose outcome it is to hold.

    Parameters
    ----------
    path
        The file.
    suffixes
        Those that it may have.
    overwrite
        Whether it may be there already.

    Returns
    -------
    The path, with ``~`` expanded.

    Raises
    ------
    OutputError
        If the suffix is unknown, the folder is missing or cannot be written to, or the file is
        there and `overwrite` is False.
    """
    target = plain_path(path)
    if target.suffix.lower() not in suffixes:
        raise OutputError(
            f"Cannot write {target}: its name must end in {' or '.join(suffixes)}. Rename it."
        )
    if not target.parent.is_dir():
        raise OutputError(
            f"Cannot write {target}: there is no folder {target.parent}. Make it first "
            f"(mkdir -p '{target.parent}'), or choose another."
        )
    if target.is_dir():
        raise OutputError(f"Cannot write {target}: it is a folder. Choose another name.")
    if target.exists() and not overwrite:
        raise OutputError(
            f"{target} is already there. Choose another name, or replace it with --overwrite "
            "(in Python overwrite=True)."
        )
    # Permissions, mounts and quotas are best asked by trying.
    probe = partial_beside(target)
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"Cannot write {target}: {error.strerror}. Choose a folder that you may write to."
        ) from error
    return target


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder to write into, unless it is there.

    Parameters
    ----------
    path
        The folder; its parents are made too.

    Returns
    -------
    The path, with ``~`` expanded.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    folder = Path(path).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Cannot make the folder {folder}: {error.strerror}. Choose another."
        ) from error
    return folder


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a file whole or not at all.

    The content goes to a temporary file beside `path`, which takes its place once it is on the
    disk. Whatever happens before that, an old file stays as it was and nothing is left behind.

    Parameters
    ----------
    path
        The file; a link is followed.
    content
        All of it.

    Raises
    ------
    OutputError
        If it cannot be written; for a full disk it says how much room is needed.
    """
    target = path.resolve()
    clear_leftovers(target)
    partial = partial_beside(target)
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        raise OutputError(_explain(error, target, memoryview(content).nbytes)) from error
    finally:
        partial.unlink(missing_ok=True)


def plain_path(path: str | os.PathLike[str]) -> Path:
    """Return a path with ``~`` expanded.

    Raises
    ------
    OutputError
        If it cannot be one: a link to itself, too long, or with characters that no name has.
    """
    target = Path(path)
    try:
        target = target.expanduser()
        with suppress(FileNotFoundError, NotADirectoryError):
            target.stat()
    except (OSError, RuntimeError, ValueError) as error:
        shown = str(path).replace("\0", "\\0")
        reason = str(error)
        if isinstance(error, OSError):
            loops = error.errno == errno.ELOOP
            reason = "it is a link to itself" if loops else error.strerror or reason
        raise OutputError(f"Cannot write {shown}: {reason}. Choose another name.") from error
    return target


def clear_leftovers(target: Path) -> None:
    """Remove what a program that was killed left of earlier writes to the same file or folder.

    A folder that was moved out of the way for its successor stays, unless that is in its place.

    Parameters
    ----------
    target
        What is about to be written.
    """
    left = [*_beside(target, "part"), *(_beside(target, "old") if target.exists() else ())]
    for path in left:
        with suppress(OSError):
            if time.time() - path.stat().st_mtime < _STALE:
                continue  # another program may be at it
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


def put_back(target: Path) -> None:
    """Put a folder back that `replace_folder` was killed in the middle of replacing.

    Parameters
    ----------
    target
        The folder; where it is there, nothing is done.
    """
    if not target.exists() and (left := _beside(target, "old")):
        left[-1].rename(target)


def replace_folder(partial: Path, target: Path) -> None:
    """Put a folder in the place of another one, which stays if that fails."""
    if not target.exists():
        partial.rename(target)
        return
    old = target.with_name(f".{target.name}.{uuid4().hex[:8]}.old")
    target.rename(old)
    try:
        partial.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _beside(target: Path, ending: str) -> list[Path]:
    """List what has a temporary name for the target, the oldest first."""
    found = target.parent.glob(f".{glob.escape(target.name)}.????????.{ending}")
    return sorted(found, key=lambda path: path.lstat().st_mtime)


def partial_beside(target: Path) -> Path:
    """Return a name that nothing has, in the same folder: a rename across disks is not atomic."""
    return target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")


def _explain(error: OSError, target: Path, needed: int) -> str:
    if error.errno not in _NO_ROOM:
        return (
            f"Cannot write {target}: {error.strerror or error}. Choose a folder that you may "
            "write to."
        )
    if error.errno == errno.EFBIG:
        return (
            f"Cannot write {target}: it needs {_size(needed)}, and the system allows no file of "
            f"that size here (ulimit -f; {error.strerror}). Lift the limit or choose another "
            "folder; what was there is unchanged."
        )
    free = shutil.disk_usage(target.parent).free
    return (
        f"Cannot write {target}: it needs {_size(needed)}, and {_size(free)} are free on its disk "
        f"({error.strerror}). Make room or choose another folder; what was there is unchanged."
    )


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"

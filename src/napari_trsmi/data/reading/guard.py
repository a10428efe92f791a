"""The door to other people's files and libraries: nothing but an InputError passes."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_trsmi.errors import InputError, TRSMIError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Check that `path` is there and turn what a library raises on it into an InputError.

    The libraries' warnings (names that repeat, old formats) are silenced: our checks say the same.
    """
    try:
        if not path.exists():
            raise InputError(f"There is no file {path}. Check the path.")
        if not path.is_file() and not path.is_dir():
            raise InputError(f"{path} is no file and no folder, but a device or a pipe.")
        if path.is_file() and path.stat().st_size == 0:
            raise InputError(f"{path} is empty. Copy or write it again.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("ignore", FutureWarning)
            yield
    except (TRSMIError, MemoryError):
        raise
    # A damaged file can make anndata, h5py, zarr and pandas raise anything, bare Exception and
    # private classes included; only calls that read the file stand inside this guard.
    except Exception as error:
        reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
        raise InputError(
            f"{path} cannot be read: {reason.rstrip('.')}. It may be damaged or written by a "
            "newer program: copy or write it again."
        ) from error

"""Whether what a file claims to hold fits the memory, asked before it is read."""

from __future__ import annotations

from napari_trsmi.errors import InputError

_LARGE = 2**28
_PACKED = 500  # no real table is packed better: gzip makes zeros a thousandth

_SHARE = 0.8
"""Of the memory that is free; the rest is for the work itself."""


def check_room(n_bytes: float, what: str) -> None:
    """Raise an InputError if that many bytes do not fit the free memory.

    Parameters
    ----------
    n_bytes
        What reading would take.
    what
        Begins the sentence.
    """
    import psutil

    free = psutil.virtual_memory().available
    if n_bytes > _SHARE * free:
        raise InputError(
            f"{what} takes {_gigabytes(n_bytes)} in memory, and {_gigabytes(free)} are free. It "
            "may be damaged; otherwise close other programs, or pass a part of it."
        )


def _gigabytes(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:,.1f} GB"


def check_claim(claimed: int, stored: int, what: str) -> None:
    """Raise an InputError if an array claims far more than it holds: it would be made of nothing.

    Parameters
    ----------
    claimed, stored
        Bytes in memory, and in the file.
    what
        Begins the sentence.
    """
    if claimed > _LARGE and claimed > _PACKED * stored:
        raise InputError(
            f"{what} claims {_gigabytes(claimed)}, and {stored / 1e6:,.3f} MB of it are stored. "
            "The file may be damaged: copy or write it again."
        )

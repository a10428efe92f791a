"""Whether what a file claims to hold fits the memory, asked before it is read."""

from __future__ import annotations

from pathlib import Path

from napari_trsmi.data.cluster import connected_client
from napari_trsmi.errors import InputError

_LARGE = 2**28
_PACKED = 500  # no real table is packed better: gzip makes zeros a thousandth

_SHARE = 0.8
"""Of the memory that is free; the rest is for the work itself."""

_COPIES = 4
"""Of a table that a run holds at most, from reading to its components."""

_CGROUPS = Path("/sys/fs/cgroup")
_LIMITS = (
    ("memory.max", "memory.current"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes"),  # version 1
)


def free_memory() -> int:
    """Bytes that this process may still take: of the machine, and of what it is limited to."""
    import psutil

    free = [psutil.virtual_memory().available]
    if hasattr(psutil, "RLIMIT_AS"):
        process = psutil.Process()
        limit, _ = process.rlimit(psutil.RLIMIT_AS)
        if limit != psutil.RLIM_INFINITY:
            free.append(limit - process.memory_info().vms)
    return max(0, min([*free, *_left_in_groups()]))


def _left_in_groups() -> list[int]:
    """What is left of the limits that containers, systemd and SLURM set (cgroups)."""
    left = []
    group = _CGROUPS / _own_group()
    for folder in (group, *group.parents, _CGROUPS / "memory"):
        for limit, used in _LIMITS:
            try:
                most = int((folder / limit).read_text())  # "max" where there is none
                taken = int((folder / used).read_text())
                kept = dict(line.split() for line in (folder / "memory.stat").open())
            except (OSError, ValueError):
                continue
            left.append(most - taken + int(kept.get("inactive_file", 0)))
    return left


def _own_group() -> str:
    try:
        return Path("/proc/self/cgroup").read_text().rpartition("::/")[2].strip()
    except OSError:  # there are none on Windows and macOS
        return ""


def read_in_parts(n_bytes: int, name: str, notes: list[str]) -> bool:
    """Whether a table is too large to be held through a run, or a cluster works on it; it is said.

    Parameters
    ----------
    n_bytes
        What it takes in memory.
    name
        Of its file.
    notes
        Gets a sentence if so.
    """
    if connected_client() is not None:
        notes.append(f"{name} stays on the disk, and the Dask cluster reads it in parts.")
        return True
    free = free_memory()
    if _COPIES * n_bytes <= _SHARE * free:
        return False
    notes.append(
        f"{name} takes {_gigabytes(n_bytes)} in memory, a run on it up to {_COPIES} times that, "
        f"and {_gigabytes(free)} are free: it stays on the disk and is read in parts."
    )
    return True


def check_room(n_bytes: float, what: str) -> None:
    """Raise an InputError if that many bytes do not fit the free memory.

    Parameters
    ----------
    n_bytes
        What reading would take.
    what
        Begins the sentence.
    """
    free = free_memory()
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

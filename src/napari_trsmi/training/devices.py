"""Choosing a device and the number of CPU threads, and counting memory."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import torch
from threadpoolctl import threadpool_limits

from napari_trsmi.errors import DeviceError, TrainingError, TRSMIError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPOTS_PER_THREAD = 2_000  # below, a second thread costs more than it saves


@dataclass(frozen=True)
class Device:
    """A device that a run can be sent to.

    Attributes
    ----------
    name
        As `choose_device` takes it.
    label
        What it is, for people.
    free
        Bytes of memory that are free.
    """

    name: str
    label: str
    free: int


def available_devices() -> list[Device]:
    """The devices that PyTorch finds, the one that ``"auto"`` takes first."""
    found = []
    if torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        found.append(Device("cuda", torch.cuda.get_device_name(), int(free)))
    unused = int(psutil.virtual_memory().available)
    if torch.backends.mps.is_available():
        # memory is shared with the CPU, up to what Metal recommends
        room = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        found.append(Device("mps", "Apple GPU", min(unused, int(room))))
    return [*found, Device("cpu", "CPU", unused)]


def choose_device(name: str) -> torch.device:
    """The device to train on.

    Parameters
    ----------
    name
        ``"auto"`` takes CUDA, then MPS, then the CPU; else a device's name.

    Raises
    ------
    DeviceError
        If the device asked for is not there.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(device for device, there in available.items() if there)
    if not available[name]:
        there = ", ".join(device for device, is_there in available.items() if is_there)
        reason = ""
        if name == "cuda" and torch.version.cuda is None:
            reason = " The installed PyTorch is a CPU build."
        raise DeviceError(
            f"device={name!r} was asked for, but PyTorch finds none.{reason} "
            f"Available: {there}. Use one of these, or device='auto'."
        )
    return torch.device(name)


@contextmanager
def cpu_threads(threads: int, n_spots: int) -> Iterator[int]:
    """Run a block with a chosen number of threads of PyTorch and of BLAS.

    On small problems two threads can be many times slower than one, and most where other programs
    run, so the number follows the number of spots unless it is given.

    Parameters
    ----------
    threads
        Number of threads; 0 chooses.
    n_spots
        Size of the problem.
    """
    before = torch.get_num_threads()
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else before
    chosen = threads or max(1, min(available, n_spots // _SPOTS_PER_THREAD))
    torch.set_num_threads(chosen)
    try:
        with threadpool_limits(chosen, user_api="blas"):
            yield chosen
    finally:
        torch.set_num_threads(before)


def memory_in_use(device: torch.device) -> int:
    """Bytes: the peak allocated on a CUDA device, in use on MPS, the process's on the CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if device.type == "mps":
        return int(torch.mps.current_allocated_memory())
    return int(psutil.Process().memory_info().rss)


def explained(error: RuntimeError, needed: int, device: torch.device) -> TRSMIError:
    """The error to raise in place of PyTorch's.

    Parameters
    ----------
    error
        What PyTorch raised.
    needed
        About how many bytes the failed step takes.
    device
        Where it ran.
    """
    if not is_out_of_memory(error):
        return TrainingError(f"PyTorch failed on {device}: {error}")
    size = f"{needed / 2**30:.1f} GiB" if needed >= 2**30 else f"{needed / 2**20:.0f} MiB"
    return DeviceError(
        f"The {device.type} device ran out of memory: about {size} are needed. Lower "
        "feature_neighbors, embedding_dim or align_neighbors, close other programs that use the "
        "device, use device='cpu', or set allow_cpu_fallback. "
        f"(PyTorch: {str(error).splitlines()[0]})"
    )


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a RuntimeError means that memory ran out (only CUDA has a class of its own)."""
    said = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or any(
        phrase in said for phrase in ("out of memory", "allocate memory", "not enough memory")
    )

"""What is slow the first time, done ahead, so that a window does not wait for it."""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_trsmi.training.devices import Device

_SETTLING = 2.0  # seconds after a block in which its outcome is shown

_lock = threading.Lock()
_quiet = 0


def warm_up() -> list[Device]:
    """Load all that a run loads on its way, and list the devices."""
    with no_collection():
        import scipy.cluster.hierarchy  # noqa: F401

        import napari_trsmi.clustering.domains
        import napari_trsmi.training.loop
        import napari_trsmi.training.problem  # noqa: F401

        _normalize_once()
    from napari_trsmi.training.devices import available_devices

    return available_devices()


@contextmanager
def no_collection() -> Iterator[None]:
    """Look for no garbage inside the block, which imports: what they make stays.

    Looking through it stops every thread.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _normalize_once() -> None:
    """Have numba start its threads, and load what scanpy has compiled."""
    import numpy as np
    import scipy.sparse as sp
    from anndata import AnnData

    from napari_trsmi.preprocessing.counts import log_normalize

    log_normalize(AnnData(sp.csr_matrix(np.eye(2, dtype=np.float32))))


@contextmanager
def small_collections() -> Iterator[None]:
    """Keep the garbage collector to what has just been made inside the block.

    A full collection stops every thread, the longer the more is loaded. What was
    there before is set aside, and looked through again some seconds after the last such block.
    What a full collection inside it leaves is set aside too: numba makes a million objects when
    it compiles a search, and each of a dozen collections on the way took 170 milliseconds.
    """
    global _quiet
    with _lock:
        _quiet += 1
        if _quiet == 1:
            gc.freeze()
            gc.callbacks.append(_set_aside)
    try:
        yield
    finally:
        timer = threading.Timer(_SETTLING, _end_of_quiet)
        timer.daemon = True
        timer.start()


def _end_of_quiet() -> None:
    global _quiet
    with _lock:
        _quiet -= 1
        if _quiet == 0:
            gc.callbacks.remove(_set_aside)
            gc.unfreeze()


def _set_aside(phase: str, told: dict[str, int]) -> None:
    if phase == "stop" and told["generation"] == 2:
        gc.freeze()

"""Runs that were opened from a file, until their outlines are drawn, as those of a new run are."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from napari_trsmi.result import TRSMIResult

_opened: WeakSet[TRSMIResult] = WeakSet()


def note_opened(run: TRSMIResult) -> None:
    """Note that a run was opened from a file."""
    _opened.add(run)


def is_new(run: TRSMIResult) -> bool:
    """Tell whether a run was opened from a file and not asked about before."""
    if run not in _opened:
        return False
    _opened.discard(run)
    return True

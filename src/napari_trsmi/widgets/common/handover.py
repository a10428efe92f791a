"""Python's lock handed over more often while something is worked on beside the window."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 0.0005

_lock = threading.Lock()
_working = 0
_before = 0.0


@contextmanager
def quick_handover() -> Iterator[None]:
    """Let no thread keep the lock for long that another one waits for.

    A frame gives the lock away with each of its hundreds of calls to OpenGL, and waits for it
    again: Python's own 5 milliseconds for each would make seconds of it.
    """
    global _working, _before
    with _lock:
        _working += 1
        if _working == 1:
            _before = sys.getswitchinterval()
            sys.setswitchinterval(min(_SECONDS, _before))
    try:
        yield
    finally:
        with _lock:
            _working -= 1
            if _working == 0:
                sys.setswitchinterval(_before)

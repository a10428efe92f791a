"""The program ``napari-trsmi``, also as ``python -m napari_trsmi``.

Ctrl-C is listened to before anything else is imported: while libraries are, it would end in their
tracebacks, or be taken for one that is missing.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

_INTERRUPTED = 130
_COLLECTED = 100_000
"""New objects between two looks for garbage: imports make as many, and theirs stay."""


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)
    gc.set_threshold(_COLLECTED)
    from napari_trsmi.cli import main as command

    command(prog_name="napari-trsmi")


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """End at once: nothing has been written yet."""
    sys.stderr.write("Interrupted.\n")
    sys.stderr.flush()
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()

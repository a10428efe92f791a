"""One command in several processes, as ``torchrun`` starts them: who works, and who speaks."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_trsmi.spots.ranks import Ranks

ENDED = (
    "The run was ended before it was done: another of its processes was lost, or it was told to "
    "stop. Nothing was written; with --checkpoint DIR and --resume it goes on with what was done."
)


def are_several() -> bool:
    """Whether ``torchrun`` started this process among others."""
    return "RANK" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def joined() -> Ranks:
    """Meet the other processes of the command, if there are any."""
    if not are_several():
        from napari_trsmi.spots.ranks import ALONE

        return ALONE
    from napari_trsmi.training.process_group import join

    return join()


def assist(ranks: Ranks) -> None:
    """Do what the first process asks for; it reads, writes and speaks."""
    from napari_trsmi.finding import iter_assist
    from napari_trsmi.training.stop import StopToken

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in iter_assist(ranks, StopToken()):
            pass


def may_speak() -> bool:
    """Whether this process says why the command ends: the first one that comes to it."""
    if not are_several():
        return True
    from napari_trsmi.training.process_group import is_first_to_end

    return is_first_to_end()

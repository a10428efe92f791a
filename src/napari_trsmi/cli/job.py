"""The main job as the commands do it: with notes, progress and Ctrl-C."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from napari_trsmi.cli.interruption import stopping
from napari_trsmi.cli.processes import are_several

if TYPE_CHECKING:
    from napari_trsmi.cli.terminal import Terminal
    from napari_trsmi.config import Config
    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.data.section_set import SectionSet
    from napari_trsmi.result import TRSMIResult


def integrate_at_terminal(
    data: SpatialOmics | SectionSet,
    config: Config,
    terminal: Terminal,
    *,
    keep: bool = False,
    image_features: str | None = None,
    checkpoint: str | None = None,
    resume: bool = False,
) -> tuple[TRSMIResult, bool]:
    """Run on loaded tables.

    Parameters
    ----------
    data
        Tables of one section, or of several.
    config
        Parameters.
    terminal
        Where notes and progress go.
    keep
        Whether Ctrl-C shall keep what was learned so far.
    image_features, checkpoint, resume
        As for `napari_trsmi.integrate`.

    Returns
    -------
    The result, and whether it is that of an interrupted run.

    Raises
    ------
    StoppedError
        If the run was interrupted and is not to be kept.
    """
    from napari_trsmi.integration import integrate
    from napari_trsmi.training.stop import StopToken

    for note in data.notes:
        terminal.say_once(note)
    stop = StopToken()
    # of several processes none stops alone: the signal ends each of them
    listening = nullcontext() if are_several() else stopping(stop, keep=keep, say=terminal.say)
    with (
        listening,
        terminal.measuring() as on_picture,
        terminal.progress() as on_epoch,
    ):
        result = integrate(
            data,
            config=config,
            image_features=image_features,
            on_epoch=on_epoch,
            on_picture=on_picture,
            stop=stop,
            checkpoint=checkpoint,
            resume=resume,
        )
    for note in result.record["notes"]:
        terminal.say_once(note)
    return result, stop.stopped

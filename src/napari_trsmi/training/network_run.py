"""The network's part of a run: on a device, or on the CPU when that runs out of memory."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import torch

from napari_trsmi.errors import DeviceError, TRSMIWarning
from napari_trsmi.spots.portion import WHOLE
from napari_trsmi.training.loop import iter_train
from napari_trsmi.training.problem import build_problem
from napari_trsmi.training.report import EpochReport, Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import scipy.sparse as sp
    from numpy.typing import NDArray

    from napari_trsmi.config import Config
    from napari_trsmi.graphs.weights import GraphWeights
    from napari_trsmi.spots.portion import Portion
    from napari_trsmi.training.checkpoint import Checkpoint
    from napari_trsmi.training.loop import Trained
    from napari_trsmi.training.report import Steps
    from napari_trsmi.training.stop import StopToken

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class NetworkRun:
    """What the network did in a run.

    Attributes
    ----------
    weights, gate_ends
        See `Problem`, whose features and graphs are let go of.
    trained
        What training returned.
    reports
        One an epoch.
    """

    weights: Sequence[GraphWeights]
    gate_ends: Sequence[float]
    trained: Trained
    reports: Sequence[EpochReport]


def on_device(
    job: Callable[[torch.device], Steps[T]],
    config: Config,
    device: torch.device,
    notes: list[str],
) -> Steps[tuple[T, torch.device]]:
    """Run a job, on the CPU if the device runs out of memory and that is allowed.

    Returns
    -------
    The job's result, and the device that it ran on.
    """
    try:
        return (yield from job(device)), device
    except DeviceError as error:
        if not config.allow_cpu_fallback or device.type == "cpu":
            raise
        notes.append(f"Went on with the CPU: {error}")
    finally:
        if device.type == "cuda":
            torch.cuda.empty_cache()
    # outside the handler, whose traceback keeps what is on the device
    warnings.warn(notes[-1], TRSMIWarning, stacklevel=5)
    cpu = torch.device("cpu")
    return (yield from job(cpu)), cpu


def iter_network_run(
    components: list[NDArray[np.float32]],
    spatial: sp.csr_array,
    config: Config,
    device: torch.device,
    stop: StopToken,
    checkpoint: Checkpoint | None = None,
    portion: Portion = WHOLE,
) -> Steps[NetworkRun]:
    """Build the network's problem and train it; untrained without epochs.

    Parameters
    ----------
    components
        Features of each modality, (n_spots, n_components_m); let go of once they are not needed.
    spatial
        0/1 spatial graph without self loops, (n_spots, n_spots).
    config, device, stop
        Of the run.
    checkpoint
        Where epochs are kept.
    portion
        Of the spots, whose rows these are, with the halo of `spatial`.

    Yields
    ------
    The phase of the training, and an `EpochReport` after every epoch.
    """
    # the CPU takes over from other devices, and no other from the CPU
    features = _taken(components) if device.type == "cpu" else iter(components)
    problem = build_problem(features, spatial, config, device=device.type, portion=portion)
    stop.check()
    if config.epochs:
        yield Phase.TRAINING
    epochs = iter_train(problem, config, device=device, stop=stop, checkpoint=checkpoint)
    reports: list[EpochReport] = []
    while True:
        try:
            report = next(epochs)
        except StopIteration as finished:
            return NetworkRun(problem.weights, problem.gate_ends, finished.value, reports)
        reports.append(report)
        yield report


def _taken(components: list[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Take one after the other out of the list."""
    while components:
        yield components.pop(0)


def device_name(device: torch.device) -> str:
    """As a result's record names it."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return device.type

"""The main job as one function: tables in, domains out."""

from __future__ import annotations

import platform
import time
import warnings
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import torch

from napari_trsmi.clustering.domains import (
    Domains,
    check_enough_spots,
    find_domains,
    match_to_reference,
)
from napari_trsmi.config import Config
from napari_trsmi.data.dataset import Modality, SpatialOmics
from napari_trsmi.data.loading import Positions, Tables, load
from napari_trsmi.errors import DeviceError, InputError, StoppedError, TRSMIWarning
from napari_trsmi.graphs.order import canonical_order, clustered_order
from napari_trsmi.preprocessing import modality_components
from napari_trsmi.result import TRSMIResult
from napari_trsmi.training.devices import choose_device, cpu_threads
from napari_trsmi.training.loop import Trained, iter_train
from napari_trsmi.training.problem import Problem, build_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import TissueImage
    from napari_trsmi.training.report import EpochReport
    from napari_trsmi.training.stop import StopToken

T = TypeVar("T")

_RECORDED = ("napari-trsmi", "torch", "numpy", "scipy", "scikit-learn", "scanpy", "anndata")


def integrate(
    tables: Tables | SpatialOmics,
    *,
    config: Config | None = None,
    features: str | Sequence[str] | None = None,
    positions: Positions | None = None,
    image: str | Path | NDArray[Any] | TissueImage | None = None,
    reference: TRSMIResult | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
    stop: StopToken | None = None,
    **parameters: Any,
) -> TRSMIResult:
    """Find the tissue domains of one section.

    Parameters
    ----------
    tables
        A dict of name to AnnData or path, a MuData, an AnnData, paths; see
        `napari_trsmi.load`.
    config
        Parameters of the run; the default preset when None.
    features, positions, image
        See `napari_trsmi.load`.
    reference
        An earlier result on (some of) the same spots: domains take its numbers where they
        overlap most, so that colours stay. By decreasing size otherwise.
    on_epoch
        Called after every epoch.
    stop
        Stops the run from another thread or a signal handler.
    parameters
        Fields of `Config` that replace those of `config`, such as ``n_domains=10``, ``seed=1``.

    Returns
    -------
    TRSMIResult
        Spots in the order of the first table. The same input, seed and machine give the same
        result, whatever the order of the spots.

    Raises
    ------
    InputError
        If the tables cannot be used.
    ConfigError
        If a parameter is unknown or out of bounds.
    DeviceError
        If the device is missing, or runs out of memory and `allow_cpu_fallback` is off.
    StoppedError
        If stopped without keeping the partial result.
    TrainingError
        If training fails.

    Examples
    --------
    >>> import napari_trsmi as trsmi
    >>> result = trsmi.integrate(trsmi.simulate("complementary"), n_domains=5, epochs=2)
    >>> result.n_domains
    5
    """
    started = time.perf_counter()
    config = (config or Config()).replace(**parameters)
    device = choose_device(config.device)
    if isinstance(tables, SpatialOmics):
        dataset = tables
    else:
        dataset = load(tables, features=features, positions=positions, image=image)
    check_enough_spots(dataset.n_spots, config)
    if reference is not None:
        _check_shared(dataset.spots, reference)
    # Everything below works in an order of its own; the result goes back to that of the input.
    order = canonical_order(dataset.coordinates, dataset.spots)
    with cpu_threads(config.threads, dataset.n_spots) as threads:
        components, notes = _preprocessed(_reordered(dataset, order), config)
        clustered = clustered_order(components, seed=config.seed)
        components = [block[clustered] for block in components]
        order = order[clustered]
        coordinates = dataset.coordinates[order]
        problem, device = _on_device(
            lambda where: build_problem(components, coordinates, config, device=where.type),
            config,
            device,
            notes,
        )
        run, device = _on_device(
            lambda where: _consume(problem, config, where, on_epoch, stop), config, device, notes
        )
        if stop is not None and stop.stopped and not stop.keep:
            raise StoppedError("The run was stopped; nothing was kept.")
        trained = run.trained
        domains = find_domains(trained.embedding, config)
    if domains.curve is not None:
        notes.append(_chosen(domains.curve, int(domains.labels.max())))
    if trained.restored:
        notes.append(f"{trained.stopped[0].upper()}{trained.stopped[1:]}.")
        warnings.warn(notes[-1], TRSMIWarning, stacklevel=2)
    elif trained.stopped:
        notes.append(f"Training {trained.stopped}.")
    record = _record(dataset, config, problem, trained, domains)
    record |= {
        "device": _device_name(device),
        "threads": threads,
        "notes": [*dataset.notes, *notes],
        "seconds": time.perf_counter() - started,
    }
    return _assemble(dataset, np.argsort(order), trained, domains, run.history, record, reference)


def _reordered(dataset: SpatialOmics, order: NDArray[np.int64]) -> SpatialOmics:
    return replace(
        dataset,
        modalities=tuple(
            Modality(m.name, m.kind, m.table[order].copy()) for m in dataset.modalities
        ),
        coordinates=dataset.coordinates[order],
        spots=dataset.spots[order],
        annotations=dataset.annotations.iloc[order],
    )


def _check_shared(spots: pd.Index, reference: TRSMIResult) -> None:
    if spots.intersection(reference.domains.index).empty:
        raise InputError(
            "The reference result shares no spot names with this run. "
            "Leave `reference` out, or pass a result on the same spots."
        )


def _preprocessed(
    dataset: SpatialOmics, config: Config
) -> tuple[list[NDArray[np.float32]], list[str]]:
    components, notes = [], []
    for modality in dataset.modalities:
        block, said = modality_components(modality, config)
        components.append(block)
        notes += said
    return components, notes


@dataclass(frozen=True)
class _Run:
    trained: Trained
    history: pd.DataFrame


def _on_device(
    job: Callable[[torch.device], T], config: Config, device: torch.device, notes: list[str]
) -> tuple[T, torch.device]:
    """Run a job, on the CPU if the device runs out of memory and that is allowed.

    Returns
    -------
    The job's result, and the device that it ran on.
    """
    try:
        return job(device), device
    except DeviceError as error:
        if not config.allow_cpu_fallback or device.type == "cpu":
            raise
        notes.append(f"Went on with the CPU: {error}")
    finally:
        if device.type == "cuda":
            torch.cuda.empty_cache()
    # outside the handler, whose traceback keeps what is on the device
    warnings.warn(notes[-1], TRSMIWarning, stacklevel=3)
    cpu = torch.device("cpu")
    return job(cpu), cpu


def _consume(
    problem: Problem,
    config: Config,
    device: torch.device,
    on_epoch: Callable[[EpochReport], None] | None,
    stop: StopToken | None,
) -> _Run:
    epochs = iter_train(problem, config, device=device, stop=stop)
    rows: list[dict[str, float]] = []
    while True:
        try:
            report = next(epochs)
        except StopIteration as finished:
            columns = ["epoch", "loss", "beta", "seconds", "memory"]
            return _Run(finished.value, pd.DataFrame(rows, columns=None if rows else columns))
        rows.append(
            {
                "epoch": report.epoch,
                "loss": report.loss,
                **report.losses,
                "beta": report.beta,
                "seconds": report.seconds,
                "memory": report.memory,
            }
        )
        if on_epoch is not None:
            on_epoch(report)


def _assemble(
    dataset: SpatialOmics,
    back: NDArray[np.int64],
    trained: Trained,
    domains: Domains,
    history: pd.DataFrame,
    record: dict[str, Any],
    reference: TRSMIResult | None,
) -> TRSMIResult:
    spots = dataset.spots
    numbers = pd.Series(domains.labels[back], index=spots)
    if reference is not None:
        numbers = _numbered_like(numbers, reference)
    names = [str(number) for number in np.unique(numbers)]
    return TRSMIResult(
        domains=pd.Series(pd.Categorical(numbers.astype(str), categories=names), index=spots),
        embedding=trained.embedding[back],
        confidence=pd.Series(domains.confidence[back], index=spots),
        modality_weights=pd.DataFrame(
            trained.modality_shares[back], index=spots, columns=list(dataset.names)
        ),
        coordinates=dataset.coordinates,
        annotations=dataset.annotations,
        history=history,
        record=record,
        image=dataset.image,
        spot_diameter=dataset.spot_diameter,
    )


def _numbered_like(numbers: pd.Series, reference: TRSMIResult) -> pd.Series:
    shared = numbers.index.intersection(reference.domains.index)
    theirs = np.asarray(reference.domains.loc[shared].astype(int), dtype=np.int64)
    mine = np.asarray(numbers.loc[shared], dtype=np.int64)
    renamed = dict(zip(mine, match_to_reference(mine, theirs), strict=True))
    free = max(max(renamed.values()), int(theirs.max()))
    for number in np.unique(numbers):
        if number not in renamed:
            free += 1
            renamed[number] = free
    return numbers.map(renamed)


def _record(
    dataset: SpatialOmics, config: Config, problem: Problem, trained: Trained, domains: Domains
) -> dict[str, Any]:
    """What is needed to repeat and to judge the run, in plain JSON types."""
    return {
        "parameters": config.model_dump(mode="json"),
        "modalities": [
            {
                "name": modality.name,
                "kind": modality.kind.value,
                "n_features": modality.table.n_vars,
                "n_components": block.shape[1],
                "digest": dataset.digests.get(modality.name, ""),
                "start_weights": {"spatial": start.spatial, "feature": start.feature},
                "held_out_r2": None if np.isnan(start.held_out_r2) else start.held_out_r2,
                "graph_weights": {"spatial": float(end[0]), "feature": float(end[1])},
            }
            for modality, block, start, end in zip(
                dataset.modalities,
                problem.features,
                problem.weights,
                trained.graph_weights,
                strict=True,
            )
        ],
        "n_spots": dataset.n_spots,
        "stopped": trained.stopped,
        "alignment_search": trained.alignment_search,
        "n_domains_curve": None if domains.curve is None else domains.curve.to_dict(orient="list"),
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in _RECORDED},
        "platform": platform.platform(),
    }


def _chosen(curve: pd.DataFrame, n_domains: int) -> str:
    """The curve that the number of domains was chosen from, as a sentence."""
    numbers = zip(curve["n_domains"], curve["stability"], strict=True)
    listed = ", ".join(f"{int(number)}: {stability:.2f}" for number, stability in numbers)
    return f"{n_domains} domains chosen, the most that are stable. Stability by number: {listed}."


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return device.type

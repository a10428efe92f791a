"""The main job as one function: tables in, domains out."""

from __future__ import annotations

import platform
import time
import warnings
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

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
from napari_trsmi.data.wording import listed
from napari_trsmi.errors import DeviceError, InputError, TRSMIWarning
from napari_trsmi.palette import extended_colors
from napari_trsmi.preprocessing import feature_matrix
from napari_trsmi.result import TRSMIResult
from napari_trsmi.spots.order import canonical_order, clustered_order
from napari_trsmi.training.devices import choose_device, cpu_threads
from napari_trsmi.training.loop import Trained, iter_train
from napari_trsmi.training.problem import Problem, build_problem
from napari_trsmi.training.report import EpochReport, Phase
from napari_trsmi.training.stop import StopToken

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import TissueImage

T = TypeVar("T")
Steps: TypeAlias = "Generator[Phase | EpochReport, None, T]"

_RECORDED = ("napari-trsmi", "torch", "numpy", "scipy", "scikit-learn", "scanpy", "anndata")


def integrate(
    tables: Tables | SpatialOmics,
    *,
    config: Config | None = None,
    features: str | Sequence[str] | None = None,
    positions: Positions | None = None,
    image: str | Path | NDArray[Any] | TissueImage | None = None,
    image_scale: float | None = None,
    section: str | None = None,
    bin_size: int | str | None = None,
    keep: str | Sequence[str] = (),
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
    features, positions, image, image_scale, section, bin_size, keep
        See `napari_trsmi.load`; not with a `SpatialOmics`, which is loaded already.
    reference
        An earlier result on (some of) the same spots: domains take its names and colours where
        they overlap most, the others new numbers. Numbers by decreasing size otherwise.
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
        If the tables cannot be used, or are loaded already and are to be loaded otherwise.
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
    steps = iter_integrate(
        tables,
        config=config,
        features=features,
        positions=positions,
        image=image,
        image_scale=image_scale,
        section=section,
        bin_size=bin_size,
        keep=keep,
        reference=reference,
        stop=stop,
        **parameters,
    )
    with closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as finished:
                result: TRSMIResult = finished.value
                return result
            if isinstance(step, EpochReport) and on_epoch is not None:
                on_epoch(step)


def iter_integrate(
    tables: Tables | SpatialOmics,
    *,
    config: Config | None = None,
    features: str | Sequence[str] | None = None,
    positions: Positions | None = None,
    image: str | Path | NDArray[Any] | TissueImage | None = None,
    image_scale: float | None = None,
    section: str | None = None,
    bin_size: int | str | None = None,
    keep: str | Sequence[str] = (),
    reference: TRSMIResult | None = None,
    stop: StopToken | None = None,
    **parameters: Any,
) -> Generator[Phase | EpochReport, None, TRSMIResult]:
    """Find domains step by step, for a caller that shows how far it is.

    Parameters
    ----------
    tables, config, features, positions, image, image_scale, section, bin_size, keep
        As for `integrate`.
    reference, stop, parameters
        As for `integrate`. A stop that keeps nothing is seen after every epoch, table and start of
        the clustering.

    Yields
    ------
    A `Phase` when it begins (again, if the CPU takes over from a full GPU), and an `EpochReport`
    after every epoch.

    Returns
    -------
    TRSMIResult
        As `integrate` returns.

    Raises
    ------
    InputError, ConfigError, DeviceError, StoppedError, TrainingError
        As `integrate` raises.
    """
    started = time.perf_counter()
    config = (config or Config()).replace(**parameters)
    device = choose_device(config.device)
    stop = stop or StopToken()

    yield Phase.READING
    how: dict[str, Any] = {
        "features": features,
        "positions": positions,
        "image": image,
        "image_scale": image_scale,
        "section": section,
        "bin_size": bin_size,
        "keep": keep,
    }
    if isinstance(tables, SpatialOmics):
        _check_loaded(how)
        dataset = tables
    else:
        dataset = load(tables, **how)
    check_enough_spots(dataset.n_spots, config)
    if reference is not None:
        _check_shared(dataset.spots, reference)
    stop.check()
    # Everything below works in an order of its own; the result goes back to that of the input.
    order = canonical_order(dataset.coordinates, dataset.spots)
    with cpu_threads(config.threads, dataset.n_spots) as threads:
        yield Phase.PREPROCESSING
        components, notes = _preprocessed(_reordered(dataset, order), config, stop.check)
        clustered = clustered_order(components, seed=config.seed)
        components = [block[clustered] for block in components]
        order = order[clustered]
        coordinates = dataset.coordinates[order]
        problem, device = yield from _on_device(
            lambda where: _build(components, coordinates, config, where), config, device, notes
        )
        stop.check()
        run, device = yield from _on_device(
            lambda where: _train(problem, config, where, stop), config, device, notes
        )
        stop.check()
        trained = run.trained
        yield Phase.CLUSTERING
        domains = find_domains(trained.embedding, config, check=stop.check)
    stop.check()
    if domains.curve is not None:
        notes.append(_chosen(domains.curve, int(domains.labels.max())))
    if trained.restored:
        notes.append(f"{trained.stopped[0].upper()}{trained.stopped[1:]}.")
        warnings.warn(notes[-1], TRSMIWarning, stacklevel=3)
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


def _check_loaded(how: dict[str, Any]) -> None:
    given = [name for name, value in how.items() if value is not None and not _is_empty(value)]
    if given:
        raise InputError(
            f"The tables are loaded already, so {listed(given)} can change nothing. Pass "
            f"{'it' if len(given) == 1 else 'them'} to load, or pass the tables themselves."
        )


def _is_empty(value: object) -> bool:
    return isinstance(value, str | tuple | list) and not value


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
    dataset: SpatialOmics, config: Config, check: Callable[[], None]
) -> tuple[list[NDArray[np.float32]], list[str]]:
    components, notes = [], []
    for modality in dataset.modalities:
        check()
        block, said = feature_matrix(modality, config)
        components.append(block)
        notes += said
    return components, notes


@dataclass(frozen=True, eq=False)
class _Run:
    trained: Trained
    history: pd.DataFrame


def _on_device(
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
    warnings.warn(notes[-1], TRSMIWarning, stacklevel=4)
    cpu = torch.device("cpu")
    return (yield from job(cpu)), cpu


def _build(
    components: list[NDArray[np.float32]],
    coordinates: NDArray[np.float64],
    config: Config,
    device: torch.device,
) -> Steps[Problem]:
    yield Phase.GRAPHS
    return build_problem(components, coordinates, config, device=device.type)


def _train(problem: Problem, config: Config, device: torch.device, stop: StopToken) -> Steps[_Run]:
    yield Phase.TRAINING
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
        yield report


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
    names = {number: str(number) for number in range(1, int(numbers.max()) + 1)}
    colors: dict[str, str] = {}
    if reference is not None:
        names = _named_like(numbers, reference)
        colors = extended_colors(reference.colors, list(names.values()))
    return TRSMIResult(
        domains=pd.Series(
            pd.Categorical(numbers.map(names), categories=list(names.values())), index=spots
        ),
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
        custom_colors=colors,
    )


def _named_like(numbers: pd.Series, reference: TRSMIResult) -> dict[int, str]:
    """Return a name for each number: the reference's where they overlap most, then new numbers.

    The names are in the order of the reference's domains, so that legends stay as they are.
    """
    known = reference.domains.cat.remove_unused_categories().cat
    shared = numbers.index.intersection(reference.domains.index)
    theirs = np.asarray(known.codes.loc[shared], dtype=np.int64) + 1
    mine = np.asarray(numbers.loc[shared], dtype=np.int64)
    matched = match_to_reference(mine, theirs)
    # The pairing is complete, so that it may pair domains that have no spot in common.
    place = {int(number): int(other) for number, other in zip(mine, matched, strict=True)}
    place = {
        number: other for number, other in place.items() if np.any(theirs[mine == number] == other)
    }
    named = sorted(place, key=place.__getitem__)
    free = count(max((int(name) for name in known.categories if name.isdecimal()), default=0) + 1)
    return {number: str(known.categories[place[number] - 1]) for number in named} | {
        int(number): str(next(free)) for number in np.unique(numbers) if number not in place
    }


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
                "gate_end": gate_end,
            }
            for modality, block, start, end, gate_end in zip(
                dataset.modalities,
                problem.features,
                problem.weights,
                trained.graph_weights,
                problem.gate_ends,
                strict=True,
            )
        ],
        "inputs": dataset.load_arguments,
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

"""The main job as one function: tables in, domains out."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import torch

from napari_trsmi.assembly import NetworkRun, assembled, outcome_notes, run_record
from napari_trsmi.clustering.domains import check_enough_spots
from napari_trsmi.clustering.scale import (
    Tissue,
    domains_by_scale,
    embedding_at,
    modality_shares,
)
from napari_trsmi.clustering.trust import trusted
from napari_trsmi.config import Config
from napari_trsmi.data.dataset import Kind, Modality, SpatialOmics
from napari_trsmi.data.loading import Positions, Tables, load
from napari_trsmi.data.section_loading import Sections, are_sections, load_sections
from napari_trsmi.data.section_set import SectionSet
from napari_trsmi.data.wording import listed
from napari_trsmi.errors import DeviceError, InputError, TRSMIWarning
from napari_trsmi.graphs.lagged import lagged_graph
from napari_trsmi.graphs.neighbors import spatial_graph
from napari_trsmi.joint.fitted import FittedSections
from napari_trsmi.joint.prediction import predicted_tables
from napari_trsmi.joint.preparing import JointProblem, joint_problem
from napari_trsmi.preprocessing import feature_matrix
from napari_trsmi.preprocessing.image.modality import REACH, iter_with_image, own_footprint
from napari_trsmi.preprocessing.image.recipe import ImageFeatures
from napari_trsmi.spots.order import canonical_order, clustered_order
from napari_trsmi.training.devices import choose_device, cpu_threads
from napari_trsmi.training.embedder import TorchEmbedder
from napari_trsmi.training.loop import iter_train
from napari_trsmi.training.problem import build_problem
from napari_trsmi.training.report import EpochReport, Phase, PictureReport, Step
from napari_trsmi.training.stop import StopToken

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    import pandas as pd
    import scipy.sparse as sp
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import TissueImage
    from napari_trsmi.result import TRSMIResult

T = TypeVar("T")
Image: TypeAlias = "str | Path | NDArray[Any] | TissueImage"
Steps: TypeAlias = "Generator[Step, None, T]"


def integrate(
    tables: Tables | Sections | SpatialOmics | SectionSet,
    *,
    config: Config | None = None,
    library_key: str | None = None,
    features: str | Sequence[str] | None = None,
    positions: Positions | Mapping[str, Positions] | None = None,
    image: Image | Mapping[str, Image] | None = None,
    image_scale: float | Mapping[str, float] | None = None,
    image_features: str | Mapping[str, Any] | ImageFeatures | None = None,
    section: str | None = None,
    bin_size: int | str | None = None,
    keep: str | Sequence[str] = (),
    reference: TRSMIResult | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
    on_picture: Callable[[PictureReport], None] | None = None,
    stop: StopToken | None = None,
    **parameters: Any,
) -> TRSMIResult:
    """Find the tissue domains of one section, or of several together.

    Parameters
    ----------
    tables
        A dict of name to AnnData or path, a MuData, an AnnData, paths; see
        `napari_trsmi.load`. Several sections: ``{"s1": {"rna": ..., "protein": ...}, "s2": {"rna":
        ...}}``, see `napari_trsmi.load_sections`; a section need not have every table.
    config
        Parameters of the run; the default preset when None.
    library_key
        Column of ``obs`` that names each spot's section, where one table holds several that are to
        be run together. Domains then are the same tissue in all of them.
    features, positions, image, image_scale, section, bin_size, keep
        See `napari_trsmi.load` and `napari_trsmi.load_sections`; not with what is loaded already.
    image_features
        ``"texture"``, or a `napari_trsmi.ImageFeatures`: the image is measured at the spots and
        takes part as a modality. It is left out, with a note, where it does not go with the tables
        better than when it is turned. None: the image is drawn and nothing else.
    reference
        An earlier result on (some of) the same spots: domains take its names and colours where
        they overlap most, the others new numbers. Numbers by decreasing size otherwise.
    on_epoch
        Called after every epoch.
    on_picture
        Called after every part of a picture that is measured.
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
    >>> result = trsmi.integrate(trsmi.simulate("complementary"), n_domains=5)
    >>> result.n_domains
    5
    """
    steps = iter_integrate(
        tables,
        config=config,
        library_key=library_key,
        features=features,
        positions=positions,
        image=image,
        image_scale=image_scale,
        image_features=image_features,
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
            elif isinstance(step, PictureReport) and on_picture is not None:
                on_picture(step)


def iter_integrate(
    tables: Tables | Sections | SpatialOmics | SectionSet,
    *,
    config: Config | None = None,
    library_key: str | None = None,
    features: str | Sequence[str] | None = None,
    positions: Positions | Mapping[str, Positions] | None = None,
    image: Image | Mapping[str, Image] | None = None,
    image_scale: float | Mapping[str, float] | None = None,
    image_features: str | Mapping[str, Any] | ImageFeatures | None = None,
    section: str | None = None,
    bin_size: int | str | None = None,
    keep: str | Sequence[str] = (),
    reference: TRSMIResult | None = None,
    stop: StopToken | None = None,
    **parameters: Any,
) -> Generator[Step, None, TRSMIResult]:
    """Find domains step by step, for a caller that shows how far it is.

    Parameters
    ----------
    tables, config, library_key, features, positions, image, image_scale, section, bin_size, keep
        As for `integrate`.
    image_features, reference, stop, parameters
        As for `integrate`. A stop that keeps nothing is seen after every epoch, table and start of
        the clustering.

    Yields
    ------
    A `Phase` when it begins (again, if the CPU takes over from a full GPU), a
    `PictureReport` after each part of a picture that is measured, and an `EpochReport` after every
    epoch.

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
    dataset = _loaded(tables, library_key, how)
    if image_features is not None:
        yield Phase.MEASURING
        dataset = yield from _with_image(dataset, image_features, device, stop.check)
    check_enough_spots(dataset.n_spots, config)
    if reference is not None:
        _check_shared(dataset.spots, reference)
    stop.check()
    with cpu_threads(config.threads, dataset.n_spots) as threads:
        prepared = yield from _prepared(dataset, config, stop.check)
        order, components, spatial = prepared.order, prepared.components, prepared.spatial
        notes = list(prepared.notes)
        network: NetworkRun | None = None
        if 0 in config.scales:
            network, device = yield from _on_device(
                lambda where: _run_network(components, spatial, config, where, stop),
                config,
                device,
                notes,
            )
            stop.check()
        tissue = prepared.tissue
        yield Phase.CLUSTERING
        states = None if network is None else network.trained.embedding
        domains = domains_by_scale(states, tissue, config, check=stop.check)
        embedding = embedding_at(config.own_scale, states, tissue, config)
    stop.check()
    notes += outcome_notes(network, domains[config.own_scale])
    if network is not None and network.trained.restored:
        warnings.warn(notes[-1], TRSMIWarning, stacklevel=3)
    record = run_record(
        dataset, config, components, network, domains[config.own_scale], used=prepared.used
    )
    record["pictures"] = dict(prepared.pictures)
    record |= {
        "device": _device_name(device),
        "threads": threads,
        "notes": [*dataset.notes, *notes],
        "seconds": time.perf_counter() - started,
    }
    if network is not None and config.own_scale == 0:
        shares = network.trained.modality_shares
    else:
        shares = modality_shares(tissue, embedding).astype(np.float32)
    if prepared.used is not None:
        shown = np.zeros((len(shares), len(dataset.modalities)), dtype=np.float32)
        shown[:, prepared.used] = shares
        shares = shown
    result = assembled(
        dataset,
        np.argsort(order),
        domains=domains,
        embedding=embedding,
        shares=shares,
        network=network,
        record=record,
        reference=reference,
    )
    if prepared.joint is None or not isinstance(dataset, SectionSet):
        return result
    labels = domains[config.own_scale].labels
    in_rows = result.domains.to_numpy()[order]
    names = [str(in_rows[np.argmax(labels == n)]) for n in range(1, int(labels.max()) + 1)]
    return replace(
        result,
        predicted=predicted_tables(dataset, prepared.joint),
        fitted=FittedSections.of(prepared.joint, tissue, labels, names, config),
    )


@dataclass(frozen=True, eq=False)
class _Prepared:
    """What a run works on, in an order of its own: the result goes back to that of the input.

    Of the modalities those take part that `used` numbers, all if it is None; `pictures` has the
    `register_score` of each picture.
    """

    order: NDArray[np.int64]
    components: list[NDArray[np.float32]]
    spatial: sp.csr_array
    notes: Sequence[str]
    tissue: Tissue
    used: list[int] | None = None
    pictures: Mapping[str, float] = field(default_factory=dict)
    joint: JointProblem | None = None


def _prepared(
    dataset: SpatialOmics | SectionSet, config: Config, check: Callable[[], None]
) -> Steps[_Prepared]:
    yield Phase.PREPROCESSING
    if isinstance(dataset, SectionSet):
        joint = joint_problem(dataset, config, check)
        yield Phase.GRAPHS
        tissue = Tissue(joint.factors, joint.spatial, joint.blocks, joint.measured)
        return _Prepared(
            joint.order, joint.components, joint.spatial, joint.notes, tissue, joint=joint
        )
    order = canonical_order(dataset.coordinates, dataset.spots)
    ordered = _reordered(dataset, order)
    components, notes = _preprocessed(ordered, config, check)
    at_spots = [_at_spots(modality, config) for modality in ordered.modalities]
    # by the tables, so that a picture that is left out leaves everything as it was
    clustered = clustered_order(_of_tables(ordered, components), seed=config.seed)
    components = [block[clustered] for block in components]
    order = order[clustered]
    yield Phase.GRAPHS
    places = dataset.coordinates[order]
    spatial = spatial_graph(places, config.spatial_neighbors)
    check()
    tissue = Tissue.of(
        components,
        spatial,
        config,
        noise=[
            lagged_graph(places, float(modality.table.uns.get(REACH, 0)), spatial)
            for modality in dataset.modalities
        ],
        at_spots=[None if block is None else block[clustered] for block in at_spots],
    )
    check()
    used, scores, said = trusted(dataset.modalities, tissue, places)
    notes += said
    if len(used) == len(components):
        return _Prepared(order, components, spatial, notes, tissue, pictures=scores)
    kept = [components[place] for place in used]
    return _Prepared(order, kept, spatial, notes, tissue.only(used), used, scores)


def _with_image(
    dataset: SpatialOmics | SectionSet,
    image_features: str | Mapping[str, Any] | ImageFeatures,
    device: torch.device,
    check: Callable[[], None],
) -> Steps[SpatialOmics]:
    recipe = ImageFeatures.of(image_features)
    if isinstance(recipe.embed, torch.nn.Module):
        recipe = replace(recipe, embed=TorchEmbedder(recipe.embed, device))
    if isinstance(dataset, SectionSet):
        raise InputError(
            "image_features= measures the picture of one section, and several are run together. "
            "Leave it out, or run the sections one by one."
        )
    measuring = iter_with_image(dataset, recipe, check=check)
    while True:
        try:
            done, spots = next(measuring)
        except StopIteration as finished:
            measured: SpatialOmics = finished.value
            return measured
        yield PictureReport(done, spots)


def _of_tables(
    dataset: SpatialOmics, components: list[NDArray[np.float32]]
) -> list[NDArray[np.float32]]:
    pairs = zip(dataset.modalities, components, strict=True)
    return [block for modality, block in pairs if modality.kind is not Kind.IMAGE] or components


def _at_spots(modality: Modality, config: Config) -> NDArray[np.float32] | None:
    """Return the components of what a picture shows at the spots and not around them."""
    own = own_footprint(modality)
    return None if own is None else feature_matrix(own, config)[0]


def _loaded(
    tables: Tables | Sections | SpatialOmics | SectionSet,
    library_key: str | None,
    how: dict[str, Any],
) -> SpatialOmics | SectionSet:
    if isinstance(tables, SpatialOmics | SectionSet):
        _check_loaded({**how, "library_key": library_key})
        return tables
    if library_key is None and not are_sections(tables):
        return load(tables, **how)
    if how.pop("section") is not None:
        raise InputError(
            "section= picks one section, and several are to be run together. Leave one of the two "
            "out."
        )
    if library_key is None and isinstance(tables, Mapping) and len(tables) == 1:
        raise InputError(
            f"One section is given, {next(iter(tables))!r}. Pass its tables alone, or add another."
        )
    return load_sections(tables, library_key=library_key, **how)


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


def _run_network(
    components: list[NDArray[np.float32]],
    spatial: sp.csr_array,
    config: Config,
    device: torch.device,
    stop: StopToken,
) -> Steps[NetworkRun]:
    problem = build_problem(components, spatial, config, device=device.type)
    stop.check()
    if config.epochs:
        yield Phase.TRAINING
    epochs = iter_train(problem, config, device=device, stop=stop)
    reports: list[EpochReport] = []
    while True:
        try:
            report = next(epochs)
        except StopIteration as finished:
            return NetworkRun(problem, finished.value, reports)
        reports.append(report)
        yield report


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return device.type

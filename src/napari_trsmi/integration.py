"""The main job as one function: tables in, domains out."""

from __future__ import annotations

import time
import warnings
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_trsmi.assembly import assembled, identity_of, outcome_notes, run_record
from napari_trsmi.clustering.domains import check_enough_spots
from napari_trsmi.config import Config
from napari_trsmi.data.section_set import SectionSet
from napari_trsmi.errors import InputError, TRSMIWarning
from napari_trsmi.finding import iter_found, shared_out
from napari_trsmi.joint.fitted import FittedSections
from napari_trsmi.joint.prediction import predicted_tables
from napari_trsmi.preparation import iter_measured, loaded, needs_of_run
from napari_trsmi.training.checkpoint import Checkpoint, Kept
from napari_trsmi.training.devices import choose_device
from napari_trsmi.training.network_run import device_name
from napari_trsmi.training.process_group import process_group
from napari_trsmi.training.report import EpochReport, Phase, PictureReport, SizeReport, Step
from napari_trsmi.training.stop import StopToken

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import SpatialOmics, TissueImage
    from napari_trsmi.data.loading import Positions, Tables
    from napari_trsmi.data.section_loading import Sections
    from napari_trsmi.preprocessing.image.recipe import ImageFeatures
    from napari_trsmi.result import TRSMIResult

Image: TypeAlias = "str | Path | NDArray[Any] | TissueImage"


def integrate(
    tables: Tables | Sections | SpatialOmics | SectionSet,
    *,
    config: Config | None = None,
    library_key: str | None = None,
    features: str | Sequence[str] | None = None,
    positions: Positions | Mapping[str, Positions] | None = None,
    image: Image | Mapping[str, Any] | None = None,
    image_scale: float | Mapping[str, float] | None = None,
    image_features: str | Mapping[str, Any] | ImageFeatures | None = None,
    section: str | None = None,
    bin_size: int | str | None = None,
    keep: str | Sequence[str] = (),
    at_spots_of: str | None = None,
    reference: TRSMIResult | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
    on_picture: Callable[[PictureReport], None] | None = None,
    stop: StopToken | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
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
    features, positions, image, image_scale, section, bin_size, keep, at_spots_of
        See `napari_trsmi.load` and `napari_trsmi.load_sections`; not with what is loaded already.
    image_features
        ``"texture"``, or a `napari_trsmi.ImageFeatures`: the image is measured at the spots and
        takes part as a modality. It is left out, with a note, where it does not go with the tables
        better than when it is turned. Of several stains each is a modality; a dict by their names
        chooses. None: the image is drawn and nothing else.
    reference
        An earlier result on (some of) the same spots: domains take its names and colours where
        they overlap most, the others new numbers. Numbers by decreasing size otherwise.
    on_epoch
        Called after every epoch.
    on_picture
        Called after every part of a picture that is measured.
    stop
        Stops the run from another thread or a signal handler.
    checkpoint
        Folder where the run keeps what it has done: the components of each table, graphs and axes,
        and its epochs.
    resume
        Whether to go on with what is in that folder, if there is anything. On the CPU the outcome
        is that of a run that was not interrupted, to the last bit.
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
        at_spots_of=at_spots_of,
        reference=reference,
        stop=stop,
        checkpoint=checkpoint,
        resume=resume,
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
    image: Image | Mapping[str, Any] | None = None,
    image_scale: float | Mapping[str, float] | None = None,
    image_features: str | Mapping[str, Any] | ImageFeatures | None = None,
    section: str | None = None,
    bin_size: int | str | None = None,
    keep: str | Sequence[str] = (),
    at_spots_of: str | None = None,
    reference: TRSMIResult | None = None,
    stop: StopToken | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    **parameters: Any,
) -> Generator[Step, None, TRSMIResult]:
    """Find domains step by step, for a caller that shows how far it is.

    Parameters
    ----------
    tables, config, library_key, features, positions, image, image_scale, section, bin_size, keep
        As for `integrate`.
    at_spots_of, image_features, reference, stop, checkpoint, resume, parameters
        As for `integrate`. A stop that keeps nothing is seen after every epoch, table and start of
        the clustering.

    Yields
    ------
    A `Phase` when it begins (again, if the CPU takes over from a full GPU), a `SizeReport` before
    the work if memory is short, a
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
    if resume and checkpoint is None:
        raise InputError("resume= goes on with a checkpoint. Name its folder: checkpoint='DIR'.")
    keeper = Checkpoint(checkpoint)

    yield Phase.READING
    how: dict[str, Any] = {
        "features": features,
        "positions": positions,
        "image": image,
        "image_scale": image_scale,
        "section": section,
        "bin_size": bin_size,
        "keep": keep,
        "at_spots_of": at_spots_of,
    }
    dataset = loaded(tables, library_key, how)
    if image_features is not None:
        yield Phase.MEASURING
        dataset = yield from iter_measured(dataset, image_features, device, stop.check)
    check_enough_spots(dataset.n_spots, config)
    if reference is not None:
        _check_shared(dataset.spots, reference)
    resumed = keeper.begin(identity_of(dataset, config), resume=resume)
    stop.check()
    ranks = process_group()
    asked, needs = config, needs_of_run(dataset, config, ranks)
    # a run that is resumed goes on in as many, whatever is free now
    tiles = keeper.kept("tiles", lambda: Kept({}, {"tiles": needs.tiles})).told["tiles"]
    config = config.replace(tiles=tiles)
    if tiles != needs.tiles:
        needs = needs_of_run(dataset, config, ranks)
    if needs.worth_saying:
        warnings.warn(str(needs), TRSMIWarning, stacklevel=3)
        yield SizeReport(needs.tiles, str(needs))
    config = shared_out(ranks, dataset, config, None if checkpoint is None else str(checkpoint))
    found = yield from iter_found(
        dataset, config, device, stop, keeper, n_spots=dataset.n_spots, ranks=ranks
    )
    prepared, network, domains = found.prepared, found.network, found.domains
    notes = [*([str(needs)] if needs.worth_saying else []), *prepared.notes]
    if resumed:
        notes.append(f"Went on with the checkpoint in {checkpoint}.")
    notes += found.notes
    notes += outcome_notes(network, domains[config.own_scale])
    if network is not None and network.trained.restored:
        warnings.warn(notes[-1], TRSMIWarning, stacklevel=3)
    record = run_record(
        dataset, asked, found.widths, network, domains[config.own_scale], used=prepared.used
    )
    record["pictures"] = dict(prepared.pictures)
    record |= {
        "device": device_name(found.device),
        "threads": found.threads,
        "tiles": needs.tiles,
        "processes": ranks.size,
        "notes": [*dataset.notes, *notes],
        "seconds": time.perf_counter() - started,
    }
    shares = found.shares
    if prepared.used is not None:
        shown = np.zeros((len(shares), len(dataset.modalities)), dtype=np.float32)
        shown[:, prepared.used] = shares
        shares = shown
    result = assembled(
        dataset,
        np.argsort(prepared.order),
        domains=domains,
        embedding=found.embedding,
        shares=shares,
        network=network,
        record=record,
        reference=reference,
    )
    if prepared.joint is None or not isinstance(dataset, SectionSet):
        return result
    labels = domains[config.own_scale].labels
    in_rows = result.domains.to_numpy()[prepared.order]
    names = [str(in_rows[np.argmax(labels == n)]) for n in range(1, int(labels.max()) + 1)]
    return replace(
        result,
        predicted=predicted_tables(dataset, prepared.joint),
        fitted=FittedSections.of(prepared.joint, prepared.tissue, labels, names, config),
    )


def _check_shared(spots: pd.Index, reference: TRSMIResult) -> None:
    if spots.intersection(reference.domains.index).empty:
        raise InputError(
            "The reference result shares no spot names with this run. "
            "Leave `reference` out, or pass a result on the same spots."
        )

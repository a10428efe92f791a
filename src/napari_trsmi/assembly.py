"""What a run found, put together as a result with the record that is needed to repeat it."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.clustering.domains import match_to_reference
from napari_trsmi.data.section_set import SectionSet
from napari_trsmi.palette import extended_colors
from napari_trsmi.result import TRSMIResult
from napari_trsmi.result_sections import (
    GRID_MICROMETRES,
    ResultSections,
    micrometres_side_by_side,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_trsmi.clustering.domains import Domains
    from napari_trsmi.config import Config
    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.training.network_run import NetworkRun

_RECORDED = ("napari-trsmi", "torch", "numpy", "scipy", "scikit-learn", "scanpy", "anndata")
_EVERY_EPOCH = ("epoch", "loss", "beta", "seconds", "memory")


def assembled(
    dataset: SpatialOmics | SectionSet,
    back: NDArray[np.int64],
    *,
    domains: Mapping[float, Domains],
    embedding: NDArray[np.floating],
    shares: NDArray[np.floating],
    network: NetworkRun | None,
    record: dict[str, Any],
    reference: TRSMIResult | None,
) -> TRSMIResult:
    """Put a result together.

    Parameters
    ----------
    dataset
        What was run on.
    back
        Where each spot of `dataset` stands in the other arrays, shape (n_spots,).
    domains
        By scale, the run's own first.
    embedding, shares
        Shapes (n_spots, d) and (n_spots, n_modalities), of the run's own scale.
    network
        None if it took no part.
    record
        See `run_record`.
    reference
        Whose names and colours domains take.
    """
    spots = dataset.spots
    own = next(iter(domains))
    numbers = pd.Series(domains[own].labels[back], index=spots)
    most = max(int(found.labels.max()) for found in domains.values())
    names = {number: str(number) for number in range(1, most + 1)}
    colors: dict[str, str] = {}
    if reference is not None:
        names = _named_like(numbers, reference)
        colors = extended_colors(reference.colors, list(names.values()))
    used = [name for number, name in names.items() if (numbers == number).any()]
    by_scale = sorted(domains) if len(domains) > 1 else []
    result = TRSMIResult(
        domains=pd.Series(pd.Categorical(numbers.map(names), categories=used), index=spots),
        embedding=embedding[back].astype(np.float32),
        confidence=pd.Series(domains[own].confidence[back], index=spots),
        modality_weights=pd.DataFrame(
            shares[back].astype(np.float32), index=spots, columns=list(dataset.names)
        ),
        coordinates=dataset.coordinates,
        annotations=dataset.annotations,
        history=_history(network),
        record=record,
        image=dataset.image,
        further_images={} if isinstance(dataset, SectionSet) else dataset.further_images,
        spot_diameter=dataset.spot_diameter,
        square_spots=dataset.square_spots,
        sections=parts_of(dataset) if isinstance(dataset, SectionSet) else None,
        custom_colors=colors,
        domains_by_scale=pd.DataFrame(
            {
                scale: pd.Categorical(
                    pd.Series(domains[scale].labels[back]).map(names),
                    categories=list(names.values()),
                )
                for scale in by_scale
            },
            index=spots,
        ),
        confidence_by_scale=pd.DataFrame(
            {scale: domains[scale].confidence[back].astype(np.float32) for scale in by_scale},
            index=spots,
        ),
    )
    if result.sections is not None:
        result.record[GRID_MICROMETRES] = micrometres_side_by_side(result)
    return result


def run_record(
    dataset: SpatialOmics | SectionSet,
    config: Config,
    widths: Sequence[int],
    network: NetworkRun | None,
    domains: Domains,
    *,
    used: Sequence[int] | None = None,
) -> dict[str, Any]:
    """What is needed to repeat and to judge a run, in plain JSON types.

    Its modalities are those that took part, numbered by `used`; all if that is None. `widths` are
    the numbers of their components.
    """
    taking_part = [m for place, m in enumerate(dataset.modalities) if used is None or place in used]
    modalities: list[dict[str, Any]] = [
        {
            "name": modality.name,
            "kind": modality.kind.value,
            "n_features": modality.table.n_vars,
            "n_components": width,
            "digest": dataset.digests.get(modality.name, ""),
        }
        for modality, width in zip(taking_part, widths, strict=True)
    ]
    if network is not None:
        for modality, learned in zip(modalities, _learned(network), strict=True):
            modality |= learned
    several = {}
    if isinstance(dataset, SectionSet):
        several["sections"] = [
            {
                "name": name,
                "n_spots": section.n_spots,
                "modalities": list(section.names),
                "digests": dict(section.digests),
                "micrometres_per_unit": section.micrometres_per_unit,
            }
            for name, section in dataset.sections.items()
        ]
    return several | {
        "parameters": config.model_dump(mode="json"),
        "modalities": modalities,
        "inputs": dataset.load_arguments,
        "registration": None if dataset.image is None else dataset.image.registration,
        **({} if isinstance(dataset, SectionSet) else _further_pictures(dataset)),
        "micrometres_per_unit": dataset.micrometres_per_unit,
        "n_spots": dataset.n_spots,
        "scale": config.own_scale,
        "stopped": "" if network is None else network.trained.stopped,
        "alignment_search": "none" if network is None else network.trained.alignment_search,
        "n_domains_curve": None if domains.curve is None else domains.curve.to_dict(orient="list"),
        "versions": _versions(),
        "platform": platform.platform(),
    }


def identity_of(dataset: SpatialOmics | SectionSet, config: Config) -> dict[str, Any]:
    """What the outcome of a run depends on, in plain JSON types: a checkpoint is of one such."""
    sha = hashlib.sha256("\n".join(map(str, dataset.spots)).encode())
    sha.update(np.ascontiguousarray(dataset.coordinates, dtype="<f8").tobytes())
    return {
        "tables": {
            modality.name: {
                "kind": modality.kind.value,
                "features": modality.table.n_vars,
                "digest": dataset.digests.get(modality.name, ""),
                "read in parts": modality.stored is not None,
            }
            for modality in dataset.modalities
        },
        "spots": {"number": dataset.n_spots, "digest": sha.hexdigest()},
        "parameters": config.model_dump(mode="json"),
        "versions": _versions(),
    }


def _further_pictures(dataset: SpatialOmics) -> dict[str, Any]:
    """How each further picture of a section was registered, by name."""
    said = {name: image.registration for name, image in dataset.further_images.items()}
    return {"further_images": said} if said else {}


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {
        package: version(package) for package in _RECORDED
    }


def parts_of(data: SectionSet) -> ResultSections:
    """What a result keeps of its sections."""
    return ResultSections(
        data.section_of,
        {name: s.image for name, s in data.sections.items() if s.image is not None},
        {name: s.spot_diameter for name, s in data.sections.items() if s.spot_diameter is not None},
        pd.Series(
            np.concatenate([data.original_spots[name].astype(str) for name in data.sections]),
            index=data.spots,
        ),
    )


def outcome_notes(network: NetworkRun | None, domains: Domains) -> list[str]:
    """How the number of domains was chosen, and why training ended early; in sentences."""
    notes = []
    if domains.curve is not None:
        notes.append(_chosen(domains.curve, int(domains.labels.max())))
    if network is not None and network.trained.restored:
        notes.append(f"{network.trained.stopped[0].upper()}{network.trained.stopped[1:]}.")
    elif network is not None and network.trained.stopped:
        notes.append(f"Training {network.trained.stopped}.")
    return notes


def _learned(network: NetworkRun) -> list[dict[str, Any]]:
    """The graphs' weights of each modality, and where its gate ends."""
    return [
        {
            "start_weights": {"spatial": start.spatial, "feature": start.feature},
            "held_out_r2": None if np.isnan(start.held_out_r2) else start.held_out_r2,
            "graph_weights": {"spatial": float(end[0]), "feature": float(end[1])},
            "gate_end": gate_end,
        }
        for start, end, gate_end in zip(
            network.weights,
            network.trained.graph_weights,
            network.gate_ends,
            strict=True,
        )
    ]


def _history(network: NetworkRun | None) -> pd.DataFrame:
    rows = [
        {
            "epoch": report.epoch,
            "loss": report.loss,
            **report.losses,
            "beta": report.beta,
            "seconds": report.seconds,
            "memory": report.memory,
        }
        for report in (() if network is None else network.reports)
    ]
    return pd.DataFrame(rows, columns=None if rows else list(_EVERY_EPOCH))


def _chosen(curve: pd.DataFrame, n_domains: int) -> str:
    """The curve that the number of domains was chosen from, as a sentence."""
    numbers = zip(curve["n_domains"], curve["stability"], strict=True)
    listed = ", ".join(f"{int(number)}: {stability:.2f}" for number, stability in numbers)
    return f"{n_domains} domains chosen, the most that are stable. Stability by number: {listed}."


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

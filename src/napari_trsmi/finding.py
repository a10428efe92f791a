"""What every process of a run does: from features to the domains of its spots."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.clustering.scale import domains_by_scale, embedding_at, modality_shares
from napari_trsmi.config import Config
from napari_trsmi.data.section_set import SectionSet
from napari_trsmi.errors import InputError
from napari_trsmi.preparation import iter_prepared
from napari_trsmi.spots.ranks import ALONE, Ranks
from napari_trsmi.training.checkpoint import Checkpoint
from napari_trsmi.training.devices import choose_device, cpu_threads
from napari_trsmi.training.network_run import NetworkRun, iter_network_run, on_device
from napari_trsmi.training.report import Phase

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from napari_trsmi.clustering.domains import Domains
    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.prepared import Prepared
    from napari_trsmi.training.report import Steps
    from napari_trsmi.training.stop import StopToken


@dataclass(frozen=True, eq=False)
class Found:
    """What a run found; of several processes the first one has it of all spots.

    Attributes
    ----------
    prepared
        What it worked on.
    widths
        Components of each modality.
    network
        None if it took no part.
    domains
        By scale, the run's own first.
    embedding, shares
        Shapes (n_spots, d) and (n_spots, n_modalities), of the run's own scale.
    device, threads
        Where it ran.
    notes
        A sentence for each thing worth knowing.
    """

    prepared: Prepared
    widths: list[int]
    network: NetworkRun | None
    domains: dict[float, Domains]
    embedding: NDArray[np.floating]
    shares: NDArray[np.floating]
    device: torch.device
    threads: int
    notes: list[str]


def iter_found(
    dataset: SpatialOmics | SectionSet | None,
    config: Config,
    device: torch.device,
    stop: StopToken,
    checkpoint: Checkpoint,
    *,
    n_spots: int,
    ranks: Ranks = ALONE,
) -> Steps[Found]:
    """Prepare, embed and cluster.

    Parameters
    ----------
    dataset
        What is run; None in processes that are dealt a portion of it.
    config, device, stop, checkpoint
        Of the run.
    n_spots
        Number of all spots.
    ranks
        The processes of the run.

    Yields
    ------
    As `napari_trsmi.integration.iter_integrate`.
    """
    notes: list[str] = []
    with cpu_threads(config.threads, n_spots) as threads:
        prepared = yield from iter_prepared(dataset, config, stop.check, checkpoint, ranks)
        components, tissue = prepared.components, prepared.tissue
        widths = [block.shape[1] for block in components]
        portion = tissue.portion
        network: NetworkRun | None = None
        if 0 in config.scales:
            network, device = yield from on_device(
                lambda where: iter_network_run(
                    components, prepared.spatial, config, where, stop, checkpoint, portion
                ),
                config,
                device,
                notes,
            )
            stop.check()
        components.clear()  # domains are sought in what was made of them
        yield Phase.CLUSTERING
        states = None if network is None else network.trained.embedding
        domains = domains_by_scale(states, tissue, config, device=device, check=stop.check)
        embedding = embedding_at(config.own_scale, states, tissue, config)
    stop.check()
    if network is not None and config.own_scale == 0:
        shares: NDArray[np.floating] = network.trained.modality_shares
    else:
        shares = modality_shares(tissue, embedding).astype(np.float32)
    domains = {
        scale: replace(
            found,
            labels=portion.at_first(found.labels),
            confidence=portion.at_first(found.confidence),
        )
        for scale, found in domains.items()
    }
    embedding, shares = portion.at_first(embedding), portion.at_first(shares)
    return Found(prepared, widths, network, domains, embedding, shares, device, threads, notes)


def shared_out(
    ranks: Ranks,
    dataset: SpatialOmics | SectionSet,
    config: Config,
    checkpoint: str | None,
) -> Config:
    """Tell the other processes what is run, as the first one.

    Returns
    -------
    The parameters, as all have them.

    Raises
    ------
    InputError
        If it cannot be run by several processes.
    """
    if ranks.size == 1:
        return config
    if isinstance(dataset, SectionSet):
        raise InputError(
            "Several sections are run together by one process: leave torchrun out, or run the "
            "sections one by one."
        )
    if dataset.n_spots < ranks.size * 2:
        raise InputError(
            f"{dataset.n_spots} spots are too few for {ranks.size} processes. Start fewer."
        )
    config = config.replace(allow_cpu_fallback=False)  # none goes to another device alone
    told = {
        "config": config.model_dump(mode="json"),
        "checkpoint": checkpoint,
        "n_spots": dataset.n_spots,
    }
    ranks.told(told)
    return config


def iter_assist(ranks: Ranks, stop: StopToken) -> Steps[None]:
    """Take part in a run as a process that is not the first.

    Parameters
    ----------
    ranks
        The processes of the run.
    stop
        Of this process.

    Yields
    ------
    As `iter_found`.
    """
    told: dict[str, Any] = ranks.told(None)
    config = Config(**told["config"])
    device = choose_device(config.device)
    checkpoint = Checkpoint(told["checkpoint"])
    n_spots = told["n_spots"]
    yield from iter_found(None, config, device, stop, checkpoint, n_spots=n_spots, ranks=ranks)

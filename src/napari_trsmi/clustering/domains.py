"""From an embedding to numbered domains with a confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.clustering.leiden import leiden_domains
from napari_trsmi.clustering.mixture import fit_mixture
from napari_trsmi.clustering.n_domains import choose_n_domains, stability_curve
from napari_trsmi.errors import InputError, TrainingError
from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    import torch
    from numpy.typing import NDArray

    from napari_trsmi.config import Config

_RESOLUTION = 4 * float(np.finfo(np.float32).eps)
"""Spread, relative to the values, that single precision cannot tell from rounding."""


@dataclass(frozen=True, eq=False)
class Domains:
    """Domains of the spots.

    Attributes
    ----------
    labels
        Numbers from 1 by decreasing size, ``int64``, shape (n_spots,).
    confidence
        Shape (n_spots,), in [0, 1].
    curve
        What ``n_domains="auto"`` chose from; None when the number was given.
    """

    labels: NDArray[np.int64]
    confidence: NDArray[np.float64]
    curve: pd.DataFrame | None


def check_enough_spots(n_spots: int, config: Config) -> None:
    """Raise `InputError` if there are fewer than two spots a domain."""
    wanted = config.min_domains if config.n_domains == "auto" else config.n_domains
    if n_spots < 2 * wanted:
        raise InputError(
            f"{n_spots} spots are too few for {wanted} domains; "
            "at least two spots a domain are needed. Ask for fewer domains or use more spots."
        )


def find_domains(
    embedding: NDArray[np.floating],
    config: Config,
    *,
    device: torch.device | None = None,
    check: Callable[[], None] = lambda: None,
    portion: Portion = WHOLE,
) -> Domains:
    """Cluster an embedding.

    Parameters
    ----------
    embedding
        Z, shape (n_spots, d).
    config
        Clustering, number of domains, seed.
    device
        Where mixtures are fitted; the CPU if None.
    check
        Called before every start of the clustering; what it raises ends the search.
    portion
        Of the spots, whose rows these are.

    Raises
    ------
    InputError
        If there are fewer spots than domains, or Leiden finds no such number.
    TrainingError
        If the embedding is the same for all spots.
    """
    z = np.asarray(embedding, dtype=np.float64)
    _check_spread(z, config, portion)
    if config.normalize_rows:
        z = z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
    check_enough_spots(portion.n_spots(len(z)), config)
    wanted = None if config.n_domains == "auto" else int(config.n_domains)
    curve = None
    if config.clustering == "leiden":
        labels, confidence = leiden_domains(
            portion.all_rows(z),
            n_domains=wanted,
            resolution=config.leiden_resolution,
            seed=config.seed,
            check=check,
        )
        labels, confidence = portion.part(labels), portion.part(confidence)
    else:
        points = _principal_components(z, config.cluster_components, portion)
        if wanted is None:
            curve = stability_curve(
                points,
                smallest=config.min_domains,
                largest=config.max_domains,
                seed=config.seed,
                device=device,
                check=check,
                portion=portion,
            )
            wanted = choose_n_domains(curve)
        mixture = fit_mixture(
            points, wanted, seed=config.seed, device=device, check=check, portion=portion
        )
        labels, confidence = mixture.labels, mixture.confidence
    return Domains(numbered(labels, portion), confidence, curve)


def _principal_components(
    z: NDArray[np.float64], n_components: int, portion: Portion
) -> NDArray[np.float64]:
    """By the covariance, which is summed over processes; the largest loading is positive."""
    n, d = portion.n_spots(len(z)), z.shape[1]
    centred = z - portion.mean(z)
    _, axes = np.linalg.eigh(portion.sum(centred.T @ centred))
    axes = axes[:, ::-1][:, : min(n_components, n, d)]
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    points: NDArray[np.float64] = centred @ portion.ranks.of_first(axes * np.sign(largest))
    return points


def _check_spread(z: NDArray[np.float64], config: Config, portion: Portion) -> None:
    spread = np.sqrt(portion.variances(z).max())
    largest = portion.all_rows(np.abs(z).max(axis=0, initial=0)).max()
    if spread <= _RESOLUTION * largest:
        raise TrainingError(
            "The embedding has collapsed: it is the same for all spots, so there are no domains in "
            f"it. Lower learning_rate (now {config.learning_rate}) or weight_decay (now "
            f"{config.weight_decay}), or train for fewer epochs (now {config.epochs})."
        )


def numbered(labels: NDArray[np.int64], portion: Portion = WHOLE) -> NDArray[np.int64]:
    """`number_by_size` over the spots of all processes."""
    return portion.part(number_by_size(portion.all_rows(labels)))


def number_by_size(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Renumber labels from 1 by decreasing size, ties by first appearance."""
    found, first, inverse, counts = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(found), dtype=np.int64)
    rank[np.lexsort((first, -counts))] = np.arange(1, len(found) + 1)
    return rank[inverse]


def matched(
    labels: NDArray[np.int64], reference: NDArray[np.int64], portion: Portion
) -> NDArray[np.int64]:
    """`match_to_reference` over the spots of all processes."""
    pair = portion.all_rows(np.column_stack([labels, reference]))
    return portion.part(match_to_reference(*pair.T))


def match_to_reference(
    labels: NDArray[np.int64], reference: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Renumber labels so that they agree with a reference as far as possible.

    The pairing of numbers with the most spots in common (Hungarian method); domains without a
    partner get the numbers after the reference's largest.

    Parameters
    ----------
    labels, reference
        Numbers from 1, shape (n_spots,), for the same spots in the same order.
    """
    from scipy.optimize import linear_sum_assignment

    mine, place = np.unique(labels, return_inverse=True)
    theirs, other = np.unique(reference, return_inverse=True)
    common = np.zeros((len(mine), len(theirs)), dtype=np.int64)
    np.add.at(common, (place, other), 1)
    rows, columns = linear_sum_assignment(common, maximize=True)
    renumbered = np.zeros(len(mine), dtype=np.int64)
    renumbered[rows] = theirs[columns]
    alone = renumbered == 0
    renumbered[alone] = theirs.max() + np.arange(1, int(alone.sum()) + 1)
    return renumbered[place]

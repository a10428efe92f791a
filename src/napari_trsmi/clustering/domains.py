"""From an embedding to numbered domains with a confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.decomposition import PCA

from napari_trsmi.clustering.leiden import leiden_domains
from napari_trsmi.clustering.mixture import fit_mixture
from napari_trsmi.clustering.n_domains import choose_n_domains, stability_curve
from napari_trsmi.errors import InputError, TrainingError

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

    Raises
    ------
    InputError
        If there are fewer spots than domains, or Leiden finds no such number.
    TrainingError
        If the embedding is the same for all spots.
    """
    z = np.asarray(embedding, dtype=np.float64)
    _check_spread(z, config)
    if config.normalize_rows:
        z = z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
    check_enough_spots(len(z), config)
    wanted = None if config.n_domains == "auto" else int(config.n_domains)
    curve = None
    if config.clustering == "leiden":
        labels, confidence = leiden_domains(
            z,
            n_domains=wanted,
            resolution=config.leiden_resolution,
            seed=config.seed,
            check=check,
        )
    else:
        size = min(config.cluster_components, *z.shape)
        points = PCA(size, svd_solver="covariance_eigh").fit_transform(z)
        if wanted is None:
            curve = stability_curve(
                points,
                smallest=config.min_domains,
                largest=config.max_domains,
                seed=config.seed,
                device=device,
                check=check,
            )
            wanted = choose_n_domains(curve)
        mixture = fit_mixture(points, wanted, seed=config.seed, device=device, check=check)
        labels, confidence = mixture.labels, mixture.confidence
    return Domains(number_by_size(labels), confidence, curve)


def _check_spread(z: NDArray[np.float64], config: Config) -> None:
    if z.std(axis=0).max() <= _RESOLUTION * np.abs(z).max():
        raise TrainingError(
            "The embedding has collapsed: it is the same for all spots, so there are no domains in "
            f"it. Lower learning_rate (now {config.learning_rate}) or weight_decay (now "
            f"{config.weight_decay}), or train for fewer epochs (now {config.epochs})."
        )


def number_by_size(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Renumber labels from 1 by decreasing size, ties by first appearance."""
    found, first, inverse, counts = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(found), dtype=np.int64)
    rank[np.lexsort((first, -counts))] = np.arange(1, len(found) + 1)
    return rank[inverse]


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

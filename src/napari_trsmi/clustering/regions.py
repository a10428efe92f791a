"""Regions: domains whose spots lie together, as k-means finds them in most views of the tissue.

In units of the noise between neighbours all directions are alike, so that domains which differ
by their means alone are round, and k-means is their maximum likelihood. Each view gives a
partition, and views that err do so each in its own way: the partition that those like it agree
with most is kept, and its boundaries are sharpened.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from napari_trsmi.clustering.agreement import adjusted_rand_indices, most_agreed
from napari_trsmi.clustering.potts import sharpened
from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import scipy.sparse as sp
    from numpy.typing import NDArray

    from napari_trsmi.clustering.views import View
    from napari_trsmi.spots.blocks import Blocks

_SPOTS = 4_000
"""That k-means sees, and that partitions are compared on; the others are assigned."""
_AT_ONCE = 1 << 16  # spots that are assigned
_STARTS = 5
_ROUNDS = 10
_CAMP = 1 / 3
_FALL = 0.05


@dataclass(frozen=True, eq=False)
class Regions:
    """Regions of the spots.

    Attributes
    ----------
    labels
        From 0, shape (n_spots,).
    confidence
        Share of the views' partitions that place a spot in its region, shape (n_spots,).
    """

    labels: NDArray[np.int64]
    confidence: NDArray[np.float64]


class ViewMeans:
    """K-means of the views of one tissue, each done once: scales and `auto` ask for many again.

    Parameters
    ----------
    seed
        Of the spots that are seen and of the starts.
    portion
        Of the spots, whose rows the views have.
    """

    def __init__(self, seed: int, portion: Portion = WHOLE) -> None:
        self._seed = seed
        self._portion = portion
        self._found: dict[tuple[float, int, tuple[int, ...], int], KMeans] = {}

    def seen(self, view: View) -> View:
        """The view of the spots that k-means sees."""
        drawn = _sample(self._portion.n_spots(len(view)), self._seed)
        blocks = (self._portion.drawn(block, drawn) for block in view.averages)
        return replace(view, averages=tuple(blocks))

    def fitted(self, seen: View, n_domains: int) -> KMeans:
        """Means of a view's spots that are `seen`; at most as many as spots."""
        key = seen.limit, seen.hops, seen.widths, n_domains
        if key not in self._found:
            with warnings.catch_warnings():
                # fewer distinct points than domains
                warnings.simplefilter("ignore", ConvergenceWarning)
                means = KMeans(n_domains, n_init=_STARTS, random_state=self._seed)
                self._found[key] = means.fit(seen.points)
        return self._found[key]

    def partition(self, view: View, n_domains: int) -> NDArray[np.int64]:
        """The nearest mean of every spot, from 0, shape (n_spots,)."""
        means = self.fitted(self.seen(view), n_domains)
        labels = np.empty(len(view), dtype=np.int64)
        for start in range(0, len(view), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            labels[rows] = means.predict(view.at(rows))
        return labels


def adapted_partition(
    view: View,
    labels: NDArray[np.int64],
    blocks: Blocks,
    measured: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """A partition of several sections with a mean of each domain in each section.

    What sets a domain off between sections, such as a gain that differs from tissue to tissue, and
    the regression to the mean of what is predicted, are taken by the section's own means: k-means
    goes on within each section, from the shared partition, in what was measured there.

    Parameters
    ----------
    view
        Of all sections.
    labels
        From `ViewMeans.partition`.
    blocks
        Rows of each section.
    measured
        Which section has which modality, shape (n_sections, n_modalities).

    Returns
    -------
    ndarray
        From 0, shape (n_spots,); the numbers mean the same in every section.
    """
    adapted = labels.copy()
    for rows, has in zip(blocks.slices, measured, strict=True):
        points = view.at(rows)[:, np.repeat(has, view.widths)]
        own = labels[rows]
        for _ in range(_ROUNDS):
            present, place = np.unique(own, return_inverse=True)
            members = np.eye(len(present))[place]
            centers = (members.T @ points) / members.sum(axis=0)[:, None]
            nearest = np.square(centers).sum(axis=1) / 2 - points @ centers.T
            moved = present[nearest.argmin(axis=1)]
            if np.array_equal(moved, own):
                break
            own = moved
        adapted[rows] = own
    return adapted


def agreed_regions(
    partitions: Sequence[NDArray[np.integer]],
    scores: NDArray[np.float64],
    spatial: sp.csr_array,
    *,
    seed: int,
    blocks: Blocks | None = None,
    own_axes: NDArray[np.bool_] | None = None,
    check: Callable[[], None] = lambda: None,
    portion: Portion = WHOLE,
) -> Regions:
    """What the partitions of the views agree on.

    Parameters
    ----------
    partitions
        One a view.
    scores
        Autocorrelation factors of all modalities side by side, shape (n_spots, n_axes).
    spatial
        0/1 spatial graph without self loops, (n_spots, n_spots).
    seed
        Of the spots that partitions are compared on.
    blocks
        Rows of each section, whose boundaries are sharpened by its own values; None for one.
    own_axes
        Which axes were measured in which section, shape (n_sections, n_axes); None for all.
    check, portion
        See `sharpened`.
    """
    drawn = _sample(portion.n_spots(len(scores)), seed)
    compared = portion.drawn(np.column_stack(partitions), drawn).astype(np.int64)
    agreement = adjusted_rand_indices(list(compared.T))
    best, _ = most_agreed(agreement, share=_CAMP)
    chosen = partitions[best].astype(np.int64)
    if blocks is None:
        labels = sharpened(chosen, scores, spatial, check=check, portion=portion)
    else:
        labels = chosen.copy()
        for block, rows in enumerate(blocks.slices):
            # a domain that a section lacks is no place for its spots
            present, own = np.unique(chosen[rows], return_inverse=True)
            values = scores[rows] if own_axes is None else scores[rows][:, own_axes[block]]
            graph = blocks.graph_of(spatial, block)
            labels[rows] = present[sharpened(own, values, graph, check=check)]
    votes = np.mean(
        [_renumbered(other.astype(np.int64), labels, portion) == labels for other in partitions],
        axis=0,
    )
    return Regions(labels, votes)


def agreement_curve(
    views: Iterable[View],
    means: ViewMeans,
    *,
    smallest: int,
    largest: int,
    check: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """How far the views that are most alike agree on each number of regions, until they part.

    They part where the stability falls .05 below what it was for a smaller number: that number is
    the last of the curve, and those before it are agreed on.

    Parameters
    ----------
    views
        From `region_views`.
    means
        Where k-means is done and kept.
    smallest, largest
        Numbers of regions tried; `largest` is cut to a fifth of the spots looked at.
    check
        Called before every k-means; what it raises ends the work.

    Returns
    -------
    DataFrame
        Columns ``n_domains`` and ``stability`` (mean adjusted Rand index of the partition that
        would be kept with those most like it).
    """
    seen = [means.seen(view) for view in views]
    rows = []
    best = 0.0
    for k in range(smallest, max(smallest, min(largest, len(seen[0]) // 5)) + 1):
        partitions = []
        for view in seen:
            check()
            partitions.append(means.fitted(view, k).labels_)
        _, stability = most_agreed(adjusted_rand_indices(partitions), share=_CAMP)
        rows.append({"n_domains": k, "stability": stability})
        best = max(best, stability)
        if stability < best - _FALL:
            break
    return pd.DataFrame(rows)


def agreed_numbers(curve: pd.DataFrame) -> list[int]:
    """Numbers of regions before the views part, the largest first; from `agreement_curve`."""
    stability = curve["stability"]
    parted = stability.iloc[-1] < stability.max() - _FALL
    numbers = curve["n_domains"].iloc[: -1 if parted else None]
    return [int(number) for number in numbers[::-1]]


def _sample(n_spots: int, seed: int) -> NDArray[np.int64]:
    return np.sort(np.random.default_rng(seed).permutation(n_spots)[:_SPOTS])


def _renumbered(
    labels: NDArray[np.int64], reference: NDArray[np.int64], portion: Portion
) -> NDArray[np.int64]:
    """Labels with the numbers of the reference that they share the most spots with."""
    k = portion.largest(max(int(labels.max(initial=0)), int(reference.max(initial=0)))) + 1
    common = portion.sum(np.bincount(labels * k + reference, minlength=k * k)).reshape(k, k)
    rows, columns = linear_sum_assignment(common, maximize=True)
    place = np.empty(k, dtype=np.int64)
    place[rows] = columns
    return place[labels]

"""What the first process of a run has read and ordered, dealt out: a portion for each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from napari_trsmi.graphs.repeated import between_measurements
from napari_trsmi.spots.portion import WHOLE, HeldPortion, Portion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_trsmi.spots.ranks import Ranks


@dataclass(frozen=True, eq=False)
class Ordered:
    """The spots of one section in the order of a run, all of them or a portion.

    Attributes
    ----------
    components
        Of each modality, (n_spots, n_components_m).
    at_spots
        See `Tissue.of`.
    spatial
        0/1 spatial graph without self loops.
    noise
        Graph of each modality between whose neighbours its noise is measured.
    portion
        Of the spots, with the halo of these graphs.
    """

    components: list[NDArray[np.float32]]
    at_spots: list[NDArray[np.float32] | None]
    spatial: sp.csr_array
    noise: list[sp.csr_array]
    portion: Portion = WHOLE

    def dealt(self, ranks: Ranks) -> Ordered:
        """The portion of the first process, which has all; others `receive` theirs."""
        if ranks.size == 1:
            return self
        # before it is cut up: neighbours are compared with spots anywhere
        noise = [
            between_measurements(block, graph)
            for block, graph in zip(self.components, self.noise, strict=True)
        ]
        own = [graph for graph in noise if graph is not self.spatial]
        told = {
            "n_spots": len(self.components[0]),
            "widths": [block.shape[1] for block in self.components],
            "at_spots": [None if block is None else block.shape[1] for block in self.at_spots],
            "by_space": [graph is self.spatial for graph in noise],
        }
        return _dealt(ranks, ranks.told(told), replace(self, noise=own))


def receive(ranks: Ranks) -> Ordered:
    """The portion of a process that is not the first."""
    return _dealt(ranks, ranks.told(None), None)


def _dealt(ranks: Ranks, told: dict[str, Any], whole: Ordered | None) -> Ordered:
    portion = HeldPortion.even(ranks, told["n_spots"])

    def rows(width: int, block: NDArray[np.float32] | None) -> NDArray[np.float32]:
        empty = np.empty((0, width), dtype=np.float32)
        return _cut(portion, empty if block is None else block, portion.bounds)

    def graph(found: sp.csr_array | None) -> sp.csr_array:
        counts = np.empty(0, dtype=np.int64)
        columns, data = np.empty(0, dtype=np.int32), np.empty(0)
        cuts: NDArray[Any] = portion.bounds
        if found is not None:
            counts, data = np.diff(found.indptr).astype(np.int64), found.data.astype(np.float64)
            columns, cuts = found.indices.astype(np.int32), found.indptr[portion.bounds]
        own = _cut(portion, counts, portion.bounds)
        return sp.csr_array(
            (
                _cut(portion, data, cuts),
                _cut(portion, columns, cuts),
                np.concatenate([[0], np.cumsum(own)]).astype(np.int32),
            ),
            shape=(portion.n_own, told["n_spots"]),
        )

    widths, n_other = told["widths"], told["by_space"].count(False)
    blocks: Sequence[Any] = [None] * len(widths) if whole is None else whole.components
    discs: Sequence[Any] = [None] * len(widths) if whole is None else whole.at_spots
    lagged: Sequence[Any] = [None] * n_other if whole is None else whole.noise
    components = [rows(*each) for each in zip(widths, blocks, strict=True)]
    at_spots = [
        None if width is None else rows(width, block)
        for width, block in zip(told["at_spots"], discs, strict=True)
    ]
    spatial = graph(None if whole is None else whole.spatial)
    others = [graph(each) for each in lagged]
    portion = portion.borrowing([own.indices for own in (spatial, *others)])
    by_space = portion.local(spatial).astype(np.float32)
    left = iter([portion.local(own) for own in others])
    noise = [by_space if is_spatial else next(left) for is_spatial in told["by_space"]]
    return Ordered(components, at_spots, by_space, noise, portion)


def _cut(portion: HeldPortion, whole: NDArray[Any], cuts: NDArray[Any]) -> NDArray[Any]:
    """The own part of an array that the first process has, and others an empty one of."""
    ends = cuts[1:-1] if portion.ranks.rank == 0 else np.zeros(portion.ranks.size - 1, dtype=int)
    return portion.ranks.exchange(np.split(whole, ends))[0]

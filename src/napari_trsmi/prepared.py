"""What a run works on once its tables are reduced, and as the step of a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import scipy.sparse as sp

from napari_trsmi.clustering.scale import Tissue
from napari_trsmi.spots.portion import WHOLE, HeldPortion, Portion
from napari_trsmi.spots.ranks import ALONE, Ranks
from napari_trsmi.training.checkpoint import Kept

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_trsmi.joint.preparing import JointProblem


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a run works on, in an order of its own: the result goes back to that of the input.

    Of the modalities those take part that `used` numbers, all if it is None; `pictures` has the
    `register_score` of each picture. Of several processes each has what is of its own spots, and
    the first one the order of all.
    """

    order: NDArray[np.int64]
    components: list[NDArray[np.float32]]
    spatial: sp.csr_array
    notes: Sequence[str]
    tissue: Tissue
    used: list[int] | None = None
    pictures: Mapping[str, float] = field(default_factory=dict)
    joint: JointProblem | None = None

    def kept(self) -> Kept:
        """One section's, as arrays."""
        tissue = self.tissue
        arrays: dict[str, NDArray[Any]] = {"order": self.order, **_parts("spatial", self.spatial)}
        arrays |= _numbered("components", self.components)
        arrays |= _numbered("factors", tissue.factors)
        arrays |= _numbered("edges", tissue.edges or ())
        # most noise is measured between neighbours in space, by the graph itself
        own = [None if graph is self.spatial else graph for graph in tissue.noise or ()]
        for number, graph in enumerate(own):
            arrays |= {} if graph is None else _parts(f"noise-{number}", graph)
        told = {
            "notes": list(self.notes),
            "used": self.used,
            "pictures": dict(self.pictures),
            "n_noise": None if tissue.noise is None else len(own),
            "has_edges": tissue.edges is not None,
            "n_spots": tissue.portion.n_spots(len(tissue.factors[0])),
        }
        if isinstance(tissue.portion, HeldPortion):
            arrays["halo"] = tissue.portion.halo
        return Kept(arrays, told)

    @classmethod
    def of_kept(cls, kept: Kept, ranks: Ranks = ALONE) -> Prepared:
        """What `kept` returned, again."""
        arrays, told = kept.arrays, kept.told
        portion: Portion = WHOLE
        if ranks.size > 1:
            portion = HeldPortion.even(ranks, told["n_spots"]).borrowing([arrays["halo"]])
        spatial = _graph("spatial", arrays)
        noise = None
        if told["n_noise"] is not None:
            noise = tuple(
                _graph(f"noise-{number}", arrays) if f"noise-{number}/data" in arrays else spatial
                for number in range(told["n_noise"])
            )
        tissue = Tissue(
            tuple(_of_number("factors", arrays)),
            spatial,
            noise=noise,
            edges=tuple(_of_number("edges", arrays)) if told["has_edges"] else None,
            portion=portion,
        )
        components = _of_number("components", arrays)
        used, pictures = told["used"], told["pictures"]
        order = arrays["order"]
        return cls(order, components, spatial, list(told["notes"]), tissue, used, pictures)


def _numbered(name: str, blocks: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{name}/{number}": block for number, block in enumerate(blocks)}


def _of_number(name: str, arrays: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    count = sum(key.startswith(f"{name}/") for key in arrays)
    return [arrays[f"{name}/{number}"] for number in range(count)]


def _parts(name: str, graph: sp.csr_array) -> dict[str, NDArray[Any]]:
    return {f"{name}/{part}": getattr(graph, part) for part in ("data", "indices", "indptr")}


def _graph(name: str, arrays: Mapping[str, NDArray[Any]]) -> sp.csr_array:
    data, indices, indptr = (arrays[f"{name}/{part}"] for part in ("data", "indices", "indptr"))
    n = len(indptr) - 1
    return sp.csr_array((data, indices, indptr), shape=(n, n + len(arrays.get("halo", ()))))

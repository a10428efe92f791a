"""What a run of several sections learned, to carry its domains to a new section."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.clustering.mixture import winsorized
from napari_trsmi.clustering.regions import adapted_partition, agreed_regions
from napari_trsmi.clustering.views import LIMITS, View, region_views
from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError
from napari_trsmi.graphs.neighbors import spatial_graph
from napari_trsmi.graphs.normalize import add_self_loops, row_normalized
from napari_trsmi.joint.columns import SharedColumns
from napari_trsmi.joint.offsets import offset_from
from napari_trsmi.joint.preparing import averaged_scores
from napari_trsmi.spots.blocks import Blocks
from napari_trsmi.spots.order import canonical_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_trsmi.clustering.scale import Tissue
    from napari_trsmi.config import Config
    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.joint.preparing import JointProblem

_LEAST_IN_COMMON = 0.5
"""Of a table's columns: with fewer a new section is a guess."""


@dataclass(frozen=True, eq=False)
class FittedModality:
    """How a table of a new section becomes scores on the shared axes.

    Attributes
    ----------
    columns
        How a table becomes components.
    axes
        Components to scores, shape (n_components, n_factors).
    groups
        Where groups of tissue lie that the sections share, shape (n_groups, n_factors).
    """

    columns: SharedColumns
    axes: NDArray[np.float64]
    groups: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Carried:
    """Domains that were carried to a new section.

    Attributes
    ----------
    labels
        From 0, in the order of `FittedSections.domains`, shape (n_spots,).
    confidence
        Share of the views that place a spot in its domain, shape (n_spots,).
    embedding
        The middle view of the section, shape (n_spots, n_axes); 0 for what was not measured.
    shares
        Of each modality in the embedding, shape (n_spots, n_modalities).
    """

    labels: NDArray[np.int64]
    confidence: NDArray[np.float64]
    embedding: NDArray[np.float64]
    shares: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FittedSections:
    """Shared axes, and where each domain lies in every view.

    A view is one of `LIMITS` and one of `hops`, in that order; it has all axes of all modalities.

    Attributes
    ----------
    modalities
        By name.
    hops, n_factors
        Of the views, as `napari_trsmi.clustering.views.region_views` takes them.
    means
        Of the domains, shape (n_views, n_domains, n_axes).
    centers, scales
        What a view takes off averaged scores and multiplies them by, each (n_views, n_axes).
    domains
        Names of the domains, as the run found them.
    """

    modalities: Mapping[str, FittedModality]
    hops: tuple[int, ...]
    n_factors: tuple[int, ...]
    means: NDArray[np.float64]
    centers: NDArray[np.float64]
    scales: NDArray[np.float64]
    domains: tuple[str, ...]

    @classmethod
    def of(
        cls,
        problem: JointProblem,
        tissue: Tissue,
        labels: NDArray[np.int64],
        domains: Sequence[str],
        config: Config,
    ) -> FittedSections:
        """Keep what a run found.

        Parameters
        ----------
        problem, tissue
            What it ran on.
        labels
            Its domains, numbers from 1, in the rows' order.
        domains
            Their names, in the order of the numbers.
        config
            Its parameters.
        """
        hops = tissue.hops_at(config.own_scale or 1.0, config)
        members = np.eye(int(labels.max()))[labels - 1]
        sizes = np.maximum(members.sum(axis=0), 1)[:, None]
        views = list(
            region_views(
                tissue.factors,
                tissue.spatial,
                hops=hops,
                n_factors=(max(config.region_factors),),
                measured=tissue.measured_rows,
            )
        )
        return cls(
            {
                name: FittedModality(shared.columns, shared.axes, shared.groups)
                for name, shared in problem.axes.items()
            },
            hops,
            config.region_factors,
            np.stack([members.T @ view.points / sizes for view in views]),
            np.stack([view.center for view in views]),
            np.stack([view.scale for view in views]),
            tuple(domains),
        )

    def carried_to(self, section: SpatialOmics, config: Config) -> Carried:
        """Find the domains in a new section.

        Its scores are put where those of the known sections lie, each spot takes the domain whose
        mean is nearest in each view, and what the views agree on is sharpened as in a run.

        Parameters
        ----------
        section
            With at least one of the run's modalities.
        config
            Of the run.

        Raises
        ------
        InputError
            If the section has none of the modalities, or too few of their features.
        """
        order = canonical_order(section.coordinates, section.spots)
        graph = spatial_graph(section.coordinates[order], config.spatial_neighbors)
        mean = row_normalized(add_self_loops(graph))
        scores = {}
        for modality in section.modalities:
            if (fitted := self.modalities.get(modality.name)) is None:
                continue
            _check_in_common(modality.name, modality.table.var_names, fitted.columns, modality.kind)
            own = fitted.columns.components(modality)[order] @ fitted.axes
            scores[modality.name] = own - offset_from(averaged_scores(own, mean), fitted.groups)
        if not scores:
            raise InputError(
                f"The section has {listed(list(section.names))}, and the run was on "
                f"{listed(list(self.modalities))}: nothing to tell the domains by. Name the tables "
                "as in the run."
            )
        has = np.array([[name in scores for name in self.modalities]])
        placed = self._placed(scores, mean, has)
        partitions = [
            adapted_partition(view, labels, Blocks((len(order),)), has) for view, labels in placed
        ]
        found = agreed_regions(
            partitions,
            np.hstack(list(scores.values())),
            graph,
            seed=config.seed,
            blocks=Blocks((len(order),)),
        )
        back = np.argsort(order)
        per_reach = len(self.n_factors)
        middle, _ = placed[per_reach * (len(self.hops) // 2) + int(np.argmax(self.n_factors))]
        embedding = middle.points * np.repeat(has[0], middle.widths)
        ends = np.cumsum(middle.widths)[:-1]
        norms = np.column_stack(
            [np.linalg.norm(part, axis=1) for part in np.split(embedding, ends, axis=1)]
        )
        shares = norms / np.maximum(norms.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        return Carried(found.labels[back], found.confidence[back], embedding[back], shares[back])

    def _placed(
        self, scores: Mapping[str, NDArray[np.float64]], mean: Any, has: NDArray[np.bool_]
    ) -> list[tuple[View, NDArray[np.int64]]]:
        """The views of a new section, and the nearest domain of each spot in each."""
        n_spots = mean.shape[0]
        widths = [fitted.axes.shape[1] for fitted in self.modalities.values()]
        starts = np.cumsum([0, *widths[:-1]])
        found = []
        for number, (limit, hops) in enumerate(product(LIMITS, self.hops)):
            parts = []
            for name, width in zip(self.modalities, widths, strict=True):
                block = scores.get(name, np.zeros((n_spots, width)))
                block = block if limit == np.inf else winsorized(block, limit=limit)
                for _ in range(hops):
                    block = mean @ block
                parts.append(block)
            for wanted in self.n_factors:
                size = [min(wanted, width) for width in widths]
                kept = np.concatenate(
                    [np.arange(start, start + n) for start, n in zip(starts, size, strict=True)]
                )
                view = View(
                    tuple(parts),
                    hops,
                    tuple(size),
                    self.centers[number, kept],
                    self.scales[number, kept],
                    limit,
                )
                known = np.repeat(has[0], size)
                means = self.means[number][:, kept][:, known]
                near = np.square(means).sum(axis=1) / 2 - view.points[:, known] @ means.T
                found.append((view, near.argmin(axis=1).astype(np.int64)))
        return found

    def to_dict(self) -> dict[str, Any]:
        """All of it in arrays and text, as anndata can write it."""
        return {
            "hops": np.array(self.hops),
            "n_factors": np.array(self.n_factors),
            "means": self.means,
            "centers": self.centers,
            "scales": self.scales,
            "domains": np.array(self.domains, dtype=object),
            "order": np.array(list(self.modalities), dtype=object),
            "modalities": {
                name: {
                    "kind": fitted.columns.kind.value,
                    "features": np.array(fitted.columns.features.astype(str), dtype=object),
                    "loadings": fitted.columns.loadings,
                    "axes": fitted.axes,
                    "groups": fitted.groups,
                }
                for name, fitted in self.modalities.items()
            },
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> FittedSections:
        """What `to_dict` made."""
        modalities = {}
        for name in map(str, stored["order"]):
            own = stored["modalities"][name]
            columns = SharedColumns(
                Kind(str(own["kind"])),
                pd.Index([str(feature) for feature in own["features"]]),
                np.asarray(own["loadings"]),
            )
            modalities[name] = FittedModality(
                columns, np.asarray(own["axes"]), np.asarray(own["groups"])
            )
        return cls(
            modalities,
            tuple(int(n) for n in stored["hops"]),
            tuple(int(n) for n in stored["n_factors"]),
            np.asarray(stored["means"]),
            np.asarray(stored["centers"]),
            np.asarray(stored["scales"]),
            tuple(str(name) for name in stored["domains"]),
        )


def _check_in_common(name: str, own: pd.Index, columns: SharedColumns, kind: Kind) -> None:
    if kind is not columns.kind:
        raise InputError(
            f"Table {name!r} is {kind.value}, and was {columns.kind.value} in the run. Pass the "
            "same kind of table."
        )
    share = columns.features.isin(own).mean()
    if share < _LEAST_IN_COMMON:
        raise InputError(
            f"Table {name!r} has {share:.0%} of the {len(columns.features):,} features of the run, "
            f"and at least {_LEAST_IN_COMMON:.0%} are needed. Name features as in the run."
        )

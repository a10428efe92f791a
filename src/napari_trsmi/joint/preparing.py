"""Sections made one problem: one graph, shared axes, offsets taken off, gaps predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.errors import InputError
from napari_trsmi.graphs.autocorrelation import between_neighbors, factor_axes, shrunk
from napari_trsmi.graphs.neighbors import spatial_graph
from napari_trsmi.graphs.normalize import add_self_loops, row_normalized
from napari_trsmi.joint.bridge import Bridge, LinearMap, bridges
from napari_trsmi.joint.columns import check_comparable, shared_columns
from napari_trsmi.joint.offsets import section_offsets
from napari_trsmi.spots.blocks import Blocks, block_diagonal
from napari_trsmi.spots.order import canonical_order, clustered_order

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import scipy.sparse as sp
    from numpy.typing import NDArray

    from napari_trsmi.config import Config
    from napari_trsmi.data.section_set import SectionSet
    from napari_trsmi.joint.columns import SharedColumns

_HOPS = 6
"""Averages in which sections are compared: far enough that noise is gone."""


@dataclass(frozen=True, eq=False)
class SharedAxes:
    """Axes of one modality that mean the same in every section.

    Attributes
    ----------
    columns
        How a table becomes components.
    axes
        Components to scores, shape (n_components, n_factors).
    back
        Scores to components, shape (n_factors, n_components).
    offsets
        What is taken off the scores of each section that has the modality, by section name.
    groups
        Where groups of tissue lie that sections share, shape (n_groups, n_factors).
    """

    columns: SharedColumns
    axes: NDArray[np.float64]
    back: NDArray[np.float64]
    offsets: Mapping[str, NDArray[np.float64]]
    groups: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class JointProblem:
    """Sections as one problem; rows are section by section, in `order`.

    Attributes
    ----------
    blocks
        Which rows are of which section.
    order
        Positions of the rows among the spots of the `SectionSet`.
    spatial
        0/1 block-diagonal spatial graph.
    axes
        By modality.
    factors
        Scores on the shared axes of each modality, each (n_spots, n_factors_m); predicted where the
        modality was not measured.
    measured
        Which section has which modality, shape (n_sections, n_modalities).
    crossed
        Bridges over which scores were predicted, by section name, with their maps.
    notes
        One sentence for each thing worth knowing.
    """

    blocks: Blocks
    order: NDArray[np.int64]
    spatial: sp.csr_array
    axes: Mapping[str, SharedAxes]
    factors: tuple[NDArray[np.float64], ...]
    measured: NDArray[np.bool_]
    crossed: Mapping[str, Sequence[tuple[Bridge, LinearMap]]]
    notes: tuple[str, ...]

    @property
    def components(self) -> list[NDArray[np.float32]]:
        """What the network learns from: the components that the scores stand for."""
        return [
            (scores @ shared.back).astype(np.float32)
            for scores, shared in zip(self.factors, self.axes.values(), strict=True)
        ]


def joint_problem(
    data: SectionSet, config: Config, check: Callable[[], None] = lambda: None
) -> JointProblem:
    """Make several sections one problem.

    Parameters
    ----------
    data
        The sections.
    config
        Neighbours, genes, components, axes, seed.
    check
        Called between the steps of the work; what it raises ends it.

    Raises
    ------
    InputError
        If sections cannot be compared, or one is too small.
    """
    notes: list[str] = []
    names = data.names
    have = {section: omics.names for section, omics in data.sections.items()}
    ways = bridges(have, names)
    columns = {}
    for name in names:
        check()
        check_comparable(name, data.having(name))
        columns[name] = shared_columns(name, data.having(name), config, notes)
    orders, graphs = {}, {}
    parts: dict[str, dict[str, NDArray[np.float64]]] = {name: {} for name in names}
    for section, omics in data.sections.items():
        check()
        own = {m.name: columns[m.name].components(m) for m in omics.modalities}
        order = canonical_order(omics.coordinates, omics.spots)
        order = order[clustered_order([block[order] for block in own.values()], seed=config.seed)]
        try:
            graphs[section] = spatial_graph(omics.coordinates[order], config.spatial_neighbors)
        except InputError as error:
            raise InputError(f"Section {section!r}: {error}") from error
        orders[section] = order
        for name, block in own.items():
            parts[name][section] = block[order]
    means = {section: row_normalized(add_self_loops(g)) for section, g in graphs.items()}
    axes, scores = {}, {}
    for name in names:
        check()
        axes[name], scores[name] = _shared_axes(
            columns[name], parts.pop(name), graphs, means, config
        )
    crossed: dict[str, list[tuple[Bridge, LinearMap]]] = {}
    for section, over in ways.items():
        crossed[section] = [(bridge, _map(bridge, scores, means)) for bridge in over]
    for section, maps in crossed.items():
        for bridge, predict in maps:
            inputs = np.hstack([scores[source][section] for source in bridge.sources])
            scores[bridge.target][section] = predict(inputs)
            notes.append(
                f"Section {section} has no {bridge.target}: predicted from "
                f"{' and '.join(bridge.sources)}, as in {', '.join(bridge.sections)}."
            )
    starts = np.cumsum([0, *(omics.n_spots for omics in data.sections.values())])
    return JointProblem(
        Blocks(tuple(omics.n_spots for omics in data.sections.values())),
        np.concatenate([orders[s] + start for s, start in zip(orders, starts, strict=False)]),
        block_diagonal(list(graphs.values())),
        axes,
        tuple(np.vstack([scores[name][section] for section in data.sections]) for name in names),
        np.array([[name in own for name in names] for own in have.values()]),
        crossed,
        tuple(notes),
    )


def _shared_axes(
    columns: SharedColumns,
    parts: Mapping[str, NDArray[np.float64]],
    graphs: Mapping[str, sp.csr_array],
    means: Mapping[str, sp.csr_array],
    config: Config,
) -> tuple[SharedAxes, dict[str, NDArray[np.float64]]]:
    """The axes of a modality, and each section's scores on them."""
    size = columns.loadings.shape[1]
    covariance, noise, n_spots = np.zeros((size, size)), np.zeros((size, size)), 0
    for section, block in parts.items():
        covariance += block.T @ block
        noise += len(block) * between_neighbors(block, graphs[section])
        n_spots += len(block)
    covariance, noise = covariance / n_spots, shrunk(noise / n_spots, n_spots=n_spots)
    axes = factor_axes(covariance, noise, n_factors=max(config.region_factors))
    scores = {section: block @ axes for section, block in parts.items()}
    averaged = [averaged_scores(scores[section], means[section]) for section in scores]
    found, groups = section_offsets(averaged, seed=config.seed)
    offsets = dict(zip(scores, found, strict=True))
    shared = SharedAxes(columns, axes, axes.T @ noise, offsets, groups)  # UᵀNU = 1: UᵀN undoes U
    return shared, {section: block - offsets[section] for section, block in scores.items()}


def averaged_scores(scores: NDArray[np.float64], mean: sp.csr_array) -> NDArray[np.float64]:
    """Scores averaged over so much of the tissue that little but the tissue is left.

    Parameters
    ----------
    scores
        Of one section, shape (n_spots, n_factors).
    mean
        Over a spot and its neighbours, (n_spots, n_spots).
    """
    averaged = scores
    for _ in range(min(_HOPS, max(1, round(len(scores) ** 0.5 / 3)))):
        averaged = mean @ averaged
    return averaged


def _map(
    bridge: Bridge,
    scores: Mapping[str, Mapping[str, NDArray[np.float64]]],
    means: Mapping[str, sp.csr_array],
) -> LinearMap:
    """Fitted to averages: what single spots share by chance is noise."""
    inputs, outputs = [], []
    for section in bridge.sections:
        own = [averaged_scores(scores[name][section], means[section]) for name in bridge.sources]
        inputs.append(np.hstack(own))
        outputs.append(averaged_scores(scores[bridge.target][section], means[section]))
    return LinearMap.fit(np.vstack(inputs), np.vstack(outputs))

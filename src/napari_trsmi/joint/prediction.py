"""Values of a table that a section lacks, with what is not known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData

from napari_trsmi.graphs.normalize import add_self_loops, row_normalized
from napari_trsmi.joint.bridge import LinearMap
from napari_trsmi.joint.columns import scaled
from napari_trsmi.preprocessing.counts import dense

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_trsmi.data.section_set import SectionSet
    from napari_trsmi.joint.bridge import Bridge
    from napari_trsmi.joint.preparing import JointProblem

_HOPS = (0, 1, 2, 4, 6)
"""Averages that a prediction may start from: that which leaves the least over is taken."""

DEVIATION = "deviation"
"""Layer of the standard deviations."""


def predicted_tables(data: SectionSet, problem: JointProblem) -> dict[str, AnnData]:
    """Predict what was not measured.

    A ridge regression from the shared axes of the tables that a section has, averaged over
    neighbours, fitted where both were measured.

    Parameters
    ----------
    data
        The sections.
    problem
        Of them.

    Returns
    -------
    By modality that some section lacks: spots that lack it x the features that the axes are made
    of. ``X`` is in standard deviations from the mean of a section that was measured, the layer
    ``deviation`` has the standard deviation of a measured spot around it, and ``obs`` says the
    section.
    """
    names = list(data.sections)
    parts: dict[str, list[AnnData]] = {}
    for block, (section, crossed) in enumerate(problem.crossed.items()):
        for bridge, _ in crossed:
            shared = problem.axes[bridge.target]
            features = shared.columns.features
            measured = np.vstack(
                [_measured(data, problem, names.index(s), bridge.target) for s in bridge.sections]
            )
            best: tuple[float, int, LinearMap] | None = None
            for hops in _HOPS:
                inputs = np.vstack(
                    [_inputs(data, problem, names.index(s), bridge, hops) for s in bridge.sections]
                )
                fitted = LinearMap.fit(inputs, measured)
                left = float(np.square(fitted.deviations).sum())
                if best is None or left < best[0]:
                    best = (left, hops, fitted)
            assert best is not None  # noqa: S101
            _, hops, fitted = best
            own = _inputs(data, problem, block, bridge, hops)
            rows = problem.blocks.slices[block]
            spots = data.spots[problem.order[rows]]
            table = AnnData(
                X=fitted(own).astype(np.float32),
                obs=pd.DataFrame(
                    {"section": section},
                    index=spots,
                ),
                var=pd.DataFrame(index=features),
                layers={DEVIATION: fitted.uncertainty(own).astype(np.float32)},
            )
            parts.setdefault(bridge.target, []).append(table[data.sections[section].spots].copy())
    return {name: _joined(tables) for name, tables in parts.items()}


def _joined(tables: list[AnnData]) -> AnnData:
    from anndata import concat

    joined: AnnData = tables[0] if len(tables) == 1 else concat(tables)
    joined.obs = joined.obs.astype("category")
    return joined


def _measured(
    data: SectionSet, problem: JointProblem, block: int, name: str
) -> NDArray[np.float64]:
    """Scaled values of a modality in the order of the rows, centred, (n_spots, n_features)."""
    section = list(data.sections)[block]
    modality = next(m for s, m in data.having(name) if s == section)
    matrix, means = scaled(modality, problem.axes[name].columns.features)
    start = sum(problem.blocks.sizes[:block])
    order = problem.order[problem.blocks.slices[block]] - start
    values: NDArray[np.float64] = dense(matrix)[order] - means
    return values


def _inputs(
    data: SectionSet, problem: JointProblem, block: int, bridge: Bridge, hops: int
) -> NDArray[np.float64]:
    """Scores of the sources in a section, averaged over neighbours."""
    rows = problem.blocks.slices[block]
    scores = np.hstack([problem.factors[data.names.index(name)][rows] for name in bridge.sources])
    mean = row_normalized(add_self_loops(problem.blocks.graph_of(problem.spatial, block)))
    for _ in range(hops):
        scores = mean @ scores
    return scores

"""The graphs of a run as scanpy and squidpy lay them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from napari_trsmi.config import Config
from napari_trsmi.scverse.places import KEY, SPATIAL, Places
from napari_trsmi.spots.blocks import block_diagonal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_trsmi.result import TRSMIResult

_NEIGHBORS = 15  # of the embedding, as in scanpy and in our Leiden


@dataclass(frozen=True, eq=False)
class SpotGraph:
    """A graph of the run's spots, with the lengths of its edges and how it was made."""

    connectivities: sp.csr_matrix
    distances: sp.csr_matrix
    parameters: dict[str, Any]


def run_graphs(result: TRSMIResult, places: Places) -> dict[str, SpotGraph]:
    """Make the graph that the run began with, and the one that Leiden clusters."""
    if len(result.domains) < 2:
        return {}
    return {SPATIAL: spatial_neighbors(result), places.key: _embedding_neighbors(result, places)}


def spatial_neighbors(result: TRSMIResult) -> SpotGraph:
    """Make the graph of neighbours in space that the run began with."""
    from napari_trsmi.graphs.neighbors import spatial_graph

    k = min(int(_used(result, "spatial_neighbors")), len(result.domains) - 1)
    parameters = {"n_neighbors": k, "coord_type": "generic", "metric": "euclidean"}
    if result.sections is None:
        graph = spatial_graph(result.coordinates, k)
    else:  # a graph of each, whose rows may lie anywhere among those of the others
        rows = [result.sections.rows(name) for name in result.section_names]
        joined = block_diagonal([spatial_graph(result.coordinates[own], k) for own in rows])
        back = np.argsort(np.concatenate(rows))
        graph = sp.csr_array(joined[back][:, back])
    return _measured(graph, result.coordinates, parameters)


def _embedding_neighbors(result: TRSMIResult, places: Places) -> SpotGraph:
    from napari_trsmi.graphs.neighbors import feature_graph, unit_rows

    z = np.asarray(result.embedding, dtype=np.float64)
    if _used(result, "normalize_rows"):
        z = z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
    k = min(_NEIGHBORS, len(z) - 1)
    graph = feature_graph(z, k, seed=int(_used(result, "seed")))
    parameters = {"n_neighbors": k, "metric": "cosine", "use_rep": places.embedding}
    # On unit rows half the square of the distance is the cosine distance.
    return _measured(graph, unit_rows(z), parameters, cosine=True)


def _used(result: TRSMIResult, parameter: str) -> Any:
    """Return a parameter of the run, or the default where the record does not say."""
    return result.record.get("parameters", {}).get(parameter, getattr(Config(), parameter))


def _measured(
    graph: sp.csr_array, points: NDArray[Any], parameters: dict[str, Any], *, cosine: bool = False
) -> SpotGraph:
    edges = graph.tocoo()
    length = np.linalg.norm(
        np.asarray(points[edges.row], dtype=np.float64) - points[edges.col], axis=1
    )
    distances = sp.csr_matrix(
        (length**2 / 2 if cosine else length, (edges.row, edges.col)), shape=graph.shape
    )
    # "method" is a word of scanpy's, which asks it for the algorithm
    return SpotGraph(sp.csr_matrix(graph), distances, {**parameters, "method": KEY})


def graph_name(table: Any, name: str, places: Places) -> str:
    """Return what a graph is called: a table keeps a spatial graph of its own."""
    if name != SPATIAL or f"{SPATIAL}_connectivities" not in table.obsp:
        return name
    known = table.uns.get(f"{SPATIAL}_neighbors", {})
    own = isinstance(known, Mapping) and known.get("params", {}).get("method") == KEY
    return name if own else f"{places.key}_{SPATIAL}"


def write_graph(table: Any, rows: NDArray[np.intp], name: str, graph: SpotGraph) -> None:
    """Write a graph as scanpy and squidpy lay it out."""
    for what, matrix in (
        ("connectivities", graph.connectivities),
        ("distances", graph.distances),
    ):
        edges = matrix.tocoo()
        row, column = rows[edges.row], rows[edges.col]
        kept = (row >= 0) & (column >= 0)
        table.obsp[f"{name}_{what}"] = sp.csr_matrix(
            (edges.data[kept], (row[kept], column[kept])), shape=(table.n_obs, table.n_obs)
        )
    table.uns[f"{name}_neighbors"] = {
        "connectivities_key": f"{name}_connectivities",
        "distances_key": f"{name}_distances",
        "params": dict(graph.parameters),
    }

"""The feature matrix of a stored table, by its kind: the same as in memory, up to rounding."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from anndata import AnnData
from numpy.typing import NDArray

from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.stored import is_sparse
from napari_trsmi.preprocessing.chromatin import inverse_frequency, tf_idf, without_depth
from napari_trsmi.preprocessing.counts import dense, log_normalize, middle
from napari_trsmi.preprocessing.image.components import LIMIT
from napari_trsmi.preprocessing.metabolite import shares_of_total
from napari_trsmi.preprocessing.protein import centered_log_ratio
from napari_trsmi.preprocessing.rna import CLIP, LARGEST_LOGARITHM, LINEAR, at_most, enough_spots
from napari_trsmi.preprocessing.stored.axes import principal_components_of, singular_scores
from napari_trsmi.preprocessing.stored.columns import Columns
from napari_trsmi.preprocessing.stored.median import median_above_zero
from napari_trsmi.preprocessing.stored.variable_genes import stored_variable_genes

if TYPE_CHECKING:
    from napari_trsmi.config import Config
    from napari_trsmi.data.stored import StoredMatrix

Found: TypeAlias = tuple[NDArray[np.float32], list[str]]


def stored_components(matrix: StoredMatrix, kind: Kind, config: Config) -> Found:
    """Preprocess a table without holding it.

    What is done, and why, stands where it is done in memory: `napari_trsmi.preprocessing.rna` and
    the others.

    Parameters
    ----------
    matrix
        Spots x features.
    kind
        What it measures.
    config
        Numbers of genes and components, seed.

    Returns
    -------
    components
        ``float32``, shape (n_spots, n_components_m), rows in the order of `matrix`.
    notes
        One phrase for each thing worth knowing.
    """
    if kind is Kind.RNA:
        return _rna(matrix, config)
    if kind is Kind.CHROMATIN:
        return _chromatin(matrix, config)
    if kind is Kind.FEATURES:
        return _ready(matrix, config)
    matrix = matrix.then(dense)
    notes: list[str] = []
    if kind is Kind.PROTEIN:
        if Columns.of(matrix).whole:
            matrix = matrix.then(_centered_log_ratio)
        else:
            notes.append("values are not counts: taken as normalised, no centred log-ratio")
    elif kind is Kind.METABOLITE:
        matrix = matrix.then(shares_of_total)
        matrix = matrix.then(partial(_log_of, unit=median_above_zero(matrix)))
    limit = LIMIT if kind is Kind.IMAGE else np.inf
    return _standardized(matrix, config.n_components, limit), notes


def _rna(matrix: StoredMatrix, config: Config) -> Found:
    notes: list[str] = []
    columns = Columns.of(matrix)
    counted = columns.whole
    linear = counted or float(columns.high.max()) > LARGEST_LOGARITHM
    if linear and not counted:
        notes.append(LINEAR)
    elif not counted:
        notes.append("values are not counts: taken as normalised, no scaling to depth, no log")
    enough = enough_spots(matrix.shape[0])
    seen = columns.seen >= enough
    if seen.any() and not seen.all():
        notes.append(f"{int((~seen).sum())} genes seen in fewer than {enough} spots left out")
        matrix, columns = matrix[:, seen], columns.only(seen)
    logged = matrix
    if linear:
        depth = columns.depth if seen.all() else matrix.depth()
        logged = matrix.then(partial(_log_normalized, to=middle(depth)))
    if matrix.shape[1] > config.n_top_genes:
        if not counted:
            matrix, columns = logged, Columns.of(logged)
        chosen = stored_variable_genes(matrix, columns, config.n_top_genes, logged)
        if not chosen.any():
            return np.zeros((matrix.shape[0], 1), dtype=np.float32), notes
        notes.append(f"{int(chosen.sum())} highly variable genes kept")
        logged = logged[:, chosen]
    columns = Columns.of(logged)
    if not columns.differing.any():
        return np.zeros((matrix.shape[0], 1), dtype=np.float32), notes
    logged, columns = logged[:, columns.differing], columns.only(columns.differing)
    spread = np.sqrt(columns.variances)
    ceiling = (columns.means / spread + CLIP).astype(np.float32)
    scaled = logged.then(partial(_scaled, spread=spread.astype(np.float32), ceiling=ceiling))
    return principal_components_of(scaled, config.n_components), notes


def _chromatin(matrix: StoredMatrix, config: Config) -> Found:
    notes: list[str] = []
    columns = Columns.of(matrix)
    n = matrix.shape[0]
    if columns.whole:
        idf = inverse_frequency(columns.seen, n)
        weighted = matrix.then(partial(_tf_idf, idf=idf))
    else:
        notes.append("values are not counts: taken as normalised, no TF-IDF")
        weighted = matrix.then(_doubled)
    if not Columns.of(weighted).differing.any():
        return np.zeros((n, 1), dtype=np.float32), notes
    if weighted.shape[1] == 1:
        scores = dense(weighted.in_memory())
    else:
        wanted = max(1, min(config.n_components + 1, min(weighted.shape) - 1))
        scores = singular_scores(weighted, wanted, seed=config.seed)
    components, said = without_depth(scores, columns.depth, config.n_components)
    return components, notes + said


def _ready(matrix: StoredMatrix, config: Config) -> Found:
    if matrix.shape[1] <= config.n_components:
        return dense(matrix.in_memory()).astype(np.float32), []
    columns = Columns.of(matrix)
    if not columns.differing.any():
        return np.zeros((matrix.shape[0], 1), dtype=np.float32), []
    centred = matrix[:, columns.differing].then(
        partial(_standard, means=columns.means[columns.differing], spread=1.0, limit=np.inf)
    )
    said = f"{matrix.shape[1]} ready features reduced to {config.n_components} principal components"
    return principal_components_of(centred, config.n_components), [said]


def _standardized(
    matrix: StoredMatrix, n_components: int, limit: float = np.inf
) -> NDArray[np.float32]:
    """Components of columns at mean 0 and standard deviation 1; constant ones take no part."""
    columns = Columns.of(matrix)
    n = matrix.shape[0]
    differing = columns.differing
    if not differing.any():
        return np.zeros((n, 1), dtype=np.float32)
    known = columns.only(differing)
    spread = np.sqrt(known.variances * (n - 1) / n)
    step = partial(_standard, means=known.means, spread=spread, limit=limit)
    return principal_components_of(matrix[:, differing].then(step), n_components)


def _log_normalized(chunk: Any, to: float) -> Any:
    table = AnnData(chunk)
    log_normalize(table, to=to)
    return table.X


def _scaled(chunk: Any, spread: NDArray[np.float32], ceiling: NDArray[np.float32]) -> Any:
    if is_sparse(chunk):
        divided: Any = chunk.copy()
        divided.data = divided.data / spread[divided.indices]
    else:
        divided = chunk / spread
    return at_most(divided, ceiling)


def _centered_log_ratio(chunk: NDArray[Any]) -> NDArray[np.float64]:
    return centered_log_ratio(chunk.astype(np.float64))


def _log_of(chunk: NDArray[np.float64], unit: float) -> NDArray[np.float64]:
    logs: NDArray[np.float64] = np.log1p(chunk / unit)
    return logs


def _standard(
    chunk: Any, means: NDArray[np.float64], spread: NDArray[np.float64] | float, limit: float
) -> NDArray[np.float64]:
    standard: NDArray[np.float64] = np.clip((dense(chunk) - means) / spread, -limit, limit)
    return standard


def _tf_idf(chunk: Any, idf: NDArray[np.float64]) -> sp.csr_array:
    counts = _doubled(chunk)
    return tf_idf(counts, np.asarray(counts.sum(axis=1), dtype=np.float64).ravel(), idf)


def _doubled(chunk: Any) -> sp.csr_array:
    return sp.csr_array(chunk, dtype=np.float64)

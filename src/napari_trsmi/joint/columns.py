"""What sections have in common of a modality: its columns, and components of all of them.

Each section's values are made comparable between its spots and each column is scaled within the
section, so that depth, chemistry and the gain of a run are gone before anything is shared. The
components then are those of the covariance within sections. A table that is stored is read a
section at a time: for its variable genes, for the covariance and for its components.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from scipy.linalg import eigh

from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.counts import are_counts, dense
from napari_trsmi.preprocessing.values import comparable_values
from napari_trsmi.preprocessing.variable_genes import variable_genes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray

    from napari_trsmi.config import Config
    from napari_trsmi.data.dataset import Modality

_CLIP = 10.0  # standard deviations above the mean, as for one section's genes
_FEWEST_COLUMNS = 2
_MADE_ALONE = 1e-4
"""Of means and correlations: components of one section's own PCA are centred and uncorrelated."""


@dataclass(frozen=True, eq=False)
class SharedColumns:
    """How a section's table becomes components that mean the same in every section.

    Attributes
    ----------
    kind
        What the modality measures.
    features
        Names of the columns in common.
    loadings
        Components of the scaled columns, shape (n_features, n_components).
    """

    kind: Kind
    features: pd.Index
    loadings: NDArray[np.float64]

    def components(self, modality: Modality) -> NDArray[np.float64]:
        """A section's components, centred, shape (n_spots, n_components).

        Columns that the table lacks count as their mean.
        """
        present = self.features.isin(modality.table.var_names)
        matrix, means = scaled(modality, self.features[present])
        loadings = self.loadings[present]
        components: NDArray[np.float64] = np.asarray(matrix @ loadings) - means @ loadings
        return components


def scaled(modality: Modality, features: pd.Index) -> tuple[Any, NDArray[np.float64]]:
    """A section's comparable values with each column at standard deviation 1.

    Ready features keep their scales, which their program chose.

    Returns
    -------
    matrix
        Dense or sparse, not centred, ``float64``, shape (n_spots, n_features).
    means
        Of the columns, shape (n_features,).
    """
    values: Any = comparable_values(modality)[:, features].X
    is_sparse = hasattr(values, "tocsr")
    matrix: Any = (
        sp.csr_array(values, dtype=np.float64)
        if is_sparse
        else np.asarray(values, dtype=np.float64)
    )
    means = np.asarray(matrix.mean(axis=0)).ravel()
    if modality.kind is Kind.FEATURES:
        return matrix, means
    squares = matrix.multiply(matrix) if is_sparse else np.square(matrix)
    variances = np.asarray(squares.mean(axis=0)).ravel() - np.square(means)
    deviations = np.sqrt(np.maximum(variances, 0))
    inverse = np.divide(1.0, deviations, out=np.zeros_like(deviations), where=deviations > 1e-9)
    ceiling = means * inverse + _CLIP
    if is_sparse:
        matrix = sp.csr_array(matrix @ sp.diags_array(inverse))
        matrix.data = np.minimum(matrix.data, ceiling[matrix.indices])
    else:
        matrix = np.minimum(matrix * inverse, ceiling)
    return matrix, np.asarray(matrix.mean(axis=0)).ravel()


def common_features(
    name: str, having: Sequence[tuple[str, Modality]], notes: list[str]
) -> pd.Index:
    """Columns of a modality that all sections with it have.

    Parameters
    ----------
    name
        Of the modality.
    having
        Sections that have it.
    notes
        Gets a sentence when sections have other columns.

    Raises
    ------
    InputError
        If the kinds differ, or there are fewer than two in common.
    """
    kinds = {modality.kind for _, modality in having}
    if len(kinds) > 1:
        raise InputError(
            f"Table {name!r} is {listed(sorted(kind.value for kind in kinds))} in different "
            "sections. Give tables that measure different things different names."
        )
    indices = [modality.table.var_names for _, modality in having]
    shared: pd.Index = indices[0]
    for other in indices[1:]:
        shared = shared[shared.isin(other)]
    if len(shared) < min(_FEWEST_COLUMNS, *map(len, indices)):
        firsts = listed([f"{section} has {m.table.var_names[0]!r}" for section, m in having][:4])
        raise InputError(
            f"Table {name!r} has {counted(len(shared), 'feature')} in common between the sections: "
            f"{firsts}. Name features alike in all of them."
        )
    if any(len(index) != len(shared) for index in indices):
        sizes = listed([f"{section} {m.table.n_vars:,}" for section, m in having])
        notes.append(
            f"{name}: {len(shared):,} features that all sections share are used ({sizes})."
        )
    return shared


def shared_columns(
    name: str, having: Sequence[tuple[str, Modality]], config: Config, notes: list[str]
) -> SharedColumns:
    """Components of a modality from all sections that have it.

    Parameters
    ----------
    name
        Of the modality.
    having
        Sections that have it.
    config
        Numbers of genes and of components.
    notes
        Gets what is worth knowing.

    Raises
    ------
    InputError
        If the sections have nothing in common, or all spots are the same.
    """
    features = common_features(name, having, notes)
    kind = having[0][1].kind
    if kind is not Kind.FEATURES and len(features) > config.n_top_genes:
        features = features[_most_variable(features, having, config.n_top_genes)]
        notes.append(f"{name}: {len(features):,} features that vary most in the sections are kept.")
    covariance, n_spots = np.zeros((len(features), len(features))), 0
    for _, modality in having:
        matrix, means = scaled(modality, features)
        product = matrix.T @ matrix
        covariance += dense(product)
        covariance -= len(modality.table) * np.outer(means, means)
        n_spots += len(modality.table)
    covariance /= n_spots
    size = min(config.n_components, len(features))
    variances, axes = eigh(covariance, subset_by_index=[len(features) - size, len(features) - 1])
    if variances[-1] <= 1e-9:
        raise InputError(
            f"Table {name!r}: after preprocessing all spots of a section are the same, so it tells "
            "nothing about domains. Leave the table out, or check that it holds what it should."
        )
    kept = variances[::-1] > 1e-9 * variances[-1]
    return SharedColumns(kind, features, axes[:, ::-1][:, kept])


def check_comparable(name: str, having: Sequence[tuple[str, Modality]]) -> None:
    """Raise an `InputError` if ready features are principal components of each section by itself.

    These are centred and uncorrelated in every section, which components of all sections together
    are not: column 1 of one section then is not column 1 of another.
    """
    if len(having) < 2 or having[0][1].kind is not Kind.FEATURES:
        return
    if all(_uncorrelated(modality.in_memory().table) for _, modality in having):
        raise InputError(
            f"The features of {name!r} were made section by section: in each they are centred and "
            "uncorrelated, as a PCA of that section alone leaves them, so column 1 of "
            f"{having[0][0]} is not column 1 of {having[1][0]}. Pass the counts, or features that "
            "were made of all sections together, or run the sections one by one."
        )


def _uncorrelated(table: AnnData) -> bool:
    values = dense(table.X).astype(np.float64)
    spread = values.std(axis=0)
    if values.shape[1] < 2 or not (spread > 0).all():
        return False
    centred = values - values.mean(axis=0)
    correlation = (centred / spread).T @ (centred / spread) / len(values)
    off = np.abs(correlation - np.diag(correlation.diagonal())).max()
    return bool(off < _MADE_ALONE and np.abs(values.mean(axis=0) / spread).max() < _MADE_ALONE)


def _most_variable(
    features: pd.Index, having: Sequence[tuple[str, Modality]], wanted: int
) -> NDArray[np.bool_]:
    """Mark features that most sections call variable, ties by their order."""
    votes = np.zeros(len(features))
    for _, modality in having:
        table = modality.in_memory().table[:, features].copy()
        votes += variable_genes(table, wanted, counted=are_counts(table))
    chosen = np.zeros(len(features), dtype=bool)
    chosen[np.argsort(-votes, kind="stable")[:wanted]] = True
    return chosen & (votes > 0)

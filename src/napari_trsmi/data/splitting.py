"""One table becomes one or more modalities: by its name, feature types or feature blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata.utils import make_index_unique

from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.kinds import (
    KNOWN_KINDS,
    kind_from_features,
    kind_from_name,
    kind_from_word,
)
from napari_trsmi.data.parts import Part
from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anndata import AnnData
    from numpy.typing import NDArray

    from napari_trsmi.data.parts import Matrix, Source

# Blocks in obsm that show a table and do not measure anything of their own.
_EMBEDDINGS = ("pca", "lsi", "umap", "tsne", "phate", "diffmap", "draw_graph", "spatial", "trsmi")


def split(
    source: Source, features: Sequence[str] | None, notes: list[str], *, alone: bool
) -> list[Part]:
    """Take the modalities out of a table.

    Parameters
    ----------
    source
        The table.
    features
        Names of ``obsm`` blocks that are to be used instead of counts, with or without ``X_``.
    notes
        Gets a sentence for each guess.
    alone
        Whether it is the only table: then its feature names may tell what it is.

    Raises
    ------
    InputError
        When nothing tells what the table holds, or there is nothing in it.
    """
    blocks = [block for name in features or () if (block := find_block(source.table, name))]
    if not blocks and source.table.n_vars and _raw(source.table) is not None:
        return _counts(source, notes, alone=alone)
    return _blocks(source, blocks or _ready_blocks(source), notes)


def find_block(table: AnnData, name: str) -> str | None:
    """Return the key of the ``obsm`` block that `name` means, or None."""
    return next((key for key in (name, f"X_{name}") if key in table.obsm), None)


def feature_blocks(table: AnnData) -> list[str]:
    """List the ``obsm`` blocks that are modalities: ``X_<modality>``, no embedding.

    Sorted, as they come from a file: a table in memory gives the same order of modalities.
    """
    return sorted(key for key in table.obsm if key.startswith("X_") and not _is_embedding(key[2:]))


def _is_embedding(name: str) -> bool:
    return any(name == word or name.startswith(f"{word}_") for word in _EMBEDDINGS)


def _ready_blocks(source: Source) -> list[str]:
    blocks = feature_blocks(source.table)
    if not blocks:
        there = ", ".join(map(repr, source.table.obsm)) or "none"
        raise InputError(
            f"Table {source.label} has no counts (X is empty) and no feature blocks such as "
            f"obsm['X_rna']. Its blocks: {there}. Pass features=[...] to use one of these."
        )
    if source.key is None:
        return blocks
    own = [block for block in blocks if block[2:] == source.key]
    if len(own or blocks) > 1:
        raise InputError(
            f"Table {source.label} has several feature blocks: {', '.join(map(repr, blocks))}. "
            f"Pass the table without a name to use all, or features=['{blocks[0]}'] for one."
        )
    return own or blocks


def _blocks(source: Source, blocks: list[str], notes: list[str]) -> list[Part]:
    parts = []
    for block in blocks:
        name = block.removeprefix("X_")
        if source.key is not None and len(blocks) == 1:
            name = source.key
        label = f"{source.label}, block {block!r}"
        values = source.table.obsm[block]
        columns = values.columns if isinstance(values, pd.DataFrame) else None
        values = values.to_numpy() if isinstance(values, pd.DataFrame) else values
        matrix = _matrix(values, label)
        names = (
            [f"{name}_{i}" for i in range(matrix.shape[1])]
            if columns is None
            else map(str, columns)
        )
        parts.append(_part(name, Kind.FEATURES, label, matrix, source.table, names, notes))
    used = listed([f"obsm[{block!r}]" for block in blocks])
    notes.append(f"Ready features of table {source.label}: {used}.")
    return parts


def _counts(source: Source, notes: list[str], *, alone: bool) -> list[Part]:
    table = source.table
    types = _feature_kinds(table)
    present = [kind for kind in Kind if (types == kind).any()] if types is not None else []
    named = kind_from_word(source.key) if source.key else None
    if named is not None and (len(present) < 2 or named not in present):
        return [_count_part(source, source.key or named, named, notes, None)]
    if types is not None and present:
        wanted = present if named is None else [named]
        left_out = int((~types.isin(wanted)).sum())
        if left_out:
            notes.append(
                f"{counted(left_out, 'feature')} of other types in table {source.label} left out."
            )
        if named is None:
            notes.append(f"The feature types of table {source.label} say {listed(wanted)}.")
        return [
            _count_part(
                source,
                source.key if source.key and len(wanted) == 1 else kind,
                kind,
                notes,
                None if len(present) == 1 and not left_out else (types == kind).to_numpy(),
            )
            for kind in wanted
        ]
    kind = _guess(source, notes, alone=alone)
    return [_count_part(source, source.key or kind, kind, notes, None)]


def _feature_kinds(table: AnnData) -> pd.Series | None:
    """Return the kind of each feature as ``var["feature_types"]`` tells it."""
    if "feature_types" not in table.var:
        return None
    types: pd.Series[str] = table.var["feature_types"].astype(str)
    return types.map({name: kind_from_word(name) for name in types.unique()})


def _guess(source: Source, notes: list[str], *, alone: bool) -> Kind:
    for hint, what in ((source.key, "its name"), (source.file_name, "its file's name")):
        if hint and (kind := kind_from_name(hint)):
            notes.append(f"Table {source.label} is taken as {kind}: {what} says so.")
            return kind
    if alone and (kind := kind_from_features(source.table.var_names)):
        first = source.table.var_names[0]
        notes.append(
            f"Table {source.label} is taken as {kind}: its {source.table.n_vars:,} features have "
            f"names such as {first!r}."
        )
        return kind
    key = f"{source.key!r} is no known kind, and nothing" if source.key else "Nothing"
    raise InputError(
        f"{key} tells what table {source.label} holds. Known kinds: {KNOWN_KINDS}. Name it, as in "
        "{'rna': table} or rna=PATH."
    )


def _count_part(
    source: Source, name: str, kind: Kind, notes: list[str], columns: NDArray[np.bool_] | None
) -> Part:
    table = source.table
    matrix = _matrix(_columns(_raw(table), columns), source.label)
    if kind is not Kind.FEATURES and "counts" in table.layers and not _is_integer(matrix):
        matrix = _matrix(_columns(table.layers["counts"], columns), source.label)
        notes.append(f"X of table {source.label} is normalised: layers['counts'] is used.")
    names = table.var_names if columns is None else table.var_names[columns]
    return _part(str(name), kind, source.label, matrix, table, names, notes)


def _columns(values: Any, columns: NDArray[np.bool_] | None) -> Any:
    return values if columns is None else values[:, columns]


def _raw(table: AnnData) -> Any:
    return table.layers.get("counts") if table.X is None else table.X


def _part(
    name: str,
    kind: Kind,
    label: str,
    matrix: Matrix,
    table: AnnData,
    names: Iterable[str],
    notes: list[str],
) -> Part:
    features = pd.Index([str(feature) for feature in names], dtype=object)
    repeated = int(features.duplicated().sum())
    if repeated:
        features = make_index_unique(features)
        notes.append(
            f"{counted(repeated, 'repeated feature name')} of {name} got a number at the end."
        )
    return Part(name, kind, label, matrix, table.obs_names.astype(str), features)


def _is_integer(matrix: Matrix) -> bool:
    values = matrix.data if sp.issparse(matrix) else matrix
    return bool(np.all(values == np.rint(values)))


def _matrix(values: Any, label: str) -> Matrix:
    """Copy to float32, CSR if it is sparse."""
    array: Any = values if sp.issparse(values) else np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"Table {label} holds {array.dtype} values, not numbers. Convert them before loading."
        )
    if array.ndim != 2:
        raise InputError(
            f"Table {label} has shape {array.shape}. Pass two dimensions, spots x features."
        )
    if sp.issparse(array):
        sparse: Any = array  # CSC, COO, ... of any number type
        matrix: sp.csr_matrix[np.float32] = sp.csr_matrix(sparse, dtype=np.float32, copy=True)
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return matrix
    with np.errstate(over="ignore"):  # an overflow becomes inf, which the checks report
        dense: NDArray[np.float32] = np.array(array, dtype=np.float32, order="C")
    return dense

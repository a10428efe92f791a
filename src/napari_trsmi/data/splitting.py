"""One table becomes one or more modalities: by its name, feature types or feature blocks."""

from __future__ import annotations

import re
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
from napari_trsmi.data.layers import named_layers
from napari_trsmi.data.names import feature_names
from napari_trsmi.data.parts import Part
from napari_trsmi.data.places import in_obsm
from napari_trsmi.data.stored import StoredMatrix, is_lazy
from napari_trsmi.data.wording import counted, listed
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from anndata import AnnData
    from numpy.typing import NDArray

    from napari_trsmi.data.parts import Matrix, Source

# Blocks in obsm that show a table and do not measure anything of their own.
_PART = 1 << 22
"""Stored values, or rows, that are looked at at a time."""

_COUNTS = re.compile(r"count|raw|umi", flags=re.IGNORECASE)
"""What layers of counts are called."""

_EMBEDDINGS = ("pca", "lsi", "umap", "tsne", "phate", "diffmap", "draw_graph", "spatial", "trsmi")


class UnknownKindError(InputError):
    """Nothing tells what a table holds."""


def split_all(
    sources: Sequence[Source], features: Sequence[str] | None, notes: list[str]
) -> list[tuple[Source, list[Part]]]:
    """Take the modalities out of all tables, see `split`.

    A modality of unknown kind in a file of several is left out with a note, if others are known.

    Raises
    ------
    InputError
        As `split` does.
    """
    found: list[tuple[Source, list[Part]]] = []
    unknown: list[UnknownKindError] = []
    for source in sources:
        try:
            found.append((source, split(source, features, notes, alone=len(sources) == 1)))
        except UnknownKindError as error:
            if not source.is_optional:
                raise
            unknown.append(error)
    if unknown and not found:
        raise unknown[0]
    notes += [f"{error} It is left out." for error in unknown]
    return found


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
    if not blocks and source.table.n_vars and _values(source) is not None:
        return _counts(source, notes, alone=alone)
    return _blocks(source, blocks or _ready_blocks(source), notes)


def find_block(table: AnnData, name: str) -> str | None:
    """Return the key of the ``obsm`` block that `name` means, or None."""
    return next((key for key in (name, f"X_{name}") if key in table.obsm), None)


def feature_blocks(table: AnnData) -> list[str]:
    """List the ``obsm`` blocks that are modalities: ``X_<modality>``, no embedding.

    Sorted, as they come from a file: a table in memory gives the same order of modalities.
    """
    names = [key[2:] for key in table.obsm if key.startswith("X_")]
    # a run leaves domains beside its embedding, whatever it was called
    own = [name for name in names if f"{name}_domain" not in table.obs]
    return sorted(f"X_{name}" for name in own if not _is_embedding(name))


def _is_embedding(name: str) -> bool:
    return any(name == word or name.startswith(f"{word}_") for word in _EMBEDDINGS)


def _ready_blocks(source: Source) -> list[str]:
    blocks = feature_blocks(source.table)
    if not blocks:
        others = [block for block in source.table.obsm if block != in_obsm(source.table)]
        there = ", ".join(map(repr, others)) or "none"
        raise InputError(
            f"Table {source.label} has no counts (X is empty) and no feature blocks such as "
            f"obsm['X_rna']. Its other blocks: {there}. Add counts, or pass features=[...] to use "
            "one of these."
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
        kind = Kind.IMAGE if kind_from_word(name) is Kind.IMAGE else Kind.FEATURES
        parts.append(_part(name, kind, label, matrix, source.table, names, notes))
    used = listed([f"obsm[{block!r}]" for block in blocks])
    notes.append(f"Ready features of table {source.label}: {used}.")
    return parts


def _counts(source: Source, notes: list[str], *, alone: bool) -> list[Part]:
    label = source.label
    types = _feature_kinds(source.table.var)
    present = [kind for kind in Kind if (types == kind).any()] if types is not None else []
    named = kind_from_word(source.key) if source.key else None
    if named is not None and (len(present) < 2 or named not in present):
        return [_part_of(source, source.key or named, named, notes, None)]
    if types is not None and present:
        wanted = present if named is None else [named]
        left_out = int((~types.isin(wanted)).sum())
        if left_out:
            notes.append(
                f"{counted(left_out, 'feature')} of other types in table {label} left out."
            )
        if named is None:
            notes.append(f"The feature types of table {label} say {listed(wanted)}.")
        whole = len(present) == 1 and not left_out
        return [
            _part_of(
                source,
                source.key if source.key and len(wanted) == 1 else kind,
                kind,
                notes,
                None if whole else kind,
            )
            for kind in wanted
        ]
    kind = _guess(source, notes, alone=alone)
    return [_part_of(source, source.key or kind, kind, notes, None)]


def _feature_kinds(var: pd.DataFrame) -> pd.Series | None:
    """Return the kind of each feature as ``var["feature_types"]`` tells it."""
    if "feature_types" not in var:
        return None
    types: pd.Series[str] = var["feature_types"].astype(str)
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
    raise UnknownKindError(
        f"{key} tells what table {source.label} holds. Known kinds: {KNOWN_KINDS}. Name it, as in "
        "{'rna': table} or rna=PATH."
    )


def _part_of(source: Source, name: str, kind: Kind, notes: list[str], only: Kind | None) -> Part:
    """Make a part of a table's values, or of those whose feature type says `only`."""
    values, var = _chosen_values(source, kind, only, notes)
    names = feature_names(var, source.label, notes)
    matrix = _matrix(values, source.label)
    return _part(str(name), kind, source.label, matrix, source.table, names, notes)


def _values(source: Source) -> Any:
    table = source.table
    return _held(table.layers.get("counts") if table.X is None else table.X, source.label)


def _held(values: Any, label: str) -> Any:
    """Values in memory as they are, lazy ones as a matrix that is read in chunks."""
    return StoredMatrix.of(values, label) if is_lazy(values) else values


def _chosen_values(
    source: Source, kind: Kind, only: Kind | None, notes: list[str]
) -> tuple[Any, pd.DataFrame]:
    """Take the counts, wherever a table keeps them: in X, a layer or raw.

    Returns
    -------
    The values, and the annotations of their columns.
    """
    table = source.table
    values, var = _of_kind(_values(source), table.var, only)
    if kind is Kind.METABOLITE or not kind.is_counted or _are_counts(values):
        return values, var
    for place, others, columns in _elsewhere(table):
        found, its_var = _of_kind(_held(others, source.label), columns, only)
        if _are_counts(found):
            notes.append(f"X of table {source.label} is normalised: {place} is used.")
            return found, its_var
    # Scaled values say nothing about abundance; logged ones still do.
    if table.raw is not None and _lowest(values) < 0:
        raw = _held(table.raw.X, source.label)
        found, its_var = _of_kind(raw, _raw_columns(table), only)
        if _lowest(found) >= 0:
            notes.append(
                f"X of table {source.label} is scaled, and no counts are there: raw is used, which "
                "is normalised."
            )
            return found, its_var
    return values, var


def _elsewhere(table: AnnData) -> Iterator[tuple[str, Any, pd.DataFrame]]:
    """List where else a table may hold counts, the likeliest first."""
    named = [layer for layer in named_layers(table) if _COUNTS.search(layer)]
    for layer in sorted(named, key=lambda layer: layer != "counts"):
        yield f"layers[{layer!r}]", table.layers[layer], table.var
    if table.raw is not None:
        yield "raw", table.raw.X, _raw_columns(table)


def _raw_columns(table: AnnData) -> pd.DataFrame:
    """Annotations of raw's features, which may be more than X has."""
    var: pd.DataFrame = table.raw.var
    missing = [column for column in table.var if column not in var]
    return var.join(table.var[missing]) if table.var_names.is_unique else var


def _of_kind(values: Any, var: pd.DataFrame, only: Kind | None) -> tuple[Any, pd.DataFrame]:
    types = None if only is None else _feature_kinds(var)
    if types is None:
        return values, var
    columns = np.asarray(types == only)
    return values[:, columns], var.loc[columns]


def _part(
    name: str,
    kind: Kind,
    label: str,
    matrix: Matrix | StoredMatrix,
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


def _are_counts(values: Any) -> bool:
    """Whether all values are whole and none is negative."""
    if isinstance(values, StoredMatrix):
        return all(whole for _, whole in values.mapped(_are_counts))
    stored = _stored(values)
    if stored.dtype.kind not in "biuf":
        return False
    parts = (stored[start : start + _PART] for start in range(0, len(stored), _PART))
    return all(np.all(part >= 0) and np.all(part == np.rint(part)) for part in parts)


def _stored(values: Any) -> Any:
    if not sp.issparse(values):
        return np.asarray(values)
    sparse: Any = values
    return sparse.data if hasattr(sparse, "data") else sparse.tocsr().data


def _lowest(values: Any) -> float:
    if isinstance(values, StoredMatrix):
        return min((low for _, low in values.mapped(_lowest)), default=0.0)
    stored = _stored(values)
    return float(stored.min()) if stored.size and stored.dtype.kind in "biuf" else 0.0


def _matrix(values: Any, label: str) -> Any:
    """Copy to float32, CSR if it is sparse; what is stored stays so."""
    if isinstance(values, StoredMatrix):
        return values
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

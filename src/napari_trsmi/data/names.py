"""What features are called: symbols that people know, where a table has them beside its ids."""

from __future__ import annotations

import re

import pandas as pd

_ID = re.compile(r"^ENS[A-Z]*[GT]\d{6,}(\.\d+)?$")
_SYMBOLS = (
    *("feature_name", "gene_name", "gene_names", "gene_symbol", "gene_symbols", "symbol"),
    *("gene_short_name", "features", "name"),
)
"""Columns of ``var`` that hold them, in CELLxGENE's, scanpy's, GTF's and R's words."""


def feature_names(var: pd.DataFrame, label: str, notes: list[str]) -> pd.Index:
    """Return the names of a table's features: symbols in place of Ensembl ids.

    Parameters
    ----------
    var
        Annotations of the features, indexed by their names.
    label
        How messages call the table.
    notes
        Gets a sentence when symbols are taken.

    Returns
    -------
    As many names as rows; a feature without a symbol keeps its id.
    """
    names = var.index.astype(str)
    ids = names.str.match(_ID)
    column = next((c for c in var if str(c).lower() in _SYMBOLS), None)
    if not len(names) or ids.mean() < 0.9 or column is None:
        return names
    symbols = var[column].astype(object).where(var[column].notna(), "").astype(str).str.strip()
    known = (symbols != "").to_numpy()
    if not known.any():
        return names
    notes.append(
        f"Features of table {label} are called by {column!r}, not by their ids ({names[0]})."
    )
    return pd.Index(
        [symbol if symbol else name for symbol, name in zip(symbols, names, strict=True)]
    )

"""Which kind of modality a word, a feature type, a file name or feature names stand for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari_trsmi.data.dataset import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

# What people and programs call a kind: 10x feature types, MuData keys, prefixes.
_SYNONYMS: dict[Kind, frozenset[str]] = {
    kind: frozenset(words.split(", "))
    for kind, words in {
        Kind.RNA: (
            "rna, mrna, gex, gene, genes, gene expression, expression, transcript, transcripts, "
            "transcriptome, hvg"
        ),
        Kind.PROTEIN: (
            "protein, proteins, protein expression, prot, adt, adts, antibody, antibodies, "
            "antibody capture, antibody derived tags, cite, hvp"
        ),
        Kind.CHROMATIN: (
            "chromatin, chromatin accessibility, atac, peak, peaks, gene activity, "
            "gene activities, cut&tag, cut tag, cuttag, histone, histone modification, epigenome"
        ),
        Kind.METABOLITE: (
            "metabolite, metabolites, metabolome, metabolomics, lipid, lipids, lipidome, "
            "lipidomics, msi, maldi, maldi msi, mass spectrometry"
        ),
        Kind.IMAGE: "image, images, picture, histology, h&e, he",
        Kind.FEATURES: "feature, features",
    }.items()
}

KNOWN_KINDS = (
    "rna (gex, genes), protein (adt, antibody), chromatin (atac, peaks, gene activity, H3K27me3), "
    "metabolite (lipids, maldi), image (histology) and features"
)

_MARK = r"h(?:2[ab]|3|4)k\d+(?:me[123]?|ac|ub|cr|la)"
"""Histone marks, as CUT&Tag measures them."""

# A word counts only between separators: "journal.csv" holds no RNA, "generic.csv" no genes.
_IN_NAMES: dict[Kind, re.Pattern[str]] = {
    kind: re.compile(rf"(?<![a-z])(?:{words})(?:seq)?(?![a-z])")
    for kind, words in {
        Kind.RNA: r"(?:sc|sn|m)?rna|gex|genes?|hvgs?|transcript(?:s|ome|omics?)?",
        Kind.PROTEIN: r"adts?|prot(?:eins?|eome|eomics?)?|antibod(?:y|ies)|cite|hvps?",
        Kind.CHROMATIN: (
            rf"(?:sc|sn)?atac|peaks?|chromatin|gene activit(?:y|ies)|cut ?&? ?tag|{_MARK}"
        ),
        Kind.METABOLITE: r"metabol(?:ites?|ome|omics?)|lipid(?:s|ome|omics?)?|maldi|msi|desi",
    }.items()
}
_GENE_ACTIVITY = re.compile(r"gene activit(?:y|ies)")

_INTERVAL = re.compile(r"^(?:chr)?\w+[:\-_]\d+[\-_]\d+$")
_GENE_SYMBOL = re.compile(r"^[A-Za-z][A-Za-z0-9]*(?:[.\-_][A-Za-z0-9]+)*$")
_TELLING = 200
"""Feature names say something only when there are more than these."""


def kind_from_word(word: str) -> Kind | None:
    """Return the kind that `word` is a name of, or None.

    Examples
    --------
    >>> kind_from_word("Antibody Capture")
    <Kind.PROTEIN: 'protein'>
    """
    plain = _plain(word)
    if re.fullmatch(_MARK, plain):
        return Kind.CHROMATIN
    return next((kind for kind, words in _SYNONYMS.items() if plain in words), None)


def kind_from_name(name: str) -> Kind | None:
    """Return the one kind that a file's or a table's name mentions; None for none or several.

    Examples
    --------
    >>> kind_from_name("s1_adt.h5ad")
    <Kind.PROTEIN: 'protein'>
    >>> kind_from_name("rna_atac.h5ad") is None
    True
    """
    plain = _plain(name)
    if _GENE_ACTIVITY.search(plain):
        return Kind.CHROMATIN
    found = [kind for kind, words in _IN_NAMES.items() if words.search(plain)]
    return found[0] if len(found) == 1 else None


def kind_from_features(names: pd.Index) -> Kind | None:
    """Guess from many feature names: genomic intervals are peaks, varied symbols are genes.

    Names such as ``gene_1, gene_2, ...``, one stem with a running number, tell nothing.
    """
    if len(names) <= _TELLING:
        return None
    if _share(_INTERVAL, names) > 0.9:
        return Kind.CHROMATIN
    stems = {re.sub(r"[\d.\-_]+$", "", name) for name in names}
    varied = len(stems) > 0.1 * len(names) or _share(re.compile(r"^ENS[A-Z]*G\d+"), names) > 0.9
    return Kind.RNA if varied and _share(_GENE_SYMBOL, names) > 0.9 else None


def _share(pattern: re.Pattern[str], names: Iterable[str]) -> float:
    hits = [bool(pattern.match(name)) for name in names]
    return sum(hits) / len(hits)


def _plain(text: str) -> str:
    return re.sub(r"[\s_\-.]+", " ", text).strip().lower()

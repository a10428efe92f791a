"""How well domains agree with labels: the nine published metrics and their four averages.

The averages are those that SpatialGlue (Long et al. 2024, Nature Methods) and its
successors are compared by; TRSMI (doi 10.1109/ICASSP55912.2026.11461685) reports them too.
All are stored times 100, as published. MI is in nats and has no upper bound of 100, so the
overall average is no percentage and does not compare across data sets: read it beside the
nine, and beside `degenerate_scores`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd
from sklearn.metrics import (
    adjusted_mutual_info_score,
    adjusted_rand_score,
    fowlkes_mallows_score,
    homogeneity_completeness_v_measure,
    mutual_info_score,
    normalized_mutual_info_score,
)
from sklearn.metrics.cluster import pair_confusion_matrix

from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Labelling: TypeAlias = pd.Series | pd.Categorical | ArrayLike | Sequence[object]


@dataclass(frozen=True)
class Scores:
    """Agreement of a set of domains with labels; every metric is times 100.

    Attributes
    ----------
    mi, nmi, ami
        Mutual information in nats, normalised and adjusted (arithmetic mean of entropies).
    fmi, ari, v_measure
        Fowlkes-Mallows index, adjusted Rand index, V-measure.
    f1, jaccard
        Over pairs of spots: a pair that shares its label and its domain is a true positive.
    completeness
        How far the spots of one label share one domain.
    n_spots
        Spots that were scored.
    n_unlabelled
        Spots left out because their label or their domain is missing.
    n_unmatched
        Names that only one of the two had; 0 where they were matched by position.
    """

    mi: float
    nmi: float
    ami: float
    fmi: float
    ari: float
    v_measure: float
    f1: float
    jaccard: float
    completeness: float
    n_spots: int
    n_unlabelled: int = 0
    n_unmatched: int = 0

    @property
    def info_avg(self) -> float:
        """Mean of MI, NMI and AMI."""
        return (self.mi + self.nmi + self.ami) / 3

    @property
    def clust_avg(self) -> float:
        """Mean of FMI, ARI and V-measure."""
        return (self.fmi + self.ari + self.v_measure) / 3

    @property
    def class_avg(self) -> float:
        """Mean of pair F1, pair Jaccard and completeness."""
        return (self.f1 + self.jaccard + self.completeness) / 3

    @property
    def overall_avg(self) -> float:
        """Mean of the three averages."""
        return (self.info_avg + self.clust_avg + self.class_avg) / 3

    def as_dict(self) -> dict[str, float]:
        """Return the nine metrics and the four averages under their published names."""
        return {
            "MI": self.mi,
            "NMI": self.nmi,
            "AMI": self.ami,
            "FMI": self.fmi,
            "ARI": self.ari,
            "V-measure": self.v_measure,
            "F1": self.f1,
            "Jaccard": self.jaccard,
            "Completeness": self.completeness,
            "Info-Avg": self.info_avg,
            "Clust-Avg": self.clust_avg,
            "Class-Avg": self.class_avg,
            "Overall-Avg": self.overall_avg,
        }


def score(labels: Labelling, domains: Labelling) -> Scores:
    """Score domains against labels.

    Two pandas Series are matched by spot name, whatever their order; anything else by
    position. Spots without a label or without a domain are left out and counted.

    Parameters
    ----------
    labels
        The reference, length n_spots: strings, integers or categories; NaN or None where
        a spot has none.
    domains
        What is scored, likewise.

    Returns
    -------
    The nine metrics times 100, and how many spots they rest on.

    Raises
    ------
    InputError
        If names repeat or none is shared, if lengths differ, or if fewer than two spots have
        both a label and a domain.
    """
    n_unmatched = 0
    if isinstance(labels, pd.Series) and isinstance(domains, pd.Series):
        labels, domains, n_unmatched = _matched(labels, domains)
    label_codes, domain_codes = _codes(labels, "labels"), _codes(domains, "domains")
    if len(label_codes) != len(domain_codes):
        raise InputError(
            f"There are {len(label_codes)} labels but {len(domain_codes)} domains. Pass both as "
            "pandas Series indexed by spot name, so that they can be matched."
        )
    known = (label_codes >= 0) & (domain_codes >= 0)
    n_spots = int(known.sum())
    if n_spots < 2:
        raise InputError(
            f"Only {n_spots} of {len(known)} spots have both a label and a domain; at least 2 are "
            "needed. Check that the column named as labels is filled in."
        )
    return _score_codes(
        label_codes[known],
        domain_codes[known],
        n_unlabelled=len(known) - n_spots,
        n_unmatched=n_unmatched,
    )


def degenerate_scores(labels: Labelling, n_domains: int, seed: int = 0) -> dict[str, Scores]:
    """Score answers that know nothing of the tissue, to read real scores against.

    Parameters
    ----------
    labels
        The reference, length n_spots, as for `score`.
    n_domains
        Number of domains of the ``random domains`` row.
    seed
        Seed of the permutation and of the random domains.

    Returns
    -------
    ``one domain`` (every spot the same), ``permuted labels`` (the labels themselves, dealt out
    at random) and ``random domains`` (`n_domains` of about equal size).

    Raises
    ------
    InputError
        If `n_domains` is not positive, or as for `score`.
    """
    if n_domains < 1:
        raise InputError(f"n_domains is {n_domains}; it must be at least 1.")
    codes = _codes(labels, "labels")
    codes = codes[codes >= 0]
    rng = np.random.default_rng(seed)
    return {
        "one domain": score(codes, np.zeros(len(codes), dtype=np.int64)),
        "permuted labels": score(codes, rng.permutation(codes)),
        "random domains": score(codes, rng.integers(n_domains, size=len(codes))),
    }


def _matched(labels: pd.Series, domains: pd.Series) -> tuple[pd.Series, pd.Series, int]:
    """Bring two Series to their shared spots, in the order of the labels."""
    for what, series in (("labels", labels), ("domains", domains)):
        if not series.index.is_unique:
            repeated = series.index[series.index.duplicated()][0]
            raise InputError(
                f"Spot name {repeated!r} occurs more than once in the {what}. Make the names "
                "unique, so that labels and domains can be matched."
            )
    if labels.index.equals(domains.index):
        return labels, domains, 0
    shared = labels.index[labels.index.isin(domains.index)]
    if shared.empty:
        raise InputError(
            f"Labels and domains share no spot name (labels: {list(labels.index[:2])}, domains: "
            f"{list(domains.index[:2])}). Index both by the same barcodes."
        )
    n_unmatched = len(labels) + len(domains) - 2 * len(shared)
    return labels.loc[shared], domains.loc[shared], n_unmatched


def _codes(values: Labelling, what: str) -> NDArray[np.int64]:
    """Return an integer for each distinct value, -1 where the value is missing."""
    vector = values if isinstance(values, pd.Series | pd.Categorical) else np.asarray(values)
    if vector.ndim != 1:
        raise InputError(
            f"The {what} have shape {vector.shape}; one value per spot is needed, so pass one "
            "column."
        )
    codes, _ = pd.factorize(vector)
    return codes.astype(np.int64, copy=False)


def _score_codes(
    labels: NDArray[np.int64],
    domains: NDArray[np.int64],
    *,
    n_unlabelled: int,
    n_unmatched: int,
) -> Scores:
    _, completeness, v_measure = homogeneity_completeness_v_measure(labels, domains)
    f1, jaccard = _pair_f1_and_jaccard(labels, domains)
    return Scores(
        mi=100 * float(mutual_info_score(labels, domains)),
        nmi=100 * float(normalized_mutual_info_score(labels, domains)),
        ami=100 * float(adjusted_mutual_info_score(labels, domains)),
        fmi=100 * float(fowlkes_mallows_score(labels, domains)),
        ari=100 * float(adjusted_rand_score(labels, domains)),
        v_measure=100 * float(v_measure),
        f1=100 * f1,
        jaccard=100 * jaccard,
        completeness=100 * float(completeness),
        n_spots=len(labels),
        n_unlabelled=n_unlabelled,
        n_unmatched=n_unmatched,
    )


def _pair_f1_and_jaccard(
    labels: NDArray[np.int64], domains: NDArray[np.int64]
) -> tuple[float, float]:
    """F1 and Jaccard over pairs of spots; 1 where neither side joins any two spots."""
    # Python integers: the pairs of a million spots squared pass 2**63 in later products.
    (_, only_domain), (only_label, both) = pair_confusion_matrix(labels, domains).tolist()
    joined = both + only_label + only_domain
    if joined == 0:
        return 1.0, 1.0
    return 2 * both / (both + joined), both / joined

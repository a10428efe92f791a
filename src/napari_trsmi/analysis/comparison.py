"""Two labellings of the same spots side by side: how far they agree, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.analysis.metrics import score
from napari_trsmi.clustering.domains import match_to_reference
from napari_trsmi.palette import extended_colors

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


@dataclass(frozen=True, eq=False)
class Comparison:
    """A second labelling compared with a first one.

    Attributes
    ----------
    ari, nmi
        Adjusted Rand index and normalised mutual information, times 100 as in `score`.
    n_spots
        Spots that both have a label for.
    n_unlabelled
        Spots of both that miss a label in one of them.
    n_unmatched
        Spots that only one of them has.
    matched
        The first's name for each of the second's that has a partner, by most spots in common, one
        to one.
    first, second
        The labels of the `n_spots` spots, categorical with string categories, indexed by spot
        name in the order of the first.
    """

    ari: float
    nmi: float
    n_spots: int
    n_unlabelled: int
    n_unmatched: int
    matched: dict[str, str]
    first: pd.Series
    second: pd.Series

    @property
    def disagreement(self) -> pd.Series:
        """Whether a spot's two labels are no partners; bool, indexed by spot name."""
        differs = self.second.astype(object).map(self.matched) != self.first.astype(object)
        return differs.astype(bool).rename("disagreement")

    @property
    def n_differing(self) -> int:
        """Number of spots whose two labels are no partners."""
        return int(self.disagreement.sum())

    def second_colors(self, first_colors: Mapping[str, str]) -> dict[str, str]:
        """Colours for the second's labels that make the two comparable by eye.

        Parameters
        ----------
        first_colors
            Hex colours of the first's labels, by name.

        Returns
        -------
        Hex colours by the second's names, in the order of its categories: that of the partner, and
        for those without one, colours that the first does not use.
        """
        names = [str(name) for name in self.second.cat.categories]
        # A prefix keeps the second's own names apart from the first's.
        partners = {name: self.matched.get(name, f"\0{name}") for name in names}
        colors = extended_colors(first_colors, list(partners.values()))
        return {name: colors[partner] for name, partner in partners.items()}


def compare(first: pd.Series, second: pd.Series) -> Comparison:
    """Compare two runs, or a run with annotations.

    Parameters
    ----------
    first, second
        Labels indexed by spot name, in any order; NaN or None where a spot has none. The names of
        the second are matched to those of the first.

    Raises
    ------
    InputError
        If spot names repeat or none is shared, or fewer than two spots have both labels.

    Examples
    --------
    >>> import pandas as pd
    >>> one = pd.Series(["a", "a", "b", "b"], index=list("wxyz"))
    >>> other = pd.Series(["2", "2", "1", "2"], index=list("wxyz"))
    >>> comparison = compare(one, other)
    >>> comparison.matched, comparison.n_differing
    ({'2': 'a', '1': 'b'}, 1)
    """
    scores = score(first, second)
    shared = first.index[first.index.isin(second.index)]
    labelled = first.loc[shared].notna() & second.loc[shared].notna()
    shared = shared[labelled.to_numpy()]
    mine, theirs = _categorical(first.loc[shared]), _categorical(second.loc[shared])
    return Comparison(
        ari=scores.ari,
        nmi=scores.nmi,
        n_spots=scores.n_spots,
        n_unlabelled=scores.n_unlabelled,
        n_unmatched=scores.n_unmatched,
        matched=_matched(mine, theirs),
        first=mine,
        second=theirs,
    )


def _categorical(labels: pd.Series) -> pd.Series:
    """Return the labels as text, in the order that their own categories have, if any."""
    known = labels.astype("category").cat.remove_unused_categories()
    return known.cat.rename_categories(str)


def _matched(first: pd.Series, second: pd.Series) -> dict[str, str]:
    theirs = np.asarray(first.cat.codes, dtype=np.int64) + 1
    mine = np.asarray(second.cat.codes, dtype=np.int64) + 1
    partner = match_to_reference(mine, theirs)
    # The pairing is complete, so that it may pair names that have no spot in common.
    together = np.unique(np.column_stack([mine, partner])[partner == theirs], axis=0)
    pairs = [
        (str(second.cat.categories[own - 1]), str(first.cat.categories[other - 1]))
        for own, other in together[np.argsort(together[:, 1])]
    ]
    return dict(pairs)

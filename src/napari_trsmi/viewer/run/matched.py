"""Which spots all tables of a run have, by their names."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from napari_trsmi.data.matching import shared_spots
from napari_trsmi.errors import TRSMIWarning

if TYPE_CHECKING:
    import pandas as pd


def same_names(one: dict[str, pd.Index], other: dict[str, pd.Index]) -> bool:
    """Whether tables by name have the same spots."""
    return list(one) == list(other) and all(
        mine is theirs or mine.equals(theirs)
        for mine, theirs in zip(one.values(), other.values(), strict=True)
    )


def matched(named: dict[str, pd.Index]) -> tuple[pd.Index, str]:
    """Return the spots that all have, and a sentence if some have not."""
    first = next(iter(named.values()))
    if all(spots is first or spots.equals(first) for spots in named.values()):
        return first, ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TRSMIWarning)  # the numbers are in the note
        notes: list[str] = []
        return shared_spots(named, notes), notes[0]

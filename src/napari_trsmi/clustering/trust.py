"""Which pictures a run listens to: those that go with its tables where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.data.dataset import Kind
from napari_trsmi.graphs.register import LEAST_SCORE, register_score
from napari_trsmi.preprocessing.image.modality import TRUST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import Modality

AXES = 6
"""Of each modality: those that tell most."""
ALWAYS = "always"


def trusted(
    modalities: Sequence[Modality],
    factors: Sequence[NDArray[np.float64]],
    coordinates: NDArray[np.float64],
) -> tuple[list[int], dict[str, float], list[str]]:
    """Choose the modalities of a run.

    Parameters
    ----------
    modalities
        All of them. A picture whose ``uns["trust"]`` is ``"always"`` is not looked at.
    factors
        The first `AXES` `autocorrelation_factors` of each, or more.
    coordinates
        Shape (n_spots, 2).

    Returns
    -------
    places
        Of those that take part: tables always, and pictures without tables.
    scores
        `register_score` of each picture that was looked at, by name.
    notes
        A sentence for each picture that is left out.
    """
    pictures = [place for place, m in enumerate(modalities) if m.kind is Kind.IMAGE]
    tables = [place for place in range(len(modalities)) if place not in pictures]
    scores: dict[str, float] = {}
    notes: list[str] = []
    left_out = set()
    if tables:
        known = np.hstack([factors[place][:, :AXES] for place in tables])
        for place in pictures:
            name = modalities[place].name
            if modalities[place].table.uns.get(TRUST) == ALWAYS:
                continue
            score = register_score(known, factors[place][:, :AXES], coordinates)
            scores[name] = score
            if score < LEAST_SCORE:
                left_out.add(place)
                notes.append(
                    f"{name}: the picture goes with the tables hardly better than when it is "
                    f"turned ({score:.1f} standard deviations, {LEAST_SCORE:g} are asked for), so "
                    "it is left out. Check that it shows this section and is in register; "
                    "ImageFeatures(trust='always') uses it all the same."
                )
    return [place for place in range(len(modalities)) if place not in left_out], scores, notes

"""How the spatial and the feature graph start to be mixed, found without labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from napari_trsmi.graphs.held_out import correlation, held_out
from napari_trsmi.spots.portion import WHOLE, Portion

if TYPE_CHECKING:
    import scipy.sparse as sp
    from numpy.typing import NDArray


@dataclass(frozen=True)
class GraphWeights:
    """Start of a modality's graph weights.

    Attributes
    ----------
    spatial, feature
        w_S and w_F, non-negative, sum 1.
    held_out_r2
        Share of the held-out components' variance that the two graphs together explain.
    """

    spatial: float
    feature: float
    held_out_r2: float

    @classmethod
    def even(cls) -> GraphWeights:
        """The published start, .5/.5."""
        return cls(0.5, 0.5, float("nan"))


def predictive_weights(
    features: NDArray[np.floating],
    spatial: sp.csr_array,
    *,
    k: int,
    power: float,
    floors: tuple[float, float] = (0.0, 0.0),
    seed: int,
    device: str = "cpu",
    portion: Portion = WHOLE,
) -> GraphWeights:
    """Start of w_S and w_F: what each graph adds to the prediction of held-out components.

    Held-out components are fitted by both neighbour means together (non-negative least squares).
    A graph's worth is its coefficient times √(R² - R² of the other graph alone). The coefficient
    by itself misleads: the mean over more neighbours varies less and so gets a larger one,
    however little it explains. What it adds by itself has no measure of how to mix.

    Parameters
    ----------
    features, spatial, k, seed, device, portion
        As for `held_out`.
    power
        The two worths are raised to this power and scaled to sum 1: 0 gives .5/.5, large values
        choose the better graph.
    floors
        Least weight of the spatial and of the feature graph, each in [0, .5].

    Returns
    -------
    GraphWeights
        .5/.5 when there are fewer than 2 components or neither graph predicts anything.
    """
    if features.shape[1] < 2:
        return GraphWeights.even()
    coefficients, added, explained = [], [], []
    parts = held_out(features, spatial, k=k, seed=seed, device=device, portion=portion)
    for part in parts:
        y = part.values.ravel()
        predictors = np.column_stack([part.in_space.ravel(), part.in_features.ravel()])
        solution, residual = nnls(predictors, y)
        both = 1.0 - residual**2 / max(float(y @ y), 1e-12)
        alone = correlation(predictors, y[:, None]) ** 2
        coefficients.append(solution)
        added.append(both - alone[::-1])
        explained.append(both)
    worth, gained, together = (
        portion.mean(np.reshape(each, (-1, width)))
        for each, width in ((coefficients, 2), (added, 2), (explained, 1))
    )
    worth, r2 = worth * np.sqrt(gained.clip(min=0)), float(together[0])
    if worth.max() <= 0:
        return GraphWeights(0.5, 0.5, r2)
    raised = (worth / worth.max()) ** power
    share = float(np.clip(raised[0] / raised.sum(), floors[0], 1 - floors[1]))
    return GraphWeights(share, 1 - share, r2)

"""How far space and the features' own similarity can be trusted, measured without labels.

Both measures hold out a random quarter of a modality's components and ask how well it is
predicted at a spot from its neighbours, the spot itself left out: its neighbours in space, or
its neighbours in a feature graph built on the other components, so that what is predicted is
never seen by the graph that predicts it. They look at a sample of the spots and cost O(n) for a
fixed sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from scipy.optimize import nnls

from napari_trsmi.graphs.neighbors import top_cosine, unit_rows
from napari_trsmi.graphs.normalize import row_normalized

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_PROBES = 3_000
_SPLITS = 2
_FOLDS = 4
_NOISE = 0.02
"""Share of variance below which a component counts as noise rather than as structure."""
_HALF_GAIN = 0.4
_STEEPNESS = 4


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


def spatial_share(
    features: NDArray[np.floating], spatial: sp.csr_array, *, k: int, seed: int
) -> NDArray[np.float64]:
    """How much of each component's structure is spatial.

    A component that similar spots share (its feature-graph neighbours predict it) although
    neighbours in space do not, such as a cell state scattered over the section, says nothing
    about tissue domains, and it draws edges between them. For component c the share is
    min(1, √((r_S² + ε) / (r_F² + ε))), with r_S and r_F the correlations of c with its mean over
    the neighbours in space and over the feature-graph neighbours. Noise (both near 0) keeps 1.

    Parameters
    ----------
    features
        Components of one modality, shape (n_spots, n_components).
    spatial
        Spatial graph without self loops, (n_spots, n_spots).
    k
        Neighbours in the feature graph.
    seed
        Seed of the sample and the splits.

    Returns
    -------
    ndarray
        Shape (n_components,), in (0, 1]; ones when there are fewer than 2 components.
    """
    n_components = features.shape[1]
    if n_components < 2:
        return np.ones(n_components)
    by_space = np.zeros(n_components)
    by_features = np.zeros(n_components)
    for part, target, in_space, in_features in _held_out(features, spatial, k, seed):
        by_space[part] += _correlation(in_space, target) / _SPLITS
        by_features[part] += _correlation(in_features, target) / _SPLITS
    ratio = (by_space**2 + _NOISE) / (by_features**2 + _NOISE)
    return np.sqrt(np.minimum(1.0, ratio))


def spatial_gain(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a component is multiplied by, given its `spatial_share`: a soft threshold.

    1 for a share of 1, about a half at .4, falling with the fourth power below, so that mostly
    spatial components stay as they are (measured in docs/defaults.md).
    """
    raised = share**_STEEPNESS
    half = _HALF_GAIN**_STEEPNESS
    return raised / (raised + half) * (1.0 + half)


def predictive_weights(
    features: NDArray[np.floating],
    spatial: sp.csr_array,
    *,
    k: int,
    power: float,
    floors: tuple[float, float] = (0.0, 0.0),
    seed: int,
) -> GraphWeights:
    """Start of w_S and w_F: what each graph adds to the prediction of held-out components.

    Held-out components are fitted by both neighbour means together (non-negative least squares).
    A graph's worth is its coefficient times √(R² - R² of the other graph alone). The coefficient
    by itself misleads: the mean over more neighbours varies less and so gets a larger one,
    however little it explains. What it adds by itself has no measure of how to mix.

    Parameters
    ----------
    features, spatial, k, seed
        As for `spatial_share`.
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
    for _, target, in_space, in_features in _held_out(features, spatial, k, seed):
        y = target.ravel()
        predictors = np.column_stack([in_space.ravel(), in_features.ravel()])
        solution, residual = nnls(predictors, y)
        together = 1.0 - residual**2 / max(float(y @ y), 1e-12)
        alone = _correlation(predictors, y[:, None]) ** 2
        coefficients.append(solution)
        added.append(together - alone[::-1])
        explained.append(together)
    worth = np.mean(coefficients, axis=0) * np.sqrt(np.mean(added, axis=0).clip(min=0))
    r2 = float(np.mean(explained))
    if worth.max() <= 0:
        return GraphWeights(0.5, 0.5, r2)
    raised = (worth / worth.max()) ** power
    share = float(np.clip(raised[0] / raised.sum(), floors[0], 1 - floors[1]))
    return GraphWeights(share, 1 - share, r2)


def _held_out(
    features: NDArray[np.floating], spatial: sp.csr_array, k: int, seed: int
) -> Iterator[
    tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
]:
    """For random quarters: their columns, their values at the probes and both neighbour means."""
    rng = np.random.default_rng(seed)
    n, n_components = features.shape
    centred = features - features.mean(axis=0)
    probes = np.sort(rng.permutation(n)[:_PROBES])
    in_space = row_normalized(spatial)[probes] @ centred
    k = min(k, n - 1)
    for _ in range(_SPLITS):
        folds = np.array_split(rng.permutation(n_components), min(_FOLDS, n_components))
        for held in folds:
            shown = np.setdiff1d(np.arange(n_components), held)
            unit = unit_rows(centred[:, shown])
            # one more neighbour than wanted: a probe finds itself
            found = top_cosine(unit[probes], unit, k + 1)
            others = found != probes[:, None]
            others[others.all(axis=1), -1] = False
            columns = found[others].reshape(len(probes), k)
            mean = sp.csr_array(
                (
                    np.full(columns.size, 1.0 / k),
                    columns.ravel(),
                    np.arange(0, columns.size + 1, k),
                ),
                shape=(len(probes), n),
            )
            yield held, centred[probes][:, held], in_space[:, held], mean @ centred[:, held]


def _correlation(
    predicted: NDArray[np.float64], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Column-wise cosine of centred data, negative ones as 0."""
    norms = np.linalg.norm(predicted, axis=0) * np.linalg.norm(target, axis=0)
    products = (predicted * target).sum(axis=0)
    cosines: NDArray[np.float64] = np.divide(
        products, norms, out=np.zeros_like(norms), where=norms > 0
    )
    return cosines.clip(min=0.0)

"""SMOPCA (Zhong et al. 2024), package ``smopca``.

Factor analysis of several tables with a Matérn kernel of space on the factors. The kernel is a
dense N x N matrix that is decomposed, O(N³). Coordinates are scaled to [0, 1] and its tutorials'
call is used: 20 factors, no intercept, length scale estimated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from SMOPCA.model import SMOPCA

from trsmi_benchmark.exchange import Output

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trsmi_benchmark.exchange import Inputs

_FACTORS = 20


def run(inputs: Inputs) -> Output:
    """Fit the model, and return the factors' posterior mean."""
    low, high = inputs.coordinates.min(axis=0), inputs.coordinates.max(axis=0)
    tables = [_standardized(block.features).T for block in inputs.blocks]
    model = SMOPCA(
        Y_list=tables,
        pos=(inputs.coordinates - low) / float((high - low).max()),
        Z_dim=min(_FACTORS, *(len(table) for table in tables)),
        intercept=False,
        omics_weight=False,
    )
    model.estimateParams(
        sigma_init_list=(1,) * len(tables),
        sigma_xtol_list=(1e-6,) * len(tables),
        gamma_init=1,
        estimate_gamma=True,
    )
    return Output(np.asarray(model.calculatePosterior()))


def _standardized(features: NDArray[np.floating]) -> NDArray[np.float64]:
    centred = np.asarray(features, dtype=np.float64) - features.mean(axis=0)
    scaled: NDArray[np.float64] = centred / np.maximum(centred.std(axis=0), 1e-12)
    return scaled

"""MOFA+ (Argelaguet et al. 2020, Genome Biology), package ``mofapy2``.

Gaussian likelihood on the components, one view a modality, the package's defaults of 10 factors
and 1,000 iterations at most, views scaled to unit variance as its authors advise where scales
differ. It knows nothing of space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from mofapy2.run.entry_point import entry_point

from trsmi_benchmark.exchange import Output

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Inputs


def run(inputs: Inputs) -> Output:
    """Fit the factor model, and return the factors' expectations."""
    model = entry_point()
    model.set_data_options(scale_views=True)
    model.set_data_matrix([[block.features.astype(np.float64)] for block in inputs.blocks])
    model.set_model_options()
    model.set_train_options(seed=inputs.seed, quiet=True)
    model.build()
    model.run()
    factors = model.model.nodes["Z"].getExpectations()["E"]
    return Output(np.asarray(factors))

"""PAST (Li et al. 2023, Nature Communications), package ``bio-past``.

Self-attention over spatial neighbours with a prior; without a reference section it is the
package's self-prior. Made for one table: here the modalities' components side by side, each
modality scaled to the same norm. 50 dimensions as in its tutorials, less where there are fewer
components.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import past
import torch
from anndata import AnnData

from trsmi_benchmark.blocks import side_by_side
from trsmi_benchmark.exchange import Output

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Inputs

_DIMENSIONS = 50


def run(inputs: Inputs) -> Output:
    """Train, and return the latent features."""
    past.setup_seed(inputs.seed)
    x = side_by_side(inputs.features).astype(np.float32)
    table = AnnData(X=x)
    table.obsm["spatial"] = inputs.coordinates
    cpu = torch.device("cpu")
    # it asks for more features than dimensions, in steps of 5
    dimensions = min(_DIMENSIONS, 5 * ((x.shape[1] - 1) // 5))
    model = past.PAST(d_in=x.shape[1], d_lat=dimensions)
    model.model_train(table, device=cpu)
    return Output(model.output(table, device=cpu).obsm["embedding"])

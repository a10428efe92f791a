"""SpaMV (Liu et al. 2025), package ``spamv``, in its mode for domain clustering.

Shared and private embeddings by a graph variational autoencoder of each modality, with the
package's defaults, on the components. Shim: ``numpy.Inf``, which numpy 2 has not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if not hasattr(np, "Inf"):
    np.Inf = np.inf  # type: ignore[attr-defined]  # noqa: NPY201  # the shim itself

import torch
from SpaMV.spamv import SpaMV

from trsmi_benchmark.exchange import Output
from trsmi_benchmark.rivals.tables import feature_table, rna_first

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Inputs


def run(inputs: Inputs) -> Output:
    """Train, and return shared and private embeddings side by side."""
    blocks = rna_first(inputs)
    model = SpaMV(
        [feature_table(inputs, block, key="embedding") for block in blocks],
        interpretable=False,
        omics_names=[block.name for block in blocks],
        device=torch.device("cpu"),
        random_seed=inputs.seed,
    )
    model.train()
    return Output(np.asarray(model.get_embedding()))

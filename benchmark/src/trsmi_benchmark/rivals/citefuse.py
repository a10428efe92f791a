"""CiteFuse's method (Kim et al. 2020, Bioinformatics), by the packages ``snfpy`` and scikit-learn.

CiteFuse itself is an R package; its two steps are similarity network fusion, here with snfpy's
defaults, and spectral clustering. Dense N x N matrices, 20 rounds of products. It knows nothing of
space, and has domains only, no embedding. Shim: scikit-learn 1.8 has renamed the argument
``force_all_finite`` that snfpy passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import snf.compute
from sklearn.cluster import spectral_clustering
from sklearn.utils.validation import check_array

from trsmi_benchmark.exchange import Output

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Inputs


def run(inputs: Inputs) -> Output:
    """Fuse the modalities' similarities, and cluster the fused one."""
    snf.compute.check_array = _check_array
    affinities = snf.make_affinity([block.features for block in inputs.blocks])
    fused = snf.snf(affinities)
    domains = spectral_clustering(fused, n_clusters=inputs.n_domains, random_state=inputs.seed)
    return Output(domains=np.asarray(domains, dtype=np.int64))


def _check_array(array: Any, *, force_all_finite: bool = True, **options: Any) -> Any:
    return check_array(array, ensure_all_finite=force_all_finite, **options)

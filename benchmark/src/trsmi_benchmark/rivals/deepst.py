"""DeepST (Xu et al. 2022, Nucleic Acids Research), package ``deepstkit``.

Augmented RNA counts, a denoising autoencoder and a graph attention network, with the package's
defaults and without an image. It is made for RNA alone, so other modalities are left out. Its own
domains are Leiden's at a resolution searched in 240 steps; the common clustering stands for them.

Shims: torch-sparse, of which it uses one constructor, cannot be had without a compiler, so
PyTorch's own sparse tensor takes its place (PyTorch Geometric takes either); torchvision, which it
imports for images only, is an empty module.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch_geometric.nn  # noqa: F401  # before the shim: it looks for the real torch-sparse

from trsmi_benchmark.exchange import Output
from trsmi_benchmark.rivals.tables import count_table

if TYPE_CHECKING:
    from torch import Tensor

    from trsmi_benchmark.exchange import Inputs

_COMPONENTS = 200


def _sparse_tensor(*, row: Tensor, col: Tensor, value: Tensor, sparse_sizes: Any) -> Tensor:
    index = torch.stack([row, col])
    return torch.sparse_coo_tensor(index, value, tuple(sparse_sizes)).coalesce()


def run(inputs: Inputs) -> Output:
    """Augment, build the graph and train."""
    _put_shims()
    import deepstkit

    torch.manual_seed(inputs.seed)
    np.random.seed(inputs.seed)  # noqa: NPY002  # what the package draws from
    table = count_table(inputs, inputs.block("rna"))
    table.X = table.X.toarray()
    pipeline = deepstkit.main.run(use_gpu=False)
    table = pipeline._get_augment(table, use_morphological=False)
    graph = pipeline._get_graph(table.obsm["spatial"])
    size = min(_COMPONENTS, table.n_vars - 1, table.n_obs - 1)
    data = pipeline._data_process(table, pca_n_comps=size)
    return Output(np.asarray(pipeline._fit(data=data, graph_dict=graph)))


def _put_shims() -> None:
    sparse = ModuleType("torch_sparse")
    sparse.SparseTensor = _sparse_tensor  # type: ignore[attr-defined]
    vision = ModuleType("torchvision")
    sys.modules.setdefault("torch_sparse", sparse)
    if importlib.util.find_spec("torchvision") is None:
        sys.modules["torchvision"] = vision
        for part in ("models", "transforms"):
            module = ModuleType(f"torchvision.{part}")
            setattr(vision, part, module)
            sys.modules[f"torchvision.{part}"] = module

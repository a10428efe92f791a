"""SpaMosaic (Yan et al. 2025), in its own environment, with the settings of its tutorials.

python -m trsmi_benchmark.mosaic.spamosaic FOLDER

The folder has ``inputs.npz``, ``sections.json`` and ``job.json``, and gets ``found.npy``. Of its
requirements torch-scatter has no build for current versions of torch: its one function that is
called is PyTorch Geometric's here. Its own domains need R's mclust, which is not here.
"""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def main(folder: Path) -> None:
    """Train it on the sections of a folder."""
    _stand_in_for_torch_scatter()
    import pandas as pd
    from anndata import AnnData
    from spamosaic.framework import SpaMosaic
    from spamosaic.preprocessing import ADT_preprocess, RNA_preprocess

    sections = json.loads((folder / "sections.json").read_text(encoding="utf-8"))
    seed = json.loads((folder / "job.json").read_text(encoding="utf-8"))["seed"]
    arrays = np.load(folder / "inputs.npz")
    names = list(dict.fromkeys(name for own in sections.values() for name in own))

    def table(section: str, name: str) -> AnnData | None:
        if name not in sections[section]:
            return None
        counts = arrays[f"{section}/{name}"]
        spots = [f"{section}-{spot}" for spot in range(len(counts))]
        return AnnData(
            X=counts,
            obs=pd.DataFrame({"src": section}, index=spots),
            var=pd.DataFrame(index=[f"{name}{j}" for j in range(counts.shape[1])]),
            obsm={"spatial": arrays[f"{section}/xy"]},
        )

    tables = {name: [table(section, name) for section in sections] for name in names}
    if "rna" in tables:
        RNA_preprocess(
            tables["rna"],
            batch_corr=True,
            favor="scanpy",
            n_hvg=5000,
            batch_key="src",
            key="dimred_bc",
        )
    if "adt" in tables:
        ADT_preprocess(
            tables["adt"], batch_corr=True, favor="clr", batch_key="src", key="dimred_bc"
        )
    model = SpaMosaic(
        modBatch_dict=tables,
        input_key="dimred_bc",
        batch_key="src",
        intra_knns=10,
        inter_knn_base=10,
        w_g=0.8,
        seed=seed,
        num_workers=1,
        device="cpu",
    )
    model.train(net="wlgcn", lr=0.01, T=0.01, n_epochs=100)
    found = model.infer_emb(tables, emb_key="emb", final_latent_key="merged_emb")
    embedding: NDArray[np.float64] = np.vstack([part.obsm["merged_emb"] for part in found])
    np.save(folder / "found.npy", embedding)


def _stand_in_for_torch_scatter() -> None:
    from torch_geometric.utils import scatter

    def scatter_add(src: Any, index: Any, dim: int = -1, dim_size: int | None = None) -> Any:
        return scatter(src, index, dim, dim_size, reduce="sum")

    module = types.ModuleType("torch_scatter")
    module.scatter_add = scatter_add  # type: ignore[attr-defined]
    sys.modules["torch_scatter"] = module


if __name__ == "__main__":
    main(Path(sys.argv[1]))

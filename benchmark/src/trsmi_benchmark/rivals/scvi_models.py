"""TotalVI (Gayoso et al. 2021) and MultiVI (Ashuach et al. 2023), package ``scvi-tools``.

Variational autoencoders of raw counts, with the package's defaults, epochs included. They know
nothing of space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scvi
from mudata import MuData

from trsmi_benchmark.exchange import Output
from trsmi_benchmark.rivals.tables import count_table

if TYPE_CHECKING:
    from trsmi_benchmark.exchange import Inputs


def total_vi(inputs: Inputs) -> Output:
    """RNA and protein."""
    scvi.settings.seed = inputs.seed
    table = count_table(inputs, inputs.block("rna"))
    proteins = inputs.block("protein").counts
    table.obsm["proteins"] = np.asarray(proteins.toarray() if proteins is not None else None)
    scvi.model.TOTALVI.setup_anndata(table, protein_expression_obsm_key="proteins")
    model = scvi.model.TOTALVI(table)
    model.train(accelerator="cpu", enable_progress_bar=False)
    return Output(model.get_latent_representation())


def multi_vi(inputs: Inputs) -> Output:
    """RNA and chromatin."""
    scvi.settings.seed = inputs.seed
    rna, chromatin = inputs.block("rna"), inputs.block("chromatin")
    tables = MuData({"rna": count_table(inputs, rna), "atac": count_table(inputs, chromatin)})
    scvi.model.MULTIVI.setup_mudata(tables, modalities={"rna_layer": "rna", "atac_layer": "atac"})
    model = scvi.model.MULTIVI(
        tables, n_genes=tables["rna"].n_vars, n_regions=tables["atac"].n_vars
    )
    model.train(accelerator="cpu", enable_progress_bar=False)
    return Output(model.get_latent_representation())

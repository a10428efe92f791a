"""The real cases that the benchmarks run on: tables, number of domains, label column."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_trsmi import SpatialOmics, score

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from napari_trsmi.evaluation.metrics import Scores

DATA = Path(
    os.environ.get("NAPARI_TRSMI_DATA", Path(__file__).parents[2] / "shared" / "data")
).resolve()


@dataclass(frozen=True)
class Case:
    """One section with labels, which are used to score and for nothing else."""

    name: str
    tables: dict[str, str] | str
    labels: str
    n_domains: int


CASES = (
    Case(
        "sim_triplet",
        {kind: f"sim_triplet/{kind}.h5ad" for kind in ("rna", "adt", "atac")},
        "domain",
        5,
    ),
    Case(
        "sim_complementary",
        {kind: f"sim_complementary/{kind}.h5ad" for kind in ("rna", "adt")},
        "domain",
        5,
    ),
    Case("mouse_brain_p22", "mouse_brain_p22/rna_atac_features.h5ad", "atac_cluster", 14),
    Case("dlpfc_151673", "dlpfc_151673/rna_features_visium.h5ad", "layer", 7),
    Case("human_lymph_node_a1", {"adt": "human_lymph_node_a1/adt.h5ad"}, "domain", 10),
    Case("her2_a1", {"rna": "her2_a1/rna.h5ad"}, "pathologist_label", 6),
)


def scored(
    case: Case, data: SpatialOmics, find: Callable[[int], pd.Series], n_seeds: int
) -> list[Scores]:
    """Scores of the domains that a method finds, one a seed."""
    labels = data.annotations[case.labels]
    return [score(labels, find(seed)) for seed in range(n_seeds)]


def case_tables(case: Case) -> dict[str, str] | str:
    """The case's tables with whole paths."""
    if isinstance(case.tables, str):
        return str(DATA / case.tables)
    return {name: str(DATA / path) for name, path in case.tables.items()}

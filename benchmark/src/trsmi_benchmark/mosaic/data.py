"""Sets of sections with labels, and their files as plain arrays for another environment."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from trsmi_benchmark.data.cases import data_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray


@dataclass(frozen=True)
class SectionsCase:
    """Sections of one study that share their domains.

    Attributes
    ----------
    name
        In the rows.
    n_domains
        As many as there are labels.
    files
        Of each table of each section, below the folder of data sets.
    """

    name: str
    n_domains: int
    files: Mapping[str, Mapping[str, str]]

    @property
    def paths(self) -> dict[str, dict[str, str]]:
        """As `napari_trsmi.integrate` takes them."""
        return {
            section: {table: str(data_folder() / file) for table, file in own.items()}
            for section, own in self.files.items()
        }

    @cached_property
    def tables(self) -> dict[str, dict[str, AnnData]]:
        """Read; the tables of a section have the same spots in the same order."""
        import anndata

        read = {
            section: {table: anndata.read_h5ad(path) for table, path in own.items()}
            for section, own in self.paths.items()
        }
        for own in read.values():
            first = next(iter(own.values()))
            for name, table in own.items():
                own[name] = table[first.obs_names].copy()
        return read

    @property
    def n_spots(self) -> dict[str, int]:
        """Of each section."""
        return {section: len(next(iter(own.values()))) for section, own in self.tables.items()}

    @property
    def section_of(self) -> NDArray[np.str_]:
        """The section of each spot, section by section."""
        return np.repeat(list(self.n_spots), list(self.n_spots.values()))

    def labels(self, section: str) -> pd.Series:
        """Of a section, by spot; to score and for nothing else."""
        table = next(iter(self.tables[section].values()))
        found: pd.Series = table.obs["domain"].astype(str)
        return found

    def coordinates(self, section: str) -> NDArray[np.float64]:
        """Of a section, (n_spots, 2)."""
        table = next(iter(self.tables[section].values()))
        return np.asarray(table.obsm["spatial"], dtype=np.float64)

    def write(self, folder: Path) -> None:
        """Write counts and coordinates to ``inputs.npz``, without labels."""
        arrays: dict[str, Any] = {}
        for section, own in self.tables.items():
            arrays[f"{section}/xy"] = self.coordinates(section)
            for name, table in own.items():
                arrays[f"{section}/{name}"] = _dense(table)
        about = {section: list(own) for section, own in self.tables.items()}
        (folder / "sections.json").write_text(json.dumps(about), encoding="utf-8")
        np.savez(folder / "inputs.npz", **arrays)


def _dense(table: AnnData) -> NDArray[np.float32]:
    values = table.X.toarray() if hasattr(table.X, "toarray") else np.asarray(table.X)
    return values.astype(np.float32)


CASES = {
    case.name: case
    for case in (
        SectionsCase(
            "mosaic",
            5,
            {
                "s1": {
                    "rna": "sections/mosaic_s1_rna.h5ad",
                    "adt": "sections/mosaic_s1_adt.h5ad",
                },
                "s2": {"rna": "sections/mosaic_s2_rna.h5ad"},
                "s3": {"adt": "sections/mosaic_s3_adt.h5ad"},
            },
        ),
        SectionsCase(
            "lymph_node",
            10,
            {
                "a1": {"adt": "human_lymph_node_a1/adt.h5ad"},
                "d1": {"adt": "sections/human_lymph_node_d1_adt.h5ad"},
            },
        ),
    )
}
"""By name."""

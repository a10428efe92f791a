"""Published sections in public records, with their labels as the papers scored against them.

Where the files lie is as in the layout that PRAGA's instructions ask for (HLN/, Mouse_Brain/;
https://zenodo.org/records/14591305). What archives they come in is not relied on: a file is
found by how its path ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

    from napari_trsmi import SpatialOmics

LABELS = "published_label"
_READY = "X_lsi"
_COMMON_GENE = 10


@dataclass(frozen=True)
class PublicSection:
    """Tables of a public record, and a text file of labels.

    Attributes
    ----------
    record
        One of `napari_trsmi.public_data.RECORDS`.
    tables
        By modality name, how the file's path ends.
    labels
        How the path of the labels ends: one a line, in the order of the first table.
    min_genes
        The labels leave out spots with fewer genes (of those found in 10 spots); 0 where there is
        a label for every spot.
    """

    record: str
    tables: tuple[tuple[str, str], ...]
    labels: str
    min_genes: int = 0

    def is_here(self) -> bool:
        """Whether all its files have been downloaded."""
        return all(self._found(end) for end in (*dict(self.tables).values(), self.labels))

    def load(self) -> SpatialOmics:
        """Read it; the labels are the column `LABELS`.

        Raises
        ------
        InputError
            If a file is missing or is no table, or the labels do not fit the first table.
        """
        from anndata import read_h5ad

        from napari_trsmi import load

        tables = {name: read_h5ad(self._path(end)) for name, end in self.tables}
        name = self.tables[0][0]
        tables[name] = self._labelled(tables[name])
        ready = any(_READY in table.obsm for table in tables.values())
        return load(tables, features=[_READY] if ready else None)

    def _labelled(self, table: AnnData) -> AnnData:
        path = self._path(self.labels)
        labels = path.read_text(encoding="utf-8").split()
        kept = np.ones(table.n_obs, dtype=bool)
        if self.min_genes and len(labels) != table.n_obs:
            found = table.X > 0
            common = np.asarray(found.sum(axis=0)).ravel() >= _COMMON_GENE
            kept = np.asarray(found[:, common].sum(axis=1)).ravel() >= self.min_genes
        if len(labels) != kept.sum():
            raise InputError(
                f"{path} has {len(labels)} labels for {int(kept.sum())} spots of "
                f"{self._path(self.tables[0][1])}. The record has changed; tell the developers."
            )
        table = table[kept].copy()
        table.obs[LABELS] = labels
        return table

    def _path(self, end: str) -> Path:
        found = self._found(end)
        if not found:
            raise InputError(f"Record {self.record!r} has no {end}. Download it again.")
        return found[0]

    def _found(self, end: str) -> list[Path]:
        from napari_trsmi import public_data

        parts = PurePosixPath(end).parts
        folder = public_data.folder_of(self.record)
        return sorted(
            path for path in folder.rglob(parts[-1]) if path.parts[-len(parts) :] == parts
        )

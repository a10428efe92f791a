"""A data set of the evaluation, and where its labels are.

Labels are used to score and for nothing else; a method's process is never given them.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import scipy.sparse as sp
from numpy.linalg import norm

from napari_trsmi import Config, errors
from trsmi_benchmark.exchange import Block, Inputs

if TYPE_CHECKING:
    import pandas as pd

    from napari_trsmi import SpatialOmics
    from trsmi_benchmark.data.public import PublicSection
    from trsmi_benchmark.exchange import Kind

Group = Literal["regions", "states", "simulations"]
"""What labels are of: regions of real annotated tissue, states of spots, made-up domains."""

_KINDS: dict[str, Kind] = {
    "rna": "rna",
    "protein": "protein",
    "adt": "protein",
    "chromatin": "chromatin",
    "atac": "chromatin",
    "features": "features",
}
"""What tables measure, by their kind, or for ready features by the name of their modality."""

DATA_SEED = 0
"""Simulated tables and preprocessing have this seed; those of the protocol are the methods'."""


@dataclass(frozen=True)
class Case:
    """One section with labels.

    Attributes
    ----------
    name
        On the command line and in the rows.
    title
        In the report.
    group
        Which of the report's tables it is in.
    study
        Sections of one study count as one.
    files
        Tables by modality name, or one file, below the folder of data sets; empty where simulated
        or public.
    labels
        Column of the labels that are scored against.
    more_labels
        Further columns that the report scores against, beside those.
    setting
        Of `simulate`; empty for files.
    n_spots
        Of a simulated section; 0 for the setting's own.
    note
        What a reader of its scores should know.
    public
        Where it is in a public record; None for the others.
    """

    name: str
    title: str
    group: Group
    study: str
    files: tuple[tuple[str, str], ...] = ()
    labels: str = "domain"
    more_labels: tuple[str, ...] = ()
    setting: str = ""
    n_spots: int = 0
    note: str = ""
    public: PublicSection | None = None

    def of_size(self, n_spots: int) -> Case:
        """The same simulation with another number of spots; data from files stay as they are."""
        if not self.setting:
            return self
        return replace(
            self,
            name=f"{self.name}@{n_spots}",
            title=f"{self.title}, {n_spots:,} spots",
            study=f"{self.study}@{n_spots}",
            n_spots=n_spots,
        )

    def missing(self) -> str:
        """Why the data set cannot be had, ``""`` where it can."""
        if self.public is not None and not self.public.is_here():
            return f"{self.name} is left out: it is not here; --download gets it from Zenodo"
        absent = [path for _, path in self.files if not (data_folder() / path).is_file()]
        if not absent:
            return ""
        return f"{self.name} is left out: there is no {data_folder() / absent[0]}"

    def load(self) -> LoadedCase:
        """Read or simulate it.

        Raises
        ------
        InputError
            If its tables cannot be used, or lack the labels.
        """
        from napari_trsmi import load, simulate

        if self.public is not None:
            data = self.public.load()
        elif self.setting:
            data = simulate(self.setting, n_spots=self.n_spots or None, seed=DATA_SEED, image=False)
        else:
            paths = {name: str(data_folder() / path) for name, path in self.files}
            data = load(paths.get("") or paths)
        for column in (self.labels, *self.more_labels):
            if column not in data.annotations:
                raise errors.InputError(f"{self.name} has no column {column!r} to score against.")
        return LoadedCase(self, data)


@dataclass(frozen=True, eq=False)
class LoadedCase:
    """A data set in memory."""

    case: Case
    data: SpatialOmics

    @property
    def labels(self) -> pd.Series:
        """The labels that are scored against, by spot name."""
        return self.data.annotations[self.case.labels]

    @property
    def n_domains(self) -> int:
        """As many domains as labels: what all methods are asked for."""
        return int(self.labels.nunique())

    @cached_property
    def inputs(self) -> Inputs:
        """What all methods get."""
        return make_inputs(self.data)

    @property
    def digest(self) -> str:
        """A fingerprint of the tables, the features that methods get of them, and the labels."""
        parts = [f"{name}={digest}" for name, digest in sorted(self.data.digests.items())]
        parts += [  # by their norm, as last digits differ between machines
            f"{block.name}: {block.features.shape}, {norm(block.features):.3g}"
            for block in self.inputs.blocks
        ]
        parts += [
            self.data.annotations[column].astype(str).sort_index().to_csv()
            for column in (self.case.labels, *self.case.more_labels)
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def make_inputs(data: SpatialOmics) -> Inputs:
    """Preprocess a data set, once for all methods."""
    from napari_trsmi import feature_matrix

    config = Config(seed=DATA_SEED)
    blocks = []
    for modality in data.modalities:
        kind, counts = _KINDS[modality.kind.value], None
        if kind == "features":
            kind = _KINDS.get(modality.name, kind)
        else:
            counts = sp.csr_array(modality.table.X)
        features = feature_matrix(modality, config)[0]
        blocks.append(Block(modality.name, kind, features, counts))
    return Inputs(tuple(blocks), data.coordinates)


def data_folder() -> Path:
    """Where the data sets lie: ``NAPARI_TRSMI_DATA``, or ``shared/data`` beside the checkout."""
    named = os.environ.get("NAPARI_TRSMI_DATA")
    beside = Path(__file__).parents[5] / "shared" / "data"
    return Path(named).expanduser() if named else beside

"""The data sets of the evaluation, and where their labels are.

Labels are used to score and for nothing else; a method's process is never given them.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from napari_trsmi.config import Config
from napari_trsmi.errors import InputError
from napari_trsmi.evaluation.benchmark.public import LABELS, PublicSection
from napari_trsmi.evaluation.benchmark.selection import selected

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.evaluation.benchmark.exchange import Inputs

_FEATURES = ("n_top_genes", "n_components")
"""The parameters that the features of all methods depend on."""

DATA_SEED = 0
"""Simulated tables and preprocessing have this seed; those of the protocol are the methods'."""


@dataclass(frozen=True)
class Case:
    """One section with labels.

    Attributes
    ----------
    name
        On the command line and in the store.
    title
        In the report.
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
        from napari_trsmi.data.loading import load
        from napari_trsmi.data.simulated.simulation import simulate

        if self.public is not None:
            data = self.public.load()
        elif self.setting:
            data = simulate(self.setting, n_spots=self.n_spots or None, seed=DATA_SEED, image=False)
        else:
            paths = {name: str(data_folder() / path) for name, path in self.files}
            data = load(paths.get("") or paths)
        for column in (self.labels, *self.more_labels):
            if column not in data.annotations:
                raise InputError(f"{self.name} has no column {column!r} to score against.")
        return LoadedCase(self, data)


@dataclass(frozen=True)
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
        from napari_trsmi.evaluation.benchmark.exchange import make_inputs

        return make_inputs(self.data, Config(seed=DATA_SEED))

    def order(self, seed: int) -> NDArray[np.int64]:
        """The order in which spots are clustered; it does not depend on that of the file.

        That of `napari_trsmi.integrate` at this seed, so that what it finds is what the common
        clustering finds: a mixture's starts depend on the order of its points.
        """
        from napari_trsmi.spots.order import canonical_order, clustered_order

        order = canonical_order(self.data.coordinates, self.data.spots)
        blocks = [features[order] for features in self.inputs.features]
        return order[clustered_order(blocks, seed=seed)]

    @property
    def digest(self) -> str:
        """A fingerprint of the tables, the labels and the preprocessing's parameters."""
        config = Config()
        parts = [f"{name}={digest}" for name, digest in sorted(self.data.digests.items())]
        parts += [f"{name}={getattr(config, name)}" for name in _FEATURES]
        for column in (self.case.labels, *self.case.more_labels):
            parts.append(self.data.annotations[column].astype(str).sort_index().to_csv())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def data_folder() -> Path:
    """Where the data sets lie: ``NAPARI_TRSMI_DATA``, or ``shared/data`` beside the checkout."""
    named = os.environ.get("NAPARI_TRSMI_DATA")
    beside = Path(__file__).parents[5] / "shared" / "data"
    return Path(named).expanduser() if named else beside


def _simulated(setting: str, title: str, note: str = "") -> Case:
    return Case(f"simulated_{setting}", title, setting=setting, note=note)


CASES = {
    case.name: case
    for case in (
        _simulated("published", "Simulation, published setting"),
        _simulated("complementary", "Simulation, complementary modalities"),
        _simulated("noisy", "Simulation, noisy"),
        _simulated("imbalanced", "Simulation, imbalanced domains"),
        _simulated("dropout", "Simulation, lost spots"),
        _simulated("tissue", "Simulation, tissue"),
        Case(
            "sim_triplet",
            "SpatialGlue simulation 6",
            tuple((kind, f"sim_triplet/{kind}.h5ad") for kind in ("rna", "adt", "atac")),
        ),
        Case(
            "sim_complementary",
            "SpaMosaic complementary simulation",
            tuple((kind, f"sim_complementary/{kind}.h5ad") for kind in ("rna", "adt")),
        ),
        Case(
            "mouse_brain_p22",
            "Mouse brain P22",
            (("", "mouse_brain_p22/rna_atac_features.h5ad"),),
            labels="atac_cluster",
            more_labels=("rna_cluster",),
            note=(
                "The labels are clusters of the ATAC modality, spot by spot, so a method that "
                "listens to ATAC alone is favoured: read them beside the RNA-ATAC consistency."
            ),
        ),
        Case(
            "human_lymph_node_a1",
            "Human lymph node A1, protein only",
            (("adt", "human_lymph_node_a1/adt.h5ad"),),
            note="The protein part alone: the RNA matrix could not be had.",
        ),
        Case(
            "dlpfc_151673",
            "Cortex DLPFC 151673",
            (("", "dlpfc_151673/rna_features_visium.h5ad"),),
            labels="layer",
        ),
        Case(
            "her2_a1",
            "Breast tumour HER2 A1",
            (("rna", "her2_a1/rna.h5ad"),),
            labels="pathologist_label",
            note="282 of 346 spots have one label, so one domain for all scores high.",
        ),
        Case(
            "public_lymph_node",
            "Human lymph node A1",
            labels=LABELS,
            public=PublicSection(
                "praga",
                (("rna", "HLN/adata_RNA.h5ad"), ("adt", "HLN/adata_ADT.h5ad")),
                "HLN/GT_labels.txt",
            ),
        ),
        Case(
            "public_mouse_brain",
            "Mouse brain P22, all genes",
            labels=LABELS,
            public=PublicSection(
                "praga",
                (
                    ("rna", "Mouse_Brain/adata_RNA.h5ad"),
                    ("atac", "Mouse_Brain/adata_peaks_normalized.h5ad"),
                ),
                "MB_cluster.txt",
                min_genes=200,
            ),
            note="The labels are clusters of the ATAC modality.",
        ),
    )
}
"""Every data set by name, in the order of the report."""


def chosen_cases(names: tuple[str, ...]) -> list[Case]:
    """Data sets by name; all of them where no name is given.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    return selected(names, CASES, "data set")

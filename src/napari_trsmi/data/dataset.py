"""The containers that every later step works on: one set of spots, several modalities."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray

    from napari_trsmi.data.stored import StoredMatrix


class Kind(StrEnum):
    """What a modality measures; it decides the preprocessing."""

    RNA = "rna"
    PROTEIN = "protein"
    CHROMATIN = "chromatin"
    METABOLITE = "metabolite"
    IMAGE = "image"
    FEATURES = "features"

    @property
    def is_counted(self) -> bool:
        """Whether its tables hold counts or intensities: none is negative, and 0 is nothing."""
        return self not in {Kind.IMAGE, Kind.FEATURES}


@dataclass(frozen=True, eq=False)
class Modality:
    """One omics table.

    Attributes
    ----------
    name
        Short name, unique in a data set, such as ``"rna"``.
    kind
        What the table measures.
    table
        Spots x features. ``X`` holds counts (sparse CSR stays sparse), the ready
        feature matrix when `kind` is ``features``, or what was measured on a picture when it is
        ``image``.
    stored
        The values where they are kept, if they are not in memory: ``X`` then is None, and
        preprocessing reads them chunk by chunk.
    measured
        Which spots have it, where sections that lack it are among them (shape (n_spots,)); the
        rows of the others are 0. None: all have it.
    """

    name: str
    kind: Kind
    table: AnnData
    stored: StoredMatrix | None = None
    measured: NDArray[np.bool_] | None = None

    def in_order(self, order: NDArray[np.intp]) -> Modality:
        """The same with its spots in another order, or some of them."""
        stored = None if self.stored is None else self.stored[order]
        measured = None if self.measured is None else self.measured[order]
        return replace(self, table=self.table[order].copy(), stored=stored, measured=measured)

    def values_of(self, column: int) -> NDArray[Any]:
        """Values of a feature, shape (n_spots,), NaN where it was not measured.

        Of a stored table they are looked for in all of it.
        """
        values = self.table.X if self.stored is None else self.stored
        picked = values[:, [column]]
        held: Any = picked if self.stored is None else picked.in_memory()
        found = np.ravel(held.toarray() if hasattr(held, "toarray") else held)
        return found if self.measured is None else np.where(self.measured, found, np.nan)

    def depth(self) -> NDArray[np.float64]:
        """Total of each spot, shape (n_spots,)."""
        if self.stored is not None:
            return self.stored.depth()
        return np.asarray(self.table.X.sum(axis=1), dtype=np.float64).ravel()

    def where_measured(self) -> Modality:
        """The spots that have it alone."""
        if self.measured is None:
            return self
        return replace(self.in_order(np.flatnonzero(self.measured)), measured=None)

    def in_memory(self) -> Modality:
        """The same with its values in memory.

        Raises
        ------
        InputError
            If they do not fit what is free.
        """
        if self.stored is None:
            return self
        table = self.table.copy()
        table.X = self.stored.in_memory()
        return replace(self, table=table, stored=None)


@dataclass(frozen=True, eq=False)
class TissueImage:
    """A tissue image in register with the spots.

    Attributes
    ----------
    pixels
        ``uint8``, shape (height, width, 3).
    scale
        Image pixels per coordinate unit: a spot at (x, y) lies at column ``x * scale``
        and row ``y * scale`` (Space Ranger's ``tissue_*_scalef``).
    levels
        The same picture at higher resolutions, finest first, for the screen: lazy arrays as
        `pixels`. Empty if `pixels` is all there is.
    registration
        How it was registered to the spots, in plain JSON types; None if it came in register.
    """

    pixels: NDArray[np.uint8]
    scale: float = 1.0
    levels: tuple[Any, ...] = ()
    registration: dict[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class SpatialOmics:
    """Several modalities measured on the same spots, in the same order.

    Attributes
    ----------
    modalities
        At least one; all tables have the same ``obs_names`` in the same order.
    coordinates
        ``float64``, shape (n_spots, 2), columns x and y, as in ``obsm["spatial"]``.
    spots
        Unique spot names, length n_spots.
    annotations
        The tables' ``obs`` columns, indexed by `spots`. Never used in training.
    image
        The tissue image, if there is one.
    image_name
        What it is called where it is a modality.
    further_images
        Other stains of the section by name, each in register with the spots.
    spot_diameter
        In coordinate units, if known.
    square_spots
        Whether the spots are square bins; `spot_diameter` is then their side.
    micrometres_per_unit
        Of the coordinates, if known.
    notes
        What was guessed, dropped or matched on the way here, one sentence each.
    digests
        SHA-256 of each input table's content, by modality name.
    load_arguments
        How to get the tables again, in plain JSON types (`napari_trsmi.data.load_arguments`); empty
        when that is not known.
    given
        The tables as they were passed to `napari_trsmi.load`, objects and paths, with what chose
        from them: `napari_trsmi.data.loading.original_tables` reads them again.
    """

    modalities: tuple[Modality, ...]
    coordinates: NDArray[np.float64]
    spots: pd.Index
    annotations: pd.DataFrame
    image: TissueImage | None = None
    image_name: str = "image"
    further_images: Mapping[str, TissueImage] = field(default_factory=dict)
    spot_diameter: float | None = None
    square_spots: bool = False
    micrometres_per_unit: float | None = None
    notes: tuple[str, ...] = ()
    digests: dict[str, str] = field(default_factory=dict)
    load_arguments: dict[str, Any] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def n_spots(self) -> int:
        """Number of spots."""
        return len(self.spots)

    @property
    def names(self) -> tuple[str, ...]:
        """Modality names, in order."""
        return tuple(modality.name for modality in self.modalities)

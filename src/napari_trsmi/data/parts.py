"""What a table is between the file and the matched container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import scipy.sparse as sp
    from anndata import AnnData
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import Kind, TissueImage
    from napari_trsmi.data.stored import StoredMatrix

Matrix: TypeAlias = "NDArray[np.float32] | sp.csr_matrix[np.float32]"


@dataclass(frozen=True, eq=False)
class Source:
    """One table as it was given, read but not yet interpreted.

    Attributes
    ----------
    label
        How messages call the table, such as ``'rna' (s1.h5ad)``.
    table
        The user's own object when one was passed: never written to.
    key
        The name that the user gave, if any.
    file_name
        The name of the file that it came from, or empty.
    image, spot_diameter
        What came along with the table.
    section_columns
        Columns of ``obs`` that its format says tell sections apart.
    is_optional
        Whether it is one of several tables in a file, all of which need not be known.
    is_section
        Whether the reader has picked the section that was asked for.
    is_square
        Whether its spots are square bins; `spot_diameter` is then their side.
    micrometres
        Per unit of its coordinates, if its format says so.
    """

    label: str
    table: AnnData
    key: str | None = None
    file_name: str = ""
    image: TissueImage | None = None
    spot_diameter: float | None = None
    section_columns: tuple[str, ...] = ()
    is_optional: bool = False
    is_section: bool = False
    is_square: bool = False
    micrometres: float | None = None


@dataclass(frozen=True, eq=False)
class Part:
    """One modality of a source.

    Attributes
    ----------
    name, kind
        As in :class:`~napari_trsmi.data.dataset.Modality`.
    label
        How messages call it.
    matrix
        Spots x features, float32, not shared with the user's table; or where it is stored.
    spots, features
        Names of the rows and the columns.
    """

    name: str
    kind: Kind
    label: str
    matrix: Matrix | StoredMatrix
    spots: pd.Index
    features: pd.Index

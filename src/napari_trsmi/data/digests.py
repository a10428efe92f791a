"""A fingerprint of a table that does not depend on the order of its spots."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from napari_trsmi.data.parts import Matrix


_PART = 1 << 22
"""Values that are written at a time."""


def digest(matrix: Matrix, spots: pd.Index, features: pd.Index) -> str:
    """Return the SHA-256 of a table, the same for every order of its rows.

    Parameters
    ----------
    matrix
        Spots x features, float32, dense or CSR.
    spots, features
        Names of the rows (unique) and of the columns.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    order = np.argsort(spots.to_numpy(dtype=object), kind="stable")
    rows = matrix[order]
    sha = hashlib.sha256()
    for names in (spots[order], features):
        sha.update(_joined(names))
    sha.update(np.asarray(rows.shape, dtype="<i8").tobytes())
    if sp.issparse(rows):
        rows.sum_duplicates()
        sha.update(b"csr")
        for array, dtype in ((rows.data, "<f4"), (rows.indices, "<i8"), (rows.indptr, "<i8")):
            for start in range(0, len(array), _PART):  # indices grow to eight bytes here
                sha.update(np.ascontiguousarray(array[start : start + _PART], dtype=dtype).data)
    else:
        sha.update(b"dense")
        sha.update(np.ascontiguousarray(rows, dtype="<f4").data)
    return sha.hexdigest()


def _joined(names: Iterable[str]) -> bytes:
    # Lengths in front keep ("a", "bc") apart from ("ab", "c").
    return b"".join(b"%d:%b" % (len(name), name) for name in (n.encode() for n in names))

"""A fingerprint of a table that does not depend on the order of its spots."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from napari_trsmi.data.stored import StoredMatrix

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

    from napari_trsmi.data.parts import Matrix


_PART = 1 << 22
"""Values that are written at a time."""


def digest(matrix: Matrix | StoredMatrix, spots: pd.Index, features: pd.Index) -> str:
    """Return the SHA-256 of a table, the same for every order of its rows.

    Parameters
    ----------
    matrix
        Spots x features, float32, dense or CSR. One that is stored has a digest of its own form, as
        its rows cannot be read in the order of their names: that of each row by itself.
    spots, features
        Names of the rows (unique) and of the columns.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    order = np.argsort(spots.to_numpy(dtype=object), kind="stable")
    sha = hashlib.sha256()
    for names in (spots[order], features):
        sha.update(_joined(names))
    sha.update(np.asarray(matrix.shape, dtype="<i8").tobytes())
    if isinstance(matrix, StoredMatrix):
        sha.update(b"rows")
        sha.update(_row_digests(matrix)[order].tobytes())
        return sha.hexdigest()
    rows = matrix[order]
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


def _row_digests(matrix: StoredMatrix) -> NDArray[np.uint8]:
    """SHA-256 of each row's columns and values that are not zero, shape (n_rows, 32)."""
    digests = np.empty((matrix.shape[0], hashlib.sha256().digest_size), dtype=np.uint8)
    for places, own in matrix.mapped(_of_rows):
        digests[places] = own
    return digests


def _of_rows(chunk: Any) -> NDArray[np.uint8]:
    rows: Any = sp.csr_matrix(chunk)
    digests = np.empty((rows.shape[0], hashlib.sha256().digest_size), dtype=np.uint8)
    indices, values = rows.indices.astype("<i4"), rows.data.astype("<f4")
    for place, (start, stop) in enumerate(pairwise(rows.indptr)):
        row = hashlib.sha256(indices[start:stop].tobytes())
        row.update(values[start:stop].tobytes())
        digests[place] = np.frombuffer(row.digest(), dtype=np.uint8)
    return digests


def _joined(names: Iterable[str]) -> bytes:
    # Lengths in front keep ("a", "bc") apart from ("ab", "c").
    return b"".join(b"%d:%b" % (len(name), name) for name in (n.encode() for n in names))

"""Domains as the table that 10x Loupe Browser imports as categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_trsmi.atomic import check_output, write_bytes

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from napari_trsmi.result import TRSMIResult


def write_loupe(
    result: TRSMIResult, path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    """Write barcodes and domains for Loupe Browser (*Import Categories*).

    Parameters
    ----------
    result
        Its spots are called by their barcodes, as Space Ranger wrote them.
    path
        Ends in ``.csv``. The columns are ``Barcode`` and ``TRSMI domain``.
    overwrite
        Whether an existing file may be replaced.

    Returns
    -------
    The path written.

    Raises
    ------
    OutputError
        If it cannot be written; an existing file is then unchanged.
    """
    target = check_output(path, overwrite=overwrite, suffixes=(".csv",))
    table = result.domains.astype(str).rename("TRSMI domain").rename_axis("Barcode")
    write_bytes(target, table.to_csv().encode())
    return target

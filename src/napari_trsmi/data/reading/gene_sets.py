"""Sets of genes in a GMT file, as MSigDB and Enrichr give them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    import os

_LARGEST = 64 << 20  # bytes; all of MSigDB has a fifth of it
_HEAD = 2  # fields before the genes: name and description


def read_gmt(path: str | os.PathLike[str]) -> dict[str, tuple[str, ...]]:
    """Read sets of genes.

    Parameters
    ----------
    path
        A GMT file: a line a set, with its name, a description and its genes, separated by tabs.
        Weights behind a comma, as in Enrichr's files, are left out.

    Returns
    -------
    The genes of each set by its name, in the file's order.

    Raises
    ------
    InputError
        If it cannot be read, or is no GMT.
    """
    file = Path(path).expanduser()
    try:
        if file.stat().st_size > _LARGEST:
            raise InputError(f"{file} is larger than all gene sets there are: it is no GMT.")
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no text, so no GMT.") from error
    sets: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, *rest = line.split("\t")
        genes = [field.partition(",")[0].strip() for field in rest[_HEAD - 1 :]]
        named = tuple(dict.fromkeys(gene for gene in genes if gene))
        if not name.strip() or not named:
            raise InputError(
                f"Line {number} of {file.name} is no set of a GMT: a name, a description and "
                "genes, separated by tabs."
            )
        if name in sets:
            raise InputError(f"{file.name} has the set {name!r} twice, again in line {number}.")
        sets[name.strip()] = named
    if not sets:
        raise InputError(f"{file} has no sets.")
    return sets

"""Some of the data sets or methods, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")


def selected(names: Sequence[str], among: Mapping[str, T], what: str) -> list[T]:
    """Entries by name; all of them where no name is given.

    Parameters
    ----------
    names
        Of the entries wanted, in order.
    among
        All there are.
    what
        What one is called in the error.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    for name in names:
        if name not in among:
            raise InputError(f"There is no {what} {name!r}; there are {', '.join(among)}.")
    return [among[name] for name in names or among]

"""The processes of a run: what they add up, pass on and tell each other.

Here there is one, which has nobody to talk to; `napari_trsmi.training.process_group` has several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

Rows = TypeVar("Rows", bound=Any)
"""A NumPy array, or a tensor on any device; the first dimension is the rows'."""


class Ranks:
    """One process.

    Attributes
    ----------
    rank
        Number of this process, from 0. The first one reads, writes and speaks.
    size
        How many there are.
    here
        How many of them run on this machine.
    """

    rank: int = 0
    size: int = 1
    here: int = 1

    def sum(self, values: Rows) -> Rows:
        """Sum of the arrays of all processes, element by element; the same in each of them."""
        return values

    def exchange(self, parts: Sequence[Rows]) -> list[Rows]:
        """Send the first part to the first process, and so on.

        Parameters
        ----------
        parts
            One a process, which differ in their number of rows alone.

        Returns
        -------
        list
            What each process had for this one.
        """
        return list(parts)

    def of_first(self, values: Rows) -> Rows:
        """The array of the first process; others pass one of the same shape and type."""
        return values

    def told(self, said: Any) -> Any:
        """What the first process says, in plain JSON types; it may be long in coming."""
        return said

    def places(self, positions: NDArray[np.int64], like: Rows) -> Any:
        """Row numbers as `like`, an array or a tensor, is indexed by."""
        del like
        return positions


ALONE = Ranks()

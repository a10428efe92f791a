"""What a person may pick of an input that holds more than one run needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

ALL = "all"
"""The section that stands for all spots, where they do lie on one slide."""

KEEPABLE = ("off_tissue", "controls")
"""What is left out unless it is asked for: spots beside the tissue, isotype controls."""


@dataclass(frozen=True)
class Selection:
    """What is picked.

    Attributes
    ----------
    section
        Name of the section, as a column of the spots says it; ``"column=name"`` names the column
        too, and ``"all"`` takes all spots for one section. None expects one section.
    bin_size
        Side of Visium HD's bins in micrometres, or ``"cells"``. None takes 8, else the next larger.
    keep
        Of `KEEPABLE`.
    """

    section: str | None = None
    bin_size: int | str | None = None
    keep: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        section: str | int | None = None,
        bin_size: int | str | None = None,
        keep: str | Sequence[str] = (),
    ) -> Selection:
        """Check what was picked.

        Raises
        ------
        InputError
            If a word is unknown.
        """
        words = tuple([keep] if isinstance(keep, str) else keep)
        unknown = [word for word in words if word not in KEEPABLE]
        if unknown:
            raise InputError(f"keep= has {unknown[0]!r}. Known are {listed(KEEPABLE)}.")
        if section is not None and not str(section).strip():
            raise InputError("section= is empty. Leave it out, or name a section.")
        size = str(bin_size).lower().strip().removesuffix("um").strip()
        if bin_size is not None and size != "cells" and not (size.isdecimal() and int(size)):
            raise InputError(
                f"bin_size= is {bin_size!r}. Pass micrometres, such as 8 or 16, or 'cells'."
            )
        return cls(
            None if section is None else str(section).strip(),
            None if bin_size is None else size if size == "cells" else int(size),
            words,
        )


def how_to(option: str, value: object) -> str:
    """Say how to pass an option, wherever the person is.

    Examples
    --------
    >>> how_to("section", "s1")
    "section='s1' (command line: --section s1; window: File > IO Utilities > Open section)"
    """
    flag = f"--{option.replace('_', '-')}"
    return (
        f"{option}={value!r} (command line: {flag} {value}; window: File > IO Utilities > Open "
        "section)"
    )

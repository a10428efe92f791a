"""Pictures on a command line: one by its file, several each with its stain's name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


def named_images(given: Sequence[str]) -> str | dict[str, str] | None:
    """Take ``HE=he.tif`` apart.

    Parameters
    ----------
    given
        One a picture.

    Returns
    -------
    None without one; a path, if it is one without a name; else paths by name.

    Raises
    ------
    click.UsageError
        If one of several has no name, or a name is there twice.
    """
    if not given:
        return None
    if len(given) == 1 and ("=" not in given[0] or Path(given[0]).exists()):
        return given[0]
    images: dict[str, str] = {}
    for text in given:
        name, equals, file = text.partition("=")
        if not (equals and name.strip() and file.strip()):
            raise click.UsageError(
                f"--image {text}: of several pictures each needs a name, as in --image HE={text}."
            )
        if name in images:
            raise click.UsageError(f"--image {name} is given twice. Name stains apart.")
        images[name] = file
    return images

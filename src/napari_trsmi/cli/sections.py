"""Sections on a command line: ``NAME=FILE,FILE``, each file perhaps with its table's name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMED = re.compile(r"(?P<name>[A-Za-z]\w*)=(?P<path>.+)", flags=re.DOTALL)


def section_files(given: Sequence[str]) -> dict[str, dict[str, str]]:
    """Take ``s1=rna=a.h5ad,protein=b.h5ad`` apart.

    Parameters
    ----------
    given
        One a section.

    Returns
    -------
    Paths by table, by section. A file without a name is called by its stem.

    Raises
    ------
    click.UsageError
        If one has no name or no file, or a name is there twice.
    """
    sections: dict[str, dict[str, str]] = {}
    for text in given:
        name, equals, files = text.partition("=")
        if not (equals and name.strip() and files.strip()):
            raise click.UsageError(
                f"--section {text}: without TABLE write NAME=FILE, as in --section "
                "s1=rna=rna.h5ad,protein=adt.h5ad."
            )
        if name in sections:
            raise click.UsageError(f"--section {name} is given twice. Name sections apart.")
        sections[name] = {}
        for file in files.split(","):
            named = None if Path(file).exists() else _NAMED.fullmatch(file)
            table, path = (named["name"], named["path"]) if named else (Path(file).stem, file)
            if table in sections[name]:
                raise click.UsageError(
                    f"--section {name} has two tables {table!r}. Name them: "
                    f"{name}=rna={file},protein=..."
                )
            sections[name][table] = path
    if len(sections) == 1:
        only = next(iter(sections))
        raise click.UsageError(
            f"--section {only} is one section alone: give its files as TABLE, or add a section."
        )
    return sections

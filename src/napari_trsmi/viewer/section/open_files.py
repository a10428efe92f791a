"""The menu's way to open files that belong together: napari makes its form of this function."""

# No "from __future__ import annotations": the form is made of the types themselves.
from collections.abc import Sequence
from pathlib import Path

from napari_trsmi.errors import InputError
from napari_trsmi.viewer.section.opening import open as open_section


def open_files(
    viewer: "napari.viewer.Viewer",  # type: ignore[name-defined]  # noqa: F821 (napari resolves it)
    tables: Sequence[Path] = (),
    image: Path | None = None,
    image_scale: float = 1.0,
    positions: Path | None = None,
    section: str = "",
    sections_column: str = "",
    bin_size: str = "",
    keep_off_tissue: bool = False,
    keep_controls: bool = False,
) -> None:
    """Open several files of one section together.

    Parameters
    ----------
    viewer
        The window.
    tables
        One file or more of the same section, such as RNA and protein: .h5ad, .h5mu, 10x .h5 or
        CSV. Their spots are matched by name.
    image
        The tissue image whose pixels the spots' coordinates are. Leave it empty if a table brings
        its own.
    image_scale
        Pixels of that image per coordinate unit.
    positions
        A CSV or TSV with spot names, x and y. Leave it empty if a table has coordinates.
    section
        Name of the section to use, where a table holds several; "all" takes all spots for one.
    sections_column
        Column that names each spot's section: all of them are opened side by side.
    bin_size
        Side of Visium HD's bins in micrometres, or "cells". Leave it empty for 8.
    keep_off_tissue
        Whether to keep spots that lie beside the tissue.
    keep_controls
        Whether to keep isotype controls among proteins.

    Raises
    ------
    InputError
        If no table is chosen, or one cannot be used.
    """
    if not tables:
        raise InputError("No tables are chosen. Choose one file or more of a section.")
    chosen = tables[0] if len(tables) == 1 else list(tables)
    kept = {"off_tissue": keep_off_tissue, "controls": keep_controls}
    open_section(
        viewer,
        chosen,
        image=image,
        image_scale=None if image is None else image_scale,
        positions=positions,
        section=section or None,
        library_key=sections_column or None,
        bin_size=bin_size or None,
        keep=[what for what, is_kept in kept.items() if is_kept],
    )

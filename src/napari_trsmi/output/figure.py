"""A result as a picture with a legend, in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_trsmi.atomic import check_output
from napari_trsmi.output.drawing import FIGURE_SUFFIXES, draw_domains, save_figure

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from napari_trsmi.result import TRSMIResult


def write_figure(
    result: TRSMIResult, path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    """Draw the tissue and its domains, and write the picture, whole or not at all.

    Several sections are drawn side by side, without their pictures.

    Parameters
    ----------
    result
        What to draw.
    path
        Ends in ``.png``, ``.svg`` or ``.pdf``.
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
    target = check_output(path, overwrite=overwrite, suffixes=FIGURE_SUFFIXES)
    laid = result.side_by_side()
    figure = draw_domains(
        laid.coordinates,
        result.domains,
        result.colors,
        image=result.image,
        spot_diameter=result.spot_diameter,
        square_spots=result.square_spots,
    )
    return save_figure(figure, target)

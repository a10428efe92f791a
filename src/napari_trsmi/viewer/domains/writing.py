"""The writer: the run that a Points layer shows, as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_trsmi.errors import InputError
from napari_trsmi.output.results import write_result
from napari_trsmi.viewer.attached import RESULT
from napari_trsmi.viewer.domains.layer import note_saved

if TYPE_CHECKING:
    from napari_trsmi.result import TRSMIResult


def write_points(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write the run that a layer shows, as it is now: domains renamed, merged and recoloured.

    Points that show none go to a ``.csv`` as napari writes it: which of two writers napari asks
    first depends on the order in which plugins lie on the disk.

    Parameters
    ----------
    path
        An ``.h5ad`` or ``.csv`` file. One that exists is replaced: napari has asked.
    data, attributes
        The layer's points and state.

    Returns
    -------
    The path written.

    Raises
    ------
    InputError
        If the layer shows no run, and the file is no ``.csv``.
    OutputError
        If the file cannot be written; an existing one is then unchanged.
    """
    result: TRSMIResult | None = attributes["metadata"].get(RESULT)
    if result is None and path.lower().endswith(".csv"):
        from napari_builtins.io import napari_write_points

        plain = napari_write_points(path, data, attributes)
        return [] if plain is None else [plain]
    if result is None:
        raise InputError(
            f"Layer {attributes['name']!r} shows no domains, so that there is nothing to save as "
            f"{path}. Choose a layer of TRSMI domains; for other points choose napari's own "
            "format in the dialog."
        )
    written = write_result(result, path, overwrite=True)
    note_saved(result)
    return [str(written)]

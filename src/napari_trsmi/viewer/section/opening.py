"""Opening a section in the viewer, from a script or the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_trsmi.viewer.section.reading import (
    name_of,
    read_all,
    section_layers,
    show_notes,
    tables_beside,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_trsmi.data.loading import Positions, Tables
    from napari_trsmi.data.section_loading import Sections


def open(  # noqa: A001 (called as napari_trsmi.open)
    viewer: ViewerModel,
    path: Tables | Sections,
    *,
    library_key: str | None = None,
    image: Any = None,
    image_scale: float | None = None,
    positions: Positions | None = None,
    features: str | Sequence[str] | None = None,
    section: str | None = None,
    bin_size: int | str | None = None,
    keep: str | Sequence[str] = (),
    name: str | None = None,
) -> list[Layer]:
    """Open a section, several side by side, or a result of this package, in the viewer.

    Parameters
    ----------
    viewer
        Where to add the layers.
    path
        A file or a folder that `napari_trsmi.load` or `napari_trsmi.read_result` reads. Several
        tables of one section come as a list or a dict, and may be AnnData. Several sections are a
        dict of section name to its tables.
    library_key
        Column that tells the sections of a table apart: all are opened. A table whose sections
        overlap in space is opened so by itself, unless `section` picks one.
    image
        The tissue image: an Image layer of the viewer, which the points are laid onto, or what
        `napari_trsmi.load` takes. It wins over the tables' own.
    image_scale, positions, features, section, bin_size, keep
        As for `napari_trsmi.load`.
    name
        Of the Points layer; None names it by the file. Several sections have their own names.

    Returns
    -------
    The layers that were added, the lowest first: the image, if there is a new one, and the Points.

    Raises
    ------
    InputError
        If there is nothing at the path, or it cannot be used; says what to do.
    """
    from napari.layers import Image, Layer

    below = image if isinstance(image, Image) else None
    read = read_all(
        path,
        library_key=library_key,
        image=None if below is not None else image,
        image_scale=image_scale,
        positions=positions,
        features=features,
        section=section,
        bin_size=bin_size,
        keep=keep,
    )
    show_notes(read)
    dataset = tables_beside(path, read)
    shown = section_layers(read, name or name_of(path), below, dataset=dataset)
    return [viewer.add_layer(Layer.create(*layer)) for layer in shown]

"""Opening a session: its layers in their order, and the view as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.data.dataset import SpatialOmics
from napari_trsmi.errors import InputError, TRSMIError
from napari_trsmi.output.results import read_result
from napari_trsmi.viewer.domains.adding import domains_data
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.viewer.keeping import keep
from napari_trsmi.viewer.section.layers import spots_data, tissue_data
from napari_trsmi.viewer.session.layer_state import KINDS, arguments_of, layer_of, read_arrays
from napari_trsmi.viewer.session.pictures import check_file
from napari_trsmi.viewer.session.saving import RECORD, VERSION
from napari_trsmi.viewer.session.tables import read_dataset

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from napari.components import ViewerModel
    from napari.layers import Layer, Points

    from napari_trsmi.result import TRSMIResult


def open_session(
    viewer: ViewerModel, path: str | os.PathLike[str]
) -> tuple[list[str], list[Points]]:
    """Open a session in an empty window.

    Parameters
    ----------
    viewer
        The window.
    path
        The folder that `save_session` wrote.

    Returns
    -------
    notes
        What could not be brought back, a sentence each: a table or a picture that is gone or has
        changed.
    outlined
        Layers of runs whose outlines were drawn; the Domains dock draws them again.

    Raises
    ------
    InputError
        If it is no session, or the window is not empty.
    """
    folder = Path(path).expanduser()
    record = _read(folder)
    if viewer.layers:
        raise InputError(
            "This window has layers, which a session would be mixed up with. Save what you need, "
            "remove the layers, or open the session in a new window."
        )
    keep(viewer)
    return _Reader(folder, record).show(viewer)


def _read(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{folder} is no session: {error}. Choose a folder that 'Save session' wrote."
        ) from error
    if not isinstance(record, dict) or record.get("version") != VERSION:
        raise InputError(f"{folder} was saved by another version. Update napari-trsmi.")
    return record


class _Reader:
    """Makes the layers of one session, and reads each table once."""

    def __init__(self, folder: Path, record: Mapping[str, Any]) -> None:
        self._folder, self._record = folder, record
        self._notes: list[str] = []
        self._tables = [self._table(noted) for noted in record["tables"]]
        self._owners: list[SpatialOmics | TRSMIResult | None] = []

    def show(self, viewer: ViewerModel) -> tuple[list[str], list[Points]]:
        try:
            layers = self._record["layers"]
            self._owners = [self._owner(entry) for entry in layers]
            for entry, owner in zip(layers, self._owners, strict=True):
                try:
                    self._add(viewer, entry, owner)
                except TRSMIError as error:
                    self._notes.append(f"{entry['looks']['name']} is left out. {error}")
            self._look(viewer)
        except (AttributeError, IndexError, KeyError, OSError, TypeError, ValueError) as error:
            raise InputError(
                f"{self._folder} is damaged ({error}): the session cannot be opened whole."
            ) from error
        outlined = [entry["of"] for entry in layers if entry["kind"] == "outlines"]
        shown = [layer for layer in viewer.layers if layer.name in outlined]
        return list(dict.fromkeys(self._notes)), shown

    def _table(self, noted: Mapping[str, Any]) -> SpatialOmics | None:
        try:
            return read_dataset(noted, self._folder)
        except TRSMIError as error:
            self._notes.append(str(error))
            return None

    def _owner(self, entry: Mapping[str, Any]) -> SpatialOmics | TRSMIResult | None:
        if entry["kind"] == "run":
            return read_result(self._folder / Path(entry["file"]).name)
        return self._tables[entry["tables"]] if entry["kind"] == "spots" else None

    def _add(
        self,
        viewer: ViewerModel,
        entry: Mapping[str, Any],
        owner: SpatialOmics | TRSMIResult | None,
    ) -> None:
        from napari.layers import Layer

        kind, shown = entry["kind"], arguments_of(entry["looks"])
        if kind == "run":
            self._add_run(viewer, entry, owner, shown)
        elif kind == "spots":
            if not isinstance(owner, SpatialOmics):
                return  # its table's note says why
            data, arguments, _ = spots_data(owner, shown["name"])
            viewer.add_layer(Layer.create(data, {**arguments, **shown}, "points"))
        elif kind == "tissue":
            image = None if (of := self._of(entry)) is None else of.image
            if image is None:
                raise InputError("The tables that it belongs to are not there.")
            data, arguments, _ = tissue_data(image)
            viewer.add_layer(Layer.create(data, {**arguments, **shown}, "image"))
        elif kind == "file":
            check_file(entry)
            for layer in viewer.open(entry["path"], plugin=entry["reader"]):
                _dress(layer, {**entry["content"], **shown})
        elif kind in KINDS:
            arrays = read_arrays(self._folder / Path(entry["file"]).name)
            data, arguments = layer_of(kind, entry["content"], arrays)
            viewer.add_layer(Layer.create(data, {**arguments, **shown}, kind))

    def _of(self, entry: Mapping[str, Any]) -> SpatialOmics | TRSMIResult | None:
        """Return the section or run of a tissue image, by its place among all saved layers."""
        places = [each["looks"]["name"] for each in self._record["layers"]]
        name = entry["of"]
        return self._owners[places.index(name)] if name in places else None

    def _add_run(
        self,
        viewer: ViewerModel,
        entry: Mapping[str, Any],
        result: Any,
        shown: dict[str, Any],
    ) -> None:
        from napari.layers import Layer

        dataset = None if entry["tables"] is None else self._tables[entry["tables"]]
        data, arguments, _ = domains_data(result, shown["name"], dataset=dataset)
        layer = Layer.create(data, {**arguments, **shown}, "points")
        viewer.add_layer(layer)
        domains = domain_layer(layer)
        if entry["style"] != domains.style:
            domains.draw_as(entry["style"])
        if entry["enlarged"] != 1:
            domains.enlarge(entry["enlarged"])
        if entry["hidden"]:
            domains.edits.hide_spots(np.asarray(entry["hidden"], dtype=np.intp))

    def _look(self, viewer: ViewerModel) -> None:
        view = self._record["view"]
        viewer.theme = view["theme"]
        viewer.dims.ndisplay = view["ndisplay"]
        viewer.canvas.overlays.scale_bar.visible = view["scale_bar"]
        viewer.canvas.grid.enabled = view["grid"]
        camera = viewer.scene.camera
        camera.center, camera.zoom = tuple(view["center"]), view["zoom"]
        camera.angles = tuple(view["angles"])
        if view["active"] in viewer.layers:
            viewer.layers.selection.active = viewer.layers[view["active"]]


def _dress(layer: Layer, shown: Mapping[str, Any]) -> None:
    for key, value in shown.items():
        setattr(layer, key, value)

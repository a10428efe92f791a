"""Opening a session: its layers in their order, and the view as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_trsmi.data.dataset import SpatialOmics
from napari_trsmi.errors import InputError, TRSMIError
from napari_trsmi.output.results import read_result
from napari_trsmi.viewer.domains.adding import domains_data
from napari_trsmi.viewer.domains.coloring import Coloring, OfFeature
from napari_trsmi.viewer.domains.layer import domain_layer
from napari_trsmi.viewer.keeping import keep
from napari_trsmi.viewer.registration import REGISTRATION
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


class Opened(NamedTuple):
    """A session that was opened.

    Attributes
    ----------
    notes
        What could not be brought back, a sentence each: a table or a picture that is gone or has
        changed.
    outlined
        Layers of runs whose outlines were drawn; the Domains dock draws them again.
    docks
        What was open beside the canvas, as it was saved.
    view
        Where the person was looking, for `look`.
    """

    notes: list[str]
    outlined: list[Points]
    docks: list[dict[str, Any]]
    view: dict[str, Any]


def open_session(viewer: ViewerModel, path: str | os.PathLike[str]) -> Opened:
    """Open a session in an empty window.

    Parameters
    ----------
    viewer
        The window.
    path
        The folder that `save_session` wrote.

    Returns
    -------
    What was opened, and what is up to the docks.

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


def check_session(path: str | os.PathLike[str]) -> None:
    """Check that a folder is a session of this version.

    Raises
    ------
    InputError
        If it is not.
    """
    _read(Path(path).expanduser())


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

    def show(self, viewer: ViewerModel) -> Opened:
        try:
            layers = self._record["layers"]
            self._owners = [self._owner(entry) for entry in layers]
            for entry, owner in zip(layers, self._owners, strict=True):
                try:
                    self._add(viewer, entry, owner)
                except TRSMIError as error:
                    self._notes.append(f"{entry['looks']['name']} is left out. {error}")
            look(viewer, self._record["view"])
        except (AttributeError, IndexError, KeyError, OSError, TypeError, ValueError) as error:
            raise InputError(
                f"{self._folder} is damaged ({error}): the session cannot be opened whole."
            ) from error
        outlined = [entry["of"] for entry in layers if entry["kind"] == "outlines"]
        shown = [layer for layer in viewer.layers if layer.name in outlined]
        docks = list(self._record.get("docks", ()))
        return Opened(list(dict.fromkeys(self._notes)), shown, docks, self._record["view"])

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
            _note(viewer.add_layer(Layer.create(data, {**arguments, **shown}, "image")), entry)
        elif kind == "file":
            check_file(entry)
            for layer in viewer.open(entry["path"], plugin=entry["reader"]):
                _dress(layer, {**entry["content"], **shown})
                _note(layer, entry)
        elif kind in KINDS:
            arrays = read_arrays(self._folder / Path(entry["file"]).name)
            data, arguments = layer_of(kind, entry["content"], arrays)
            _note(viewer.add_layer(Layer.create(data, {**arguments, **shown}, kind)), entry)

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
        if (said := entry.get("coloring")) is not None:
            domains.color_by(self._coloring(said))
        domains.select_spots(np.asarray(entry.get("selected", ()), dtype=np.intp))

    def _coloring(self, said: Mapping[str, Any]) -> Coloring:
        values = read_arrays(self._folder / Path(said["file"]).name)["values"]
        feature = None if said["feature"] is None else OfFeature(**said["feature"])
        numbers = np.asarray(values, dtype=np.float32)
        return Coloring(
            said["label"], numbers, said["low"], said["high"], said["colormap"], feature
        )


def look(viewer: ViewerModel, view: Mapping[str, Any]) -> None:
    """Look at what was looked at, all of it, however large the canvas is now."""
    viewer.theme = view["theme"]
    viewer.dims.ndisplay = view["ndisplay"]
    viewer.canvas.overlays.scale_bar.visible = view["scale_bar"]
    viewer.canvas.grid.enabled = view["grid"]
    camera = viewer.scene.camera
    before, now = view.get("canvas", viewer.canvas.size), viewer.canvas.size
    share = min(new / old for new, old in zip(now, before, strict=True))
    camera.center, camera.zoom = tuple(view["center"]), view["zoom"] * share
    camera.angles = tuple(view["angles"])
    if view["active"] in viewer.layers:
        viewer.layers.selection.active = viewer.layers[view["active"]]


def _dress(layer: Layer, shown: Mapping[str, Any]) -> None:
    for key, value in shown.items():
        setattr(layer, key, value)


def _note(layer: Layer, entry: Mapping[str, Any]) -> None:
    """Give a picture its registration back."""
    if "registration" in entry:
        layer.metadata = {**layer.metadata, REGISTRATION: entry["registration"]}

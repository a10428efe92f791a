"""Saving a session: a folder of JSON, arrays and tables, written whole or not at all."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.atomic import (
    clear_leftovers,
    partial_beside,
    plain_path,
    put_back,
    replace_folder,
)
from napari_trsmi.errors import OutputError, TRSMIError
from napari_trsmi.output.results import write_result
from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.domains.areas import shows_areas
from napari_trsmi.viewer.domains.layer import domain_layer, note_saved
from napari_trsmi.viewer.landmarks import LANDMARKS
from napari_trsmi.viewer.regions import TOOL
from napari_trsmi.viewer.registration import written_on
from napari_trsmi.viewer.session.layer_state import KINDS, content, looks, write_arrays
from napari_trsmi.viewer.session.pictures import file_of, owner_of
from napari_trsmi.viewer.session.tables import write_dataset

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.result import TRSMIResult
    from napari_trsmi.viewer.domains.coloring import Coloring

SUFFIX = ".trsmi"
RECORD = "session.json"
VERSION = 1
OUTLINES = "Boundaries of "
"""What the layer of a run's outlines begins with; the Domains dock draws it again."""


def is_session(path: Path) -> bool:
    """Whether a folder is a session."""
    return (path / RECORD).is_file()


def save_session(
    viewer: ViewerModel,
    path: str | os.PathLike[str],
    *,
    tables_inside: bool = False,
    docks: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Save what a window holds, to open it again where it was.

    Parameters
    ----------
    viewer
        The window.
    path
        A folder that ends in ``.trsmi``; a session that is there is replaced.
    tables_inside
        Whether the tables are copied into it. Else it says where they are, with a fingerprint of
        their content; tables that came from no file are copied all the same.
    docks
        What is open beside the canvas, and what is chosen in it, in plain JSON types.

    Returns
    -------
    The folder.

    Raises
    ------
    OutputError
        If it cannot be written; a session that is there is then unchanged.
    """
    target = plain_path(path)
    if target.suffix != SUFFIX:
        target = target.with_name(target.name + SUFFIX)
    if not target.parent.is_dir():
        raise OutputError(f"There is no folder {target.parent}. Choose another.")
    put_back(target)
    if target.exists() and not (target.is_dir() and is_session(target)):
        raise OutputError(f"{target} is there, and no session. Choose another name.")
    clear_leftovers(target)
    partial = partial_beside(target)
    try:
        partial.mkdir()
        record = _Writer(partial, tables_inside=tables_inside).write(viewer)
        record["docks"] = list(docks)
        text = json.dumps(record, indent=1, allow_nan=False)
        (partial / RECORD).write_text(text, encoding="utf-8")
        replace_folder(partial, target)
    except TRSMIError:
        raise
    except (OSError, ValueError, TypeError) as error:
        raise OutputError(f"The session cannot be written to {target}: {error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for layer in viewer.layers:
        if (result := result_of(layer)) is not None:
            note_saved(result)
    return target


class _Writer:
    """Writes the layers of one session, and each table once."""

    def __init__(self, folder: Path, *, tables_inside: bool) -> None:
        self._folder, self._inside = folder, tables_inside
        self._datasets: list[SpatialOmics] = []
        self._tables: list[dict[str, Any]] = []

    def write(self, viewer: ViewerModel) -> dict[str, Any]:
        owners = [result_of(layer) or dataset_of(layer) for layer in viewer.layers]
        names = [layer.name for layer in viewer.layers]
        kept = [
            {**entry, "looks": looks(layer)}
            for at, layer in enumerate(viewer.layers)
            if (entry := self._entry(at, layer, owners, names)) is not None
        ]
        active = viewer.layers.selection.active
        camera = viewer.scene.camera
        return {
            "version": VERSION,
            "tables": self._tables,
            "layers": kept,
            "view": {
                "center": [float(place) for place in camera.center],
                "zoom": float(camera.zoom),
                "canvas": [int(length) for length in viewer.canvas.size],
                "angles": [float(angle) for angle in camera.angles],
                "ndisplay": int(viewer.dims.ndisplay),
                "theme": str(viewer.theme),
                "scale_bar": bool(viewer.canvas.overlays.scale_bar.visible),
                "grid": bool(viewer.canvas.grid.enabled),
                "active": None if active is None else active.name,
            },
        }

    def _entry(
        self,
        at: int,
        layer: Layer,
        owners: list[SpatialOmics | TRSMIResult | None],
        names: list[str],
    ) -> dict[str, Any] | None:
        kind, result, dataset = layer._type_string, result_of(layer), dataset_of(layer)
        how = written_on(layer)
        register = {} if how is None else {"registration": how}
        if shows_areas(layer) or {LANDMARKS, TOOL} & layer.metadata.keys():
            return None  # a dock makes it
        if result is not None:
            return self._run(at, layer, result, dataset)
        if dataset is not None:
            return {"kind": "spots", "tables": self._table(dataset)}
        if kind == "vectors" and layer.name.startswith(OUTLINES):
            return {"kind": "outlines", "of": layer.name.removeprefix(OUTLINES)}
        if kind == "image":
            if (owner := owner_of(layer, owners)) is not None:
                return {"kind": "tissue", "of": names[owner], **register}
            if (file := file_of(layer)) is not None:
                content_of = self._plain_image(layer)
                return {"kind": "file", **file, "content": content_of, **register}
        if kind not in KINDS:
            return None
        plain, arrays = content(layer)
        write_arrays(self._folder / f"layer-{at}.npz", arrays)
        return {"kind": kind, "file": f"layer-{at}.npz", "content": plain, **register}

    def _run(
        self, at: int, layer: Layer, result: TRSMIResult, dataset: SpatialOmics | None
    ) -> dict[str, Any]:
        domains = domain_layer(layer)
        write_result(result, self._folder / f"run-{at}.h5ad")
        return {
            "kind": "run",
            "at": at,
            "file": f"run-{at}.h5ad",
            "tables": None if dataset is None else self._table(dataset),
            "hidden": np.flatnonzero(~domains.edits.shown).tolist(),
            "style": domains.style,
            "enlarged": float(domains.enlarged),
            "selected": domains.selected().tolist(),
            "coloring": self._coloring(at, domains.coloring),
        }

    def _coloring(self, at: int, coloring: Coloring | None) -> dict[str, Any] | None:
        if coloring is None:
            return None
        write_arrays(self._folder / f"coloring-{at}.npz", {"values": coloring.values})
        return {
            "file": f"coloring-{at}.npz",
            "label": coloring.label,
            "low": float(coloring.low),
            "high": float(coloring.high),
            "colormap": coloring.colormap,
            "feature": None if coloring.feature is None else asdict(coloring.feature),
        }

    def _table(self, dataset: SpatialOmics) -> int:
        for at, known in enumerate(self._datasets):
            if known is dataset:
                return at
        self._datasets.append(dataset)
        name = f"tables-{len(self._tables)}"
        self._tables.append(write_dataset(dataset, self._folder, name, inside=self._inside))
        return len(self._tables) - 1

    def _plain_image(self, layer: Layer) -> dict[str, Any]:
        limits = [float(limit) for limit in layer.contrast_limits]
        shown: dict[str, Any] = {"gamma": float(layer.gamma), "contrast_limits": limits}
        return shown if layer.rgb else {**shown, "colormap": layer.colormap.name}

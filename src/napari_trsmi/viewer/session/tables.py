"""The tables of a session: where they are read from again, or themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.data.dataset import Kind, Modality, SpatialOmics, TissueImage
from napari_trsmi.data.loading import load
from napari_trsmi.data.splitting import UnknownKindError
from napari_trsmi.errors import InputError
from napari_trsmi.output.tables import write_table
from napari_trsmi.viewer.session.layer_state import read_arrays, write_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_trsmi.viewer.session.layer_state import Arrays

_READ_AGAIN = {"tables", "features", "positions", "image", "image_scale", "section", "bin_size"} | {
    "keep"
}
_MEASURED = "image_features"  # of the picture, which a run measures again


def can_be_read_again(dataset: SpatialOmics) -> bool:
    """Whether all that the tables were loaded from are paths."""
    arguments = {key: v for key, v in dataset.load_arguments.items() if key != _MEASURED}
    return (
        bool(arguments)
        and arguments.keys() <= _READ_AGAIN
        and all(value is not None for value in arguments.values())
    )


def write_dataset(
    dataset: SpatialOmics, folder: Path, name: str, *, inside: bool
) -> dict[str, Any]:
    """Keep tables in a session.

    Parameters
    ----------
    dataset
        The tables.
    folder
        The session's.
    name
        What their files begin with.
    inside
        Whether the tables themselves are kept, not only where they are. What came from no file is.

    Returns
    -------
    What `read_dataset` needs, in plain JSON types.
    """
    modalities = [{"name": m.name, "kind": m.kind.value} for m in dataset.modalities]
    noted: dict[str, Any] = {"modalities": modalities, "digests": dict(dataset.digests)}
    if not inside and can_be_read_again(dataset):
        arguments = {key: v for key, v in dataset.load_arguments.items() if key != _MEASURED}
        return {**noted, "read_again": {key: _absolute(key, v) for key, v in arguments.items()}}
    for at, modality in enumerate(dataset.modalities):
        table = modality.table.copy()
        table.obs = dataset.annotations if at == 0 else pd.DataFrame(index=dataset.spots)
        write_table(table, folder / f"{name}-{at}.h5ad")
    arrays: Arrays = {"coordinates": dataset.coordinates}
    for at, modality in enumerate(dataset.modalities):
        if modality.measured is not None:
            arrays[f"measured_{at}"] = modality.measured
    image = dataset.image
    if image is not None:
        arrays["pixels"] = np.asarray(image.pixels)
    for at, further in enumerate(dataset.further_images.values()):
        arrays[f"further_{at}"] = np.asarray(further.pixels)
    write_arrays(folder / f"{name}.npz", arrays)
    return {
        **noted,
        "file": name,
        "image_scale": None if image is None else float(image.scale),
        "image_name": dataset.image_name,
        "further_images": {
            stain: {"scale": float(further.scale), "registration": further.registration}
            for stain, further in dataset.further_images.items()
        },
        "micrometres_per_unit": dataset.micrometres_per_unit,
        "spot_diameter": dataset.spot_diameter,
        "square_spots": bool(dataset.square_spots),
        "notes": list(dataset.notes),
        "load_arguments": dataset.load_arguments,
    }


def read_dataset(noted: Mapping[str, Any], folder: Path) -> SpatialOmics:
    """Read what `write_dataset` kept.

    Raises
    ------
    InputError
        If a file is gone or cannot be read, or its content has changed since.
    """
    if "read_again" in noted:
        return _read_again(noted)
    name = Path(noted["file"]).name
    kept = read_arrays(folder / f"{name}.npz")
    from anndata.io import read_h5ad

    modalities = tuple(
        Modality(
            said["name"],
            Kind(said["kind"]),
            read_h5ad(folder / f"{name}-{at}.h5ad"),
            measured=kept.get(f"measured_{at}"),
        )
        for at, said in enumerate(noted["modalities"])
    )
    first = modalities[0].table
    annotations = first.obs.copy()
    first.obs = pd.DataFrame(index=first.obs_names)
    image = None
    if "pixels" in kept:
        image = TissueImage(kept["pixels"], noted["image_scale"])
    return SpatialOmics(
        modalities=modalities,
        coordinates=kept["coordinates"],
        spots=first.obs_names,
        annotations=annotations,
        image=image,
        image_name=noted.get("image_name", "image"),
        further_images={
            stain: TissueImage(kept[f"further_{at}"], **said)
            for at, (stain, said) in enumerate(noted.get("further_images", {}).items())
        },
        micrometres_per_unit=noted.get("micrometres_per_unit"),
        spot_diameter=noted["spot_diameter"],
        square_spots=noted["square_spots"],
        notes=tuple(noted["notes"]),
        digests=dict(noted["digests"]),
        load_arguments=dict(noted["load_arguments"]),
    )


def _read_again(noted: Mapping[str, Any]) -> SpatialOmics:
    arguments = dict(noted["read_again"])
    tables = arguments.pop("tables")
    try:
        dataset = load(tables, **arguments)
    except UnknownKindError:
        if not isinstance(tables, str):
            raise
        dataset = load({noted["modalities"][0]["kind"]: tables}, **arguments)
    changed = [
        name
        for name, known in noted["digests"].items()
        if dataset.digests.get(name, known) != known
    ]
    if changed:
        raise InputError(
            f"{_first_path(tables)} has changed since the session was saved ({', '.join(changed)} "
            "differs). Open it by itself, and run again."
        )
    names = {said["name"] for said in noted["modalities"]}
    kept = tuple(modality for modality in dataset.modalities if modality.name in names)
    return replace(dataset, modalities=kept or dataset.modalities)


def _absolute(key: str, value: Any) -> Any:
    """Write paths so that they are found from any folder."""
    if key not in ("tables", "positions", "image"):
        return value
    if isinstance(value, dict):
        return {name: _absolute(key, path) for name, path in value.items()}
    if isinstance(value, list):
        return [_absolute(key, path) for path in value]
    path = Path(str(value)).expanduser()
    return str(path.absolute()) if path.exists() else value


def _first_path(tables: Any) -> str:
    if isinstance(tables, dict):
        return str(next(iter(tables.values())))
    return str(tables[0] if isinstance(tables, list) else tables)

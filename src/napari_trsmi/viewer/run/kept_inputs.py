"""What is chosen for a run, as plain JSON, and chosen again in a window that was opened anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_trsmi.data.dataset import Kind
from napari_trsmi.viewer.run.candidates import TableCandidate, candidates_of_layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari.components import LayerList
    from napari.layers import Layer

    from napari_trsmi.viewer.run.inputs import Choice, RunInputs


def kept_inputs(inputs: RunInputs) -> dict[str, Any]:
    """Write down what is chosen: layers and modalities by name, files by path."""
    return {
        "points": _name_of(inputs.points),
        "image": _name_of(inputs.image),
        "region": _name_of(inputs.region),
        "modalities": [
            {
                "name": choice.candidate.name,
                "kind": choice.kind.value,
                "used": choice.used,
                "channels": None if choice.channels is None else list(choice.channels),
                "layer": _name_of(choice.candidate.layer),
                "path": None if (path := _path_of(choice)) is None else str(path),
            }
            for choice in inputs.choices
        ],
    }


def choose_layers(inputs: RunInputs, kept: Mapping[str, Any], layers: LayerList) -> list[Path]:
    """Choose again what layers have.

    Parameters
    ----------
    inputs
        What is chosen now, which goes.
    kept
        What `kept_inputs` wrote down.
    layers
        Of the window; one that is not there any more is left out.

    Returns
    -------
    Files whose tables are missing still: to be read, and added to `inputs`.
    """
    there = {layer.name: layer for layer in layers}
    inputs.begin_with(there.get(kept["points"]), there.get(kept["image"]))
    inputs.region = there.get(kept["region"])
    listed = {_key(choice) for choice in inputs.choices}
    for layer in {said["layer"] for said in kept["modalities"] if _key_of(said) not in listed}:
        if layer in there:
            inputs.add(candidates_of_layer(there[layer]))
    choose_modalities(inputs, kept["modalities"])
    paths = dict.fromkeys(said["path"] for said in kept["modalities"] if said["path"])
    return [Path(path) for path in paths]


def choose_modalities(inputs: RunInputs, kept: Iterable[Mapping[str, Any]]) -> None:
    """Take what is not in a list of modalities off, and give the others their kind and tick.

    Parameters
    ----------
    inputs
        What is chosen now.
    kept
        The modalities of `kept_inputs`.
    """
    known = {_key_of(said): said for said in kept}
    for choice in inputs.choices:
        said = known.get(_key(choice))
        if said is not None:
            inputs.set_kind(choice, Kind(said["kind"]))
            inputs.set_used(choice, used=bool(said["used"]))
            inputs.set_channels(choice, _channels(choice, said.get("channels")))
        elif not choice.of_spots:
            inputs.remove(choice)


def _channels(choice: Choice, kept: list[str] | None) -> tuple[str, ...] | None:
    """Those that are still there; all if none is."""
    there = getattr(choice.candidate, "channels", ())
    found = tuple(name for name in kept or () if name in there)
    return found or None


def _key(choice: Choice) -> tuple[str, str | None, str | None]:
    path = _path_of(choice)
    return (
        choice.candidate.name,
        _name_of(choice.candidate.layer),
        None if path is None else str(path),
    )


def _key_of(said: Mapping[str, Any]) -> tuple[str, str | None, str | None]:
    return said["name"], said["layer"], said["path"]


def _path_of(choice: Choice) -> Path | None:
    candidate = choice.candidate
    return candidate.path if isinstance(candidate, TableCandidate) else None


def _name_of(layer: Layer | None) -> str | None:
    return None if layer is None else layer.name

"""The arguments that loaded tables, as far as they can be written down: to load them again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def load_arguments(**arguments: object) -> dict[str, Any]:
    """Write down the arguments of `napari_trsmi.load`.

    Parameters
    ----------
    arguments
        As for `napari_trsmi.load`.

    Returns
    -------
    In plain JSON types, by the argument's name, those that were given: paths, names and numbers as
    they are, None for what was passed from memory.
    """
    return {
        name: _written(value)
        for name, value in arguments.items()
        if value is not None or name == "tables"
    }


def _written(value: object) -> Any:
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, (str, Path)):
        return str(value)
    if isinstance(value, Mapping) and all(isinstance(v, float | int) for v in value.values()):
        return {str(key): number for key, number in value.items()}
    if isinstance(value, Mapping) and all(isinstance(v, (str, Path)) for v in value.values()):
        return {str(key): str(path) for key, path in value.items()}
    if isinstance(value, (list, tuple)) and all(isinstance(v, (str, Path)) for v in value):
        return [str(path) for path in value]
    return None

"""The layers of a table that have a name: from anndata 0.13 on, X is among them without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anndata import AnnData


def named_layers(table: AnnData) -> dict[str, Any]:
    """Return the layers of a table by their names, without X."""
    return {name: table.layers[name] for name in table.layers if name is not None}

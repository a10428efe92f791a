"""What memory a run needs, told before it starts, and in how many tiles it fits what is free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_trsmi.data.reading.memory import free_memory
from napari_trsmi.graphs.neighbors import EXACT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_trsmi.config import Config

_SINGLE, _DOUBLE = 4, 8
_EDGE = 8  # a column and a weight
_MUTUAL = 1.8
"""Edges of a symmetric graph over the neighbours asked for."""
_INDEX = 1_100
"""Bytes a spot of the index that similar spots are sought in, beside two copies of its features."""
_COMPILED = 300_000_000
"""Bytes of what that index is compiled with, which is loaded beyond the exact search."""
_LABELS = 350
"""Bytes a spot of partitions, domains and confidences, and of the result's tables."""
SHARE = 0.9
"""Of the memory that is free; the rest is for what happens beside."""
MOST_TILES = 64
"""Beyond, what is stored for each spot is all that is left."""


@dataclass(frozen=True)
class Needs:
    """What a run needs, and the tiles that it is worked on in.

    Attributes
    ----------
    tiles
        How many.
    whole, tiled
        Bytes beyond what is held already, in one tile and in that many.
    free
        Bytes that were free.
    """

    tiles: int
    whole: int
    tiled: int
    free: int

    def __str__(self) -> str:
        said = f"The run needs about {_size(self.whole)}, and {_size(self.free)} are free"
        if self.tiles > 1:
            said += f": {self.tiles} tiles, which take about {_size(self.tiled)}"
        if self.tiled > self.free:
            said += (
                ". That is more than there is: close other programs, leave the scale 0 out "
                "(all_scales=False), or use a larger machine"
            )
        return f"{said}."

    @property
    def worth_saying(self) -> bool:
        """Whether a person should know before the run starts."""
        return self.tiles > 1 or self.tiled > self.free


def needs_of(n_spots: int, widths: Sequence[int], config: Config, *, table: int = 0) -> Needs:
    """What a run needs, and how many tiles it takes: as few as fit, if `config` does not say.

    Parameters
    ----------
    n_spots
        Of all sections.
    widths
        Components of each modality, at most.
    config
        Parameters of the run.
    table
        Bytes of the largest table.
    """
    free = free_memory()
    whole = run_memory(n_spots, widths, config, tiles=1, table=table)
    if config.tiles != "auto":
        asked = int(config.tiles)
        tiled = run_memory(n_spots, widths, config, tiles=asked, table=table)
        return Needs(asked, whole, tiled, free)
    tiles, tiled = 1, whole
    while tiled > SHARE * free and tiles < MOST_TILES:
        tiles += 1
        tiled = run_memory(n_spots, widths, config, tiles=tiles, table=table)
    return Needs(tiles, whole, tiled, free)


def run_memory(
    n_spots: int, widths: Sequence[int], config: Config, *, tiles: int, table: int = 0
) -> int:
    """About how many bytes a run takes beyond its tables, at its peak.

    What is stored for each spot, components, graphs and axes, grows with the spots; what is worked
    on at a time is a tile's. ``docs/size.md`` has the estimate beside what was measured.
    """
    all_components, widest = sum(widths), max(widths)
    factors = sum(min(width, max(config.region_factors)) for width in widths)
    near = _EDGE * _MUTUAL * config.spatial_neighbors
    alike = _EDGE * _MUTUAL * config.feature_neighbors
    d, count = config.embedding_dim, len(widths)
    tissue = _DOUBLE * factors + 2 * near
    part = 1 / tiles

    components = _SINGLE * all_components
    ordering = components + 2 * _SINGLE * all_components
    axes = components + tissue + 2 * _DOUBLE * widest * part
    peaks = [ordering, axes]
    if 0 in config.scales:
        values = 2 * _SINGLE * widest if tiles > 1 else 2 * _DOUBLE * widest
        held = 2 * components + tissue + values
        peaks.append(held + (count - 1) * alike + _INDEX + 2 * _SINGLE * widest)
        mixed = 4 * (count * alike + near) * part
        held = components + tissue + count * alike + mixed
        peaks.append(held + (count + 3) * _SINGLE * d)
    states = (_SINGLE + 2 * _DOUBLE) * d if 0 in config.scales else 0
    peaks.append(tissue + states + 3 * _DOUBLE * factors + _LABELS)
    loaded = _COMPILED if 0 in config.scales and n_spots > EXACT_LIMIT else 0
    return int(n_spots * max(peaks)) + 3 * table + loaded


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:,.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:,.0f} MB"

"""What memory a run needs, told before it starts, and in how many tiles it fits what is free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_trsmi.data.reading.memory import free_memory
from napari_trsmi.graphs.neighbors import EXACT_LIMIT
from napari_trsmi.model.fusion import ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_trsmi.config import Config

_SINGLE, _DOUBLE = 4, 8
_EDGE = 8  # a column and a weight
_MUTUAL = 1.8
"""Edges of a symmetric graph over the neighbours asked for."""
_INDEX = 800
"""Bytes a spot of the index that similar spots are sought in, beside two copies of its features."""
_COMPILED = 200_000_000
"""Bytes of what that index is compiled with, which is loaded beyond the exact search."""
_LIBRARIES = 140_000_000
"""Bytes of what a run loads on its way."""
_SAMPLES = 60_000_000
"""Bytes of the spots that states are compared on, and of what is left between them."""
_FUSED = 28
"""Bytes of a value that is fused: once in single, three times in double precision."""
_LABELS = 350
"""Bytes a spot of partitions, domains and confidences, and of the result's tables."""
_TRAINED_EDGE = 64
"""Bytes of an edge in training: index, values, gradients and what is made of them."""
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
    trains
        Whether the network is trained.
    """

    tiles: int
    whole: int
    tiled: int
    free: int
    trains: bool = False

    def __str__(self) -> str:
        said = f"The run needs about {_size(self.whole)}, and {_size(self.free)} are free"
        if self.tiles > 1:
            said += f": {self.tiles} tiles, which take about {_size(self.tiled)}"
        if self.tiled > self.free:
            said += (
                ". That is more than there is: close other programs, leave the scale 0 out "
                "(all_scales=False), or use a larger machine"
            )
        if self.tiled > self.free and self.trains:
            said += ". Training, which is not divided, takes most: leave it out (epochs=0)"
        return f"{said}."

    @property
    def worth_saying(self) -> bool:
        """Whether a person should know before the run starts."""
        return self.tiles > 1 or self.tiled > self.free


def needs_of(n_spots: int, widths: Sequence[int], config: Config, *, work: int = 0) -> Needs:
    """What a run needs, and how many tiles it takes: as few as fit, if `config` does not say.

    Parameters
    ----------
    n_spots
        Of all sections.
    widths
        Components of each modality, at most.
    config
        Parameters of the run.
    work
        Bytes that it takes to make components of a table, of that which takes most.
    """
    free, trains = free_memory(), 0 in config.scales and bool(config.epochs)
    whole = run_memory(n_spots, widths, config, tiles=1, work=work)
    if config.tiles != "auto":
        asked = int(config.tiles)
        tiled = run_memory(n_spots, widths, config, tiles=asked, work=work)
        return Needs(asked, whole, tiled, free, trains)
    tiles, tiled = 1, whole
    while tiled > SHARE * free and tiles < MOST_TILES:
        tiles += 1
        tiled = run_memory(n_spots, widths, config, tiles=tiles, work=work)
    return Needs(tiles, whole, tiled, free, trains)


def run_memory(
    n_spots: int, widths: Sequence[int], config: Config, *, tiles: int, work: int = 0
) -> int:
    """About how many bytes a run takes beyond its tables, at its peak.

    What is stored for each spot, components, graphs and axes, grows with the spots; what is worked
    on at a time is a tile's. ``docs/size.md`` has the estimate beside what was measured.

    Parameters
    ----------
    n_spots, widths, config
        As for `needs_of`.
    tiles
        In how many the spots are worked on.
    work
        Bytes that it takes to make components of a table, of that which takes most.
    """
    with_states = 0 in config.scales
    loaded = _LIBRARIES
    peaks = _of_regions(widths, config, tiles)
    if with_states:
        peaks += _of_states(widths, config, tiles)
        loaded += _SAMPLES + min(n_spots, ROWS) * _FUSED * len(widths) * config.embedding_dim
        loaded += _COMPILED if n_spots > EXACT_LIMIT else 0
    making = _SINGLE * sum(widths) * n_spots + work
    return int(max(making, n_spots * max(peaks))) + loaded


def _of_regions(widths: Sequence[int], config: Config, tiles: int) -> list[float]:
    """Bytes a spot of what every run does, each in turn."""
    components, widest = _SINGLE * sum(widths), max(widths)
    tissue, axes = _tissue(widths, config)
    states = (_SINGLE + 2 * _DOUBLE) * config.embedding_dim if 0 in config.scales else 0
    return [
        3 * components,  # ordered
        components + tissue + 2.5 * _DOUBLE * widest / tiles,  # axes of tissue
        tissue + states + 3 * axes + _LABELS,  # domains
    ]


def _of_states(widths: Sequence[int], config: Config, tiles: int) -> list[float]:
    """Bytes a spot of the network and of what it works on, each in turn."""
    components, widest, count = _SINGLE * sum(widths), max(widths), len(widths)
    tissue, _ = _tissue(widths, config)
    near, alike = _graph(config.spatial_neighbors), _graph(config.feature_neighbors)
    embedded = _SINGLE * config.embedding_dim
    values = (_SINGLE if tiles > 1 else _DOUBLE) * widest
    held = components + tissue + (count - 1) * alike
    made = held + alike + near
    peaks = [
        held + 3.1 * values,  # axes and gains of the last modality
        held + values + _SINGLE * widest + _INDEX,  # its similar spots
        held + alike + values + 4 * _SINGLE * widest,  # where its gate ends
        made + (2 * count + 1) * embedded + _SINGLE * config.embedding_dim,  # fused
    ]
    mixed, own = near + count * alike, near + alike
    if tiles == 1:
        peaks.append(made + mixed + own + near + (count + 1) * embedded)
    else:
        peaks.append(made + 2.5 * mixed / tiles + (count + 2) * embedded)
    if config.epochs:  # no part of it is divided
        edges = 2 * count * (own / _EDGE) + 2 * count * (count - 1) * config.align_neighbors
        layers = count * (12 + 2 * max(config.diffusion_steps))
        peaks.append(made + _TRAINED_EDGE * edges + layers * embedded)
    return peaks


def _tissue(widths: Sequence[int], config: Config) -> tuple[float, float]:
    """Bytes a spot of what regions are sought in, and of its axes alone."""
    axes = _DOUBLE * sum(min(width, max(config.region_factors)) for width in widths)
    return axes + _graph(config.spatial_neighbors), axes


def _graph(neighbors: int) -> float:
    return _EDGE * _MUTUAL * neighbors


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:,.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:,.0f} MB"

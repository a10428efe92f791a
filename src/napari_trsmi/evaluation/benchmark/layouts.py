"""UMAPs of the embeddings; they take long, so the store keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from napari_trsmi.analysis.projection import project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from napari_trsmi.evaluation.benchmark.store import Run, Store
    from napari_trsmi.evaluation.benchmark.summary import Cell

_SPOTS = 2_000


Layout: TypeAlias = "tuple[str, NDArray[np.int64], NDArray[np.floating]]"
"""A method's label, which spots, and where they lie, (n, 2)."""


def layouts(store: Store, cells: Iterable[Cell], say: Callable[[str], None]) -> list[Layout]:
    """Two-dimensional layouts of what the methods found at seed 0.

    Parameters
    ----------
    store
        Has those that were made before, and gets the others.
    cells
        Methods that were scored, on one data set.
    say
        Tells the user about each that is made.
    """
    panels = []
    for cell in cells:
        run = next((run for run in cell.done if run.embedding is not None), None)
        if run is None or cell.group == "degenerate":
            continue
        found = store.layout(run)
        if found is None:
            say(f"UMAP of {cell.method} on {cell.data}")
            found = _umap(run)
            store.add_layout(run, *found)
        panels.append((cell.label, *found))
    return panels


def _umap(run: Run) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    """A layout of at most some thousand spots, the same ones for every method."""
    assert run.embedding is not None  # noqa: S101  # for the type checker
    spots = np.sort(np.random.default_rng(0).permutation(len(run.embedding))[:_SPOTS])
    return spots, project(run.embedding[spots], "umap")

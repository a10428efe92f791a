"""An embedding in two dimensions, to look at."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_trsmi.errors import InputError
from napari_trsmi.requirements import needed_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

Method = Literal["pca", "umap"]

_NEIGHBORS = 15
_EPOCHS = 200
_SPREAD = 10.0  # of the start, as of UMAP's own starts
_ROWS_FOR_AXES = 20_000


def project(
    embedding: NDArray[np.floating], method: Method = "pca", *, seed: int = 0
) -> NDArray[np.float32]:
    """Lay spots out in two dimensions.

    PCA keeps distances and takes a fraction of a second. UMAP keeps neighbours, not distances
    between groups; it takes seconds to minutes, most of them for compiling the first time.

    Parameters
    ----------
    embedding
        Shape (n_spots, d).
    method
        ``"pca"`` or ``"umap"``.
    seed
        Of every random choice: the same seed gives the same picture.

    Returns
    -------
    Shape (n_spots, 2), centred; the first column has the larger variance with PCA.

    Raises
    ------
    InputError
        If the method is unknown, or the embedding is not finite numbers of at least one spot, three
        for UMAP.
    """
    values = np.asarray(embedding, dtype=np.float32)
    if values.ndim != 2 or 0 in values.shape or not np.isfinite(values).all():
        raise InputError(
            f"An embedding of shape {values.shape} cannot be laid out: finite numbers of shape "
            "(n_spots, d) are needed."
        )
    if method == "pca":
        return _pca(values, seed)
    if method == "umap":
        return _umap(values, seed)
    raise InputError(f"Unknown method {method!r}; choose pca or umap.")


def _pca(values: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    sample = centred
    if len(centred) > _ROWS_FOR_AXES:  # two axes need no more
        sample = centred[np.random.default_rng(seed).choice(len(centred), _ROWS_FOR_AXES, False)]
    _, axes = np.linalg.eigh(sample.T @ sample)
    axes = axes[:, ::-1][:, :2]
    # The sign of an axis is arbitrary: its largest entry is positive.
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.sign(axes[largest, np.arange(axes.shape[1])])
    laid_out = np.zeros((len(values), 2), dtype=np.float32)
    laid_out[:, : axes.shape[1]] = centred @ axes
    return laid_out


def _umap(values: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    if len(values) < 3:
        raise InputError(f"UMAP needs at least 3 spots, and there are {len(values)}. Choose pca.")
    # Starts at the PCA: its own start fails on few spots, and this one keeps large distances.
    start = _pca(values, seed)
    extent = float(np.abs(start).max())
    if extent == 0:  # all spots are the same
        return start
    start *= _SPREAD / extent
    with warnings.catch_warnings(), needed_for("UMAP"):
        warnings.simplefilter("ignore")  # on its own threads, compilation and small graphs
        from umap import UMAP

        model = UMAP(
            n_neighbors=min(_NEIGHBORS, len(values) - 1),
            n_epochs=_EPOCHS,
            init=start,
            random_state=seed,
            n_jobs=1,
        )
        laid_out: NDArray[np.float32] = np.asarray(model.fit_transform(values), dtype=np.float32)
    laid_out -= laid_out.mean(axis=0)
    return laid_out

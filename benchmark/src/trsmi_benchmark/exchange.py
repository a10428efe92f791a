"""What goes into a method's process and what comes out, as files without pickle.

There are no labels in it: a method cannot see them. A rival's environment has numpy and scipy and
not this package's other dependencies, so nothing else is imported here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Kind = Literal["rna", "protein", "chromatin", "features"]

_ABOUT = "about"


@dataclass(frozen=True)
class Block:
    """One modality as a method gets it.

    Attributes
    ----------
    name
        The modality's name in its data set.
    kind
        What it measures; ``features`` where neither table nor name say.
    features
        Its components after preprocessing, the same for all methods, ``float32``, shape
        (n_spots, n_components).
    counts
        The raw counts, (n_spots, n_features); None where the data set has none.
    """

    name: str
    kind: Kind
    features: NDArray[np.float32]
    counts: sp.csr_array | None


@dataclass(frozen=True)
class Inputs:
    """What every method gets.

    Attributes
    ----------
    blocks
        The modalities, at least one.
    coordinates
        Columns x and y, shape (n_spots, 2).
    n_domains
        How many domains to find.
    seed
        Seed of every random choice.
    """

    blocks: tuple[Block, ...]
    coordinates: NDArray[np.float64]
    n_domains: int = 0
    seed: int = 0

    @property
    def n_spots(self) -> int:
        """Number of spots."""
        return len(self.coordinates)

    @property
    def features(self) -> tuple[NDArray[np.float32], ...]:
        """The features of each modality."""
        return tuple(block.features for block in self.blocks)

    def block(self, kind: Kind) -> Block:
        """The first modality of a kind; `KeyError` if there is none."""
        for block in self.blocks:
            if block.kind == kind:
                return block
        raise KeyError(kind)


@dataclass(frozen=True)
class Output:
    """What a method returns; it has an embedding, domains of its own, or both.

    Attributes
    ----------
    embedding
        Shape (n_spots, d), rows in the order of the inputs.
    domains
        The method's own domains, integers, shape (n_spots,).
    notes
        One sentence for each thing worth knowing about this run.
    """

    embedding: NDArray[np.floating] | None = None
    domains: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()


def write_inputs(inputs: Inputs, path: Path) -> None:
    """Write the modalities and coordinates as ``.npz``; `n_domains` and `seed` are the job's."""
    arrays: dict[str, Any] = {"coordinates": inputs.coordinates}
    about = []
    for place, block in enumerate(inputs.blocks):
        arrays[f"features_{place}"] = block.features
        if block.counts is not None:
            for part in ("data", "indices", "indptr", "shape"):
                arrays[f"counts_{place}_{part}"] = np.asarray(getattr(block.counts, part))
        about.append({"name": block.name, "kind": block.kind, "counts": block.counts is not None})
    arrays[_ABOUT] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    np.savez(path, **arrays)


def read_inputs(path: Path, *, n_domains: int, seed: int) -> Inputs:
    """Read what `write_inputs` wrote, for one run."""
    with np.load(path, allow_pickle=False) as file:
        about = json.loads(file[_ABOUT].tobytes())
        blocks = []
        for place, block in enumerate(about):
            counts = None
            if block["counts"]:
                data, indices, indptr, shape = (
                    file[f"counts_{place}_{part}"]
                    for part in ("data", "indices", "indptr", "shape")
                )
                counts = sp.csr_array((data, indices, indptr), shape=tuple(shape.tolist()))
            blocks.append(Block(block["name"], block["kind"], file[f"features_{place}"], counts))
        return Inputs(tuple(blocks), file["coordinates"], n_domains, seed)


def write_output(output: Output, path: Path) -> None:
    """Write what a method returned as ``.npz``."""
    arrays: dict[str, Any] = {"embedding": output.embedding, "domains": output.domains}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def read_output(path: Path, notes: tuple[str, ...] = ()) -> Output:
    """Read what `write_output` wrote."""
    with np.load(path, allow_pickle=False) as file:
        return Output(file.get("embedding"), file.get("domains"), notes)


def checked(output: Output, n_spots: int) -> Output:
    """Check that an output can be scored.

    Returns
    -------
    It, with its domains numbered from 1.

    Raises
    ------
    ValueError
        If it has neither embedding nor domains, or they are not finite or have the wrong
        number of rows.
    """
    if output.embedding is None and output.domains is None:
        raise ValueError("it returned neither an embedding nor domains")
    embedding, domains = output.embedding, output.domains
    if embedding is not None:
        embedding = np.asarray(embedding)
        if embedding.ndim != 2 or len(embedding) != n_spots:
            raise ValueError(f"its embedding has shape {embedding.shape} for {n_spots} spots")
        if not np.isfinite(embedding).all():
            raise ValueError("its embedding is not finite")
    if domains is not None:
        domains = np.unique(np.asarray(domains), return_inverse=True)[1].astype(np.int64) + 1
        if domains.shape != (n_spots,):
            raise ValueError(f"its domains have shape {domains.shape} for {n_spots} spots")
    return Output(embedding, domains, output.notes)

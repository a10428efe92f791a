"""What a run tells its caller: which phase begins, and how each epoch went."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")


class Phase(StrEnum):
    """A part of a run, in this order."""

    READING = "reading"
    MEASURING = "measuring"
    PREPROCESSING = "preprocessing"
    GRAPHS = "graphs"
    TRAINING = "training"
    CLUSTERING = "clustering"


@dataclass(frozen=True)
class PictureReport:
    """How far a picture is measured.

    Attributes
    ----------
    done, spots
        Number of spots that are measured, and of all.
    """

    done: int
    spots: int


@dataclass(frozen=True)
class SizeReport:
    """What memory a run needs and the tiles that it is worked on in; where that is worth saying.

    Attributes
    ----------
    tiles
        How many.
    said
        A sentence.
    """

    tiles: int
    said: str


@dataclass(frozen=True)
class EpochReport:
    """One epoch.

    Attributes
    ----------
    epoch, epochs
        Number of this epoch, from 1, and how many there will be.
    loss
        The objective L.
    losses
        Its terms before weighting: ``reconstruction``, ``prototypes``, ``graph``.
    beta
        β_t, mean over the modalities.
    seconds
        Wall time of this epoch.
    memory
        Bytes: the process's on the CPU, the peak allocated on a GPU.
    """

    epoch: int
    epochs: int
    loss: float
    losses: dict[str, float]
    beta: float
    seconds: float
    memory: int


Step: TypeAlias = Phase | SizeReport | PictureReport | EpochReport
"""What a run yields."""

Steps: TypeAlias = "Generator[Step, None, T]"
"""A part of a run, and what it returns."""

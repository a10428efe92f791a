"""The state of a training between two epochs as arrays, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_trsmi.model.prototypes import Prototypes
from napari_trsmi.spots.portion import WHOLE, Portion
from napari_trsmi.training.checkpoint import Kept
from napari_trsmi.training.report import EpochReport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from napari_trsmi.training.checkpoint import Checkpoint


_NAME = "epochs"


def state_of(
    modules: Mapping[str, nn.Module],
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    best: Mapping[str, Tensor],
    best_loss: float,
    reports: Sequence[EpochReport],
) -> Kept:
    """Everything that the next epoch depends on.

    Parameters
    ----------
    modules
        The network, and the prototypes if there are any.
    optimizer, generator
        Of the training.
    best, best_loss
        State of the network at the lowest loss.
    reports
        Of the epochs so far.
    """
    arrays: dict[str, NDArray[Any]] = {"generator": generator.get_state().numpy()}
    for name, module in modules.items():
        arrays |= _packed(name, module.state_dict())
    arrays |= _packed("best", best)
    told = optimizer.state_dict()
    for number, values in told["state"].items():
        arrays |= _packed(f"optimizer.{number}", {k: v for k, v in values.items() if v is not None})
    return Kept(
        arrays,
        {
            "groups": told["param_groups"],
            "best_loss": best_loss,
            "reports": [asdict(report) for report in reports],
            "n_prototypes": len(arrays.get("prototypes/centers", ())),
        },
    )


def reports_of(kept: Kept) -> list[EpochReport]:
    """The reports of the epochs that were done."""
    return [EpochReport(**report) for report in kept.told["reports"]]


def keep_epochs(checkpoint: Checkpoint, portion: Portion, state: Kept) -> None:
    """Write a state.

    Of several processes each writes its own and the one before stays, as another may be lost before
    it has written as much.
    """
    ranks = portion.ranks
    if ranks.size == 1:
        checkpoint.keep(_NAME, state)
        return
    kept = [checkpoint.read(name) for name in _names(portion)]
    oldest = min((0, 1), key=lambda turn: _done(kept[turn]))
    checkpoint.keep(_names(portion)[oldest], state)
    portion.count(1)  # all have written


def read_epochs(checkpoint: Checkpoint, portion: Portion) -> Kept | None:
    """The last state that all processes have, if there is one."""
    if portion.ranks.size == 1:
        return checkpoint.read(_NAME)
    mine = {_done(kept): kept for name in _names(portion) if (kept := checkpoint.read(name))}
    own = np.array([[*sorted(mine), 0, 0][:2]])
    common = set.intersection(*map(set, portion.all_rows(own).tolist()))
    return mine.get(max(common, default=0))


def _names(portion: Portion) -> list[str]:
    ranks = portion.ranks
    return [f"{_NAME}-{ranks.rank}-of-{ranks.size}-{turn}" for turn in ("a", "b")]


def _done(kept: Kept | None) -> int:
    return 0 if kept is None else len(kept.told["reports"])


def prototypes_of(kept: Kept, temperature: float, portion: Portion = WHOLE) -> Prototypes | None:
    """The prototypes, if there were any."""
    if not kept.told["n_prototypes"]:
        return None
    found = _unpacked("prototypes", kept)
    prototypes = Prototypes(found["centers"], temperature=temperature, portion=portion)
    prototypes.load_state_dict(found)
    return prototypes


def restore(
    kept: Kept,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> tuple[dict[str, Tensor], float]:
    """Put a state back.

    Parameters
    ----------
    kept
        From `state_of`.
    network, generator
        Of the training.
    optimizer
        With the parameters of the prototypes, if there are any.

    Returns
    -------
    The state of the network at the lowest loss, and that loss.
    """
    network.load_state_dict(_unpacked("network", kept))
    generator.set_state(torch.from_numpy(kept.arrays["generator"]))
    numbers = {
        int(name.split("/")[0].split(".")[1]) for name in kept.arrays if "optimizer." in name
    }
    optimizer.load_state_dict(
        {
            "state": {number: _unpacked(f"optimizer.{number}", kept) for number in numbers},
            "param_groups": kept.told["groups"],
        }
    )
    return _unpacked("best", kept), float(kept.told["best_loss"])


def _packed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, NDArray[Any]]:
    return {f"{prefix}/{name}": value.detach().cpu().numpy() for name, value in tensors.items()}


def _unpacked(prefix: str, kept: Kept) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{prefix}/"): torch.from_numpy(array)
        for name, array in kept.arrays.items()
        if name.startswith(f"{prefix}/")
    }

"""The state of a training between two epochs as arrays, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from napari_trsmi.model.prototypes import Prototypes
from napari_trsmi.training.checkpoint import Kept
from napari_trsmi.training.report import EpochReport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn


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


def prototypes_of(kept: Kept, temperature: float) -> Prototypes | None:
    """The prototypes, if there were any."""
    if not kept.told["n_prototypes"]:
        return None
    found = _unpacked("prototypes", kept)
    prototypes = Prototypes(found["centers"], temperature=temperature)
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

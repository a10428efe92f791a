"""A torch module as a function of patches, on the device of a run."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray


class TorchEmbedder:
    """Answers patches with a module's output, without gradients.

    Parameters
    ----------
    module
        Takes (n, channels, height, width); what it returns is averaged over all but the first and
        the last of three dimensions (tokens), and over the places of a map.
    device
        Where it runs.

    Attributes
    ----------
    digest
        SHA-256 of its weights.
    """

    def __init__(self, module: torch.nn.Module, device: torch.device) -> None:
        self._module = module.to(device).eval()
        self._device = device
        content = hashlib.sha256(str(module).encode())
        for name, weight in sorted(module.state_dict().items()):
            content.update(name.encode())
            content.update(weight.detach().cpu().contiguous().numpy().tobytes())
        self.digest = content.hexdigest()

    def __call__(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features of patches, shape (n, n_features)."""
        with torch.inference_mode():
            answer = self._module(torch.from_numpy(patches).to(self._device))
        if answer.ndim == 3:
            answer = answer.mean(dim=1)
        elif answer.ndim == 4:
            answer = answer.mean(dim=(2, 3))
        return np.asarray(answer.float().cpu().numpy(), dtype=np.float32)

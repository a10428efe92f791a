"""Several processes of one run, started by ``torchrun``: PyTorch's process group as `Ranks`."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from napari_trsmi.errors import LostProcessError
from napari_trsmi.spots.ranks import ALONE, Ranks, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_WAIT = timedelta(hours=3)
"""For a process that answers nothing and is not known to be gone: it may search a large table."""
_KEPT = 64
"""Arrays of row numbers that are held on a device."""
_LOOK = 0.05  # seconds between two looks whether the first process has come to it


class ProcessGroup(Ranks):
    """The processes that ``torchrun`` started: gloo between processors, NCCL between GPUs."""

    def __init__(self) -> None:
        self.rank = dist.get_rank()
        self.size = dist.get_world_size()
        self.here = int(os.environ.get("LOCAL_WORLD_SIZE", self.size))
        self._turns = 0
        self._places: dict[tuple[int, torch.device], tuple[NDArray[np.int64], Tensor]] = {}

    def sum(self, values: Rows) -> Rows:
        """Sum of the arrays of all processes, element by element; the same in each of them."""
        total = _tensor(values).clone()
        with _others():
            dist.all_reduce(total)
        return cast("Rows", _like(values, total))

    def exchange(self, parts: Sequence[Rows]) -> list[Rows]:
        """Send the first part to the first process, and so on."""
        mine = [_tensor(part) for part in parts]
        sent = [len(part) for part in mine]
        counts = torch.empty(self.size, dtype=torch.int64)
        with _others():
            dist.all_to_all_single(counts, torch.tensor(sent))
            received = counts.tolist()
            whole = torch.cat(mine)
            found = whole.new_empty((sum(received), *whole.shape[1:]))
            dist.all_to_all_single(found, whole, received, sent)
        return [cast("Rows", _like(parts[0], part)) for part in torch.split(found, received)]

    def of_first(self, values: Rows) -> Rows:
        """The array of the first process; others pass one of the same shape and type."""
        found = _tensor(values).clone()
        with _others():
            dist.broadcast(found, 0)
        return cast("Rows", _like(values, found))

    def told(self, said: Any) -> Any:
        """What the first process says, in plain JSON types; it may be long in coming."""
        store, self._turns = _store(), self._turns + 1
        name = f"told-{self._turns}"
        with _others():
            if self.rank == 0:
                store.set(name, json.dumps(said))
                return said
            while not store.check([name]):  # not a wait, in which no signal is heard
                time.sleep(_LOOK)
            return json.loads(store.get(name))

    def places(self, positions: NDArray[np.int64], like: Rows) -> Any:
        """Row numbers as `like`, an array or a tensor, is indexed by; on its device."""
        if not isinstance(like, Tensor):
            return positions
        key = (id(positions), like.device)
        if len(self._places) > _KEPT:
            self._places.clear()
        if key not in self._places:  # with the array, so that its number stays its own
            moved = torch.from_numpy(positions).to(like.device)
            self._places[key] = (positions, moved)
        return self._places[key][1]


def process_group() -> Ranks:
    """The processes of this run: those of PyTorch's group where it was joined, else this one."""
    return ProcessGroup() if dist.is_available() and dist.is_initialized() else ALONE


def join() -> ProcessGroup:
    """Meet the other processes that ``torchrun`` started."""
    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        backend = "cpu:gloo,cuda:nccl"
    with _others():
        dist.init_process_group(backend, timeout=_WAIT)
    return ProcessGroup()


def is_first_to_end() -> bool:
    """Whether no other process has said why the run ends."""
    try:
        return bool(_store().add("ended", 1) == 1)
    except (RuntimeError, ValueError):  # torchrun is gone, or was not met
        return os.environ.get("RANK") == "0"


def _store() -> Any:
    return dist.distributed_c10d._get_default_store()


@contextmanager
def _others() -> Iterator[None]:
    """Make one of our errors of what PyTorch raises when another process is gone."""
    try:
        yield
    except RuntimeError as error:
        raise LostProcessError(
            "A process of this run was lost, and the others cannot go on without it: it was "
            "killed, ran out of memory, or its machine is gone. Nothing was written; with "
            "--checkpoint DIR and --resume the run goes on with what was done."
        ) from error


def _tensor(values: Any) -> Tensor:
    if isinstance(values, Tensor):
        return values.detach().contiguous()
    array = np.asarray(values)
    return torch.from_numpy(np.ascontiguousarray(array)).reshape(array.shape)  # of a number, too


def _like(values: Any, found: Tensor) -> Any:
    return found if isinstance(values, Tensor) else found.numpy()

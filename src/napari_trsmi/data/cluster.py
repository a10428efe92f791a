"""A Dask cluster that works on the chunks of tables that are not read whole.

What is worked on is read by the workers, and only what is made of it comes back. Any
`dask.distributed` client that is connected is used, as Dask's own computations do.
"""

from __future__ import annotations

import sys
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_trsmi.errors import InputError
from napari_trsmi.requirements import needed_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ANSWER = 20
"""Seconds that a scheduler and its first worker are waited for."""
_AHEAD = 2
"""Chunks in the making for each thread: what is done waits for its turn in memory."""
_TOGETHER = 8
"""Sums that are added up at a time."""


def connected_client() -> Any:
    """The client of the cluster that is connected; None if there is none."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


@contextmanager
def connected(scheduler: str | None) -> Iterator[None]:
    """Work on a cluster inside the block.

    Parameters
    ----------
    scheduler
        Its address, such as ``tcp://node1:8786``; None for no cluster.

    Raises
    ------
    InputError
        If nothing answers there, or the workers lack this package.
    MissingPackageError
        If `distributed` is not installed.
    """
    if scheduler is None:
        yield
        return
    with needed_for("Working on a Dask cluster"):
        from distributed import Client
    try:
        client = Client(scheduler, timeout=_ANSWER)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise InputError(
            f"No Dask scheduler answers at {scheduler}. Start one with `dask scheduler`, which "
            "says its address, and workers with `dask worker ADDRESS`."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_ANSWER)
        except TimeoutError as error:
            raise InputError(
                f"The Dask scheduler at {scheduler} has no workers. Start some: "
                f"`dask worker {scheduler}`."
            ) from error
        lacking = [where for where, has in client.run(_has_us).items() if not has]
        if lacking:
            raise InputError(
                f"The Dask worker {lacking[0]} lacks napari-trsmi: install the same version in the "
                "workers' environment."
            )
        yield


def in_order(
    client: Any, tasks: Iterator[tuple[Any, Any]], label: str
) -> Iterator[tuple[Any, Any]]:
    """Outcomes of tasks in their order, some of them made ahead.

    Parameters
    ----------
    client
        Of the cluster.
    tasks
        What each is of, and what Dask computes.
    label
        How messages call the table.
    """
    ahead = _AHEAD * max(1, sum(client.nthreads().values()))
    waiting: deque[tuple[Any, Any]] = deque()
    for of, task in tasks:
        waiting.append((of, client.compute(task)))
        if len(waiting) > ahead:
            of, made = waiting.popleft()
            yield of, _outcome(made, label)
    while waiting:
        of, made = waiting.popleft()
        yield of, _outcome(made, label)


def added_up(client: Any, tasks: Sequence[Any], label: str) -> tuple[Any, ...]:
    """Sums of what tasks return, arrays each; added up by the workers."""
    from dask.delayed import delayed

    add = delayed(_added, pure=False)
    level = list(tasks)
    while len(level) > 1:
        level = [add(level[i : i + _TOGETHER]) for i in range(0, len(level), _TOGETHER)]
    total: tuple[Any, ...] = _outcome(client.compute(level[0]), label)
    return total


def _added(parts: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(sum(arrays[1:], start=arrays[0]) for arrays in zip(*parts, strict=True))


def _outcome(made: Any, label: str) -> Any:
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    try:
        return made.result()
    except KilledWorker as error:
        raise InputError(
            f"The Dask cluster lost its workers over table {label}, most often for lack of memory. "
            "Give the workers more (`dask worker --memory-limit`), or each fewer threads."
        ) from error
    except FutureCancelledError as error:
        raise InputError(
            f"The Dask cluster went away while it worked on table {label}. Start it again."
        ) from error
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise InputError(
            f"A Dask worker cannot read table {label}: {error}. Files must be there under the same "
            "path on every worker; if they are, the table may be damaged: copy or write it again."
        ) from error


def _has_us() -> bool:
    import importlib.util

    return importlib.util.find_spec("napari_trsmi") is not None

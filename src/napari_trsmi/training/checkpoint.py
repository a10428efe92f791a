"""What a run has done so far, in a folder: arrays and plain text, each file whole or not at all.

Nothing is pickled: a checkpoint is an ``.npz`` a step, with what is no array as JSON in it.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_trsmi.atomic import write_bytes
from napari_trsmi.data.wording import listed
from napari_trsmi.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

_RUN = "run.json"
_TOLD = "told"
_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Kept:
    """The outcome of a step.

    Attributes
    ----------
    arrays
        By name.
    told
        All else, in plain JSON types.
    """

    arrays: Mapping[str, NDArray[Any]]
    told: Mapping[str, Any]


class Checkpoint:
    """The folder of one run.

    Parameters
    ----------
    folder
        Where it is; it is made. None keeps nothing.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self._folder = None if folder is None else Path(folder).expanduser()

    @property
    def is_kept(self) -> bool:
        """Whether anything is written."""
        return self._folder is not None

    def begin(self, run: Mapping[str, Mapping[str, Any]], *, resume: bool) -> bool:
        """Write down what the run is of, or check that the run to resume is of the same.

        Parameters
        ----------
        run
            What its outcome depends on, in plain JSON types: what it is called, by what kind of
            thing it is.
        resume
            Whether to go on with what is in the folder.

        Returns
        -------
        Whether there is something to go on with.

        Raises
        ------
        InputError
            If the folder holds another run, a damaged one, or one that is not to be resumed.
        """
        if self._folder is None:
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for left in self._folder.glob(".*.part"):  # of a run that was killed
                left.unlink()
        except OSError as error:
            raise OutputError(_refused(self._folder, error)) from error
        path = self._folder / _RUN
        told = {"format": _FORMAT, **run}
        if not path.exists():
            others = sorted(file.name for file in self._folder.glob("*.npz"))
            if others:
                raise InputError(
                    f"{self._folder} holds {others[0]} and no {_RUN} that says what it is of. "
                    "Choose another folder for the checkpoint, or empty this one."
                )
            write_bytes(path, json.dumps(told, indent=1).encode())
            return False
        if not resume:
            raise InputError(
                f"{self._folder} holds the checkpoint of a run already. Go on with it with "
                "resume=True (command line: --resume), or choose another folder."
            )
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(before, dict):
                raise TypeError("it holds no description")
        except (OSError, ValueError, TypeError) as error:
            raise _damaged(path, error) from error
        differing = _differences(before, json.loads(json.dumps(told)))
        if differing:
            raise InputError(
                f"The checkpoint in {self._folder} is of another run: {listed(differing[:4])}. "
                "Pass the same tables and parameters again, or choose another folder."
            )
        return True

    def kept(self, name: str, make: Callable[[], Kept]) -> Kept:
        """Return the outcome of a step, from the folder if it is there; else make and write it."""
        found = self.read(name)
        return self.keep(name, make()) if found is None else found

    def read(self, name: str) -> Kept | None:
        """Read the outcome of a step; None if it is not there.

        Raises
        ------
        InputError
            If it is damaged. It is left as it is.
        """
        if self._folder is None:
            return None
        path = self._folder / f"{name}.npz"
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files if key != _TOLD}
                told = json.loads(bytes(file[_TOLD]).decode())
            if not isinstance(told, dict):
                raise TypeError("it tells nothing")
        except (
            *(OSError, ValueError, KeyError, TypeError, EOFError, NotImplementedError),
            *(zipfile.BadZipFile, zipfile.LargeZipFile, MemoryError),
        ) as error:
            raise _damaged(path, error) from error
        return Kept(arrays, told)

    def keep(self, name: str, outcome: Kept) -> Kept:
        """Write the outcome of a step.

        Returns
        -------
        It, as it would be read: arrays in one piece, so that a run that goes on with what it has
        and one that is resumed work on the same.
        """
        if self._folder is None:
            return outcome
        arrays = {
            key: np.asarray(array, order=_order(array)) for key, array in outcome.arrays.items()
        }
        content = io.BytesIO()
        told = np.frombuffer(json.dumps(dict(outcome.told)).encode(), dtype=np.uint8)
        np.savez(content, allow_pickle=False, **{_TOLD: told, **arrays})
        write_bytes(self._folder / f"{name}.npz", content.getvalue())
        return Kept(arrays, outcome.told)


def _refused(path: Path, error: OSError) -> str:
    return (
        f"The checkpoint {path} cannot be written: {error.strerror or error}. Make room, or choose "
        "another folder; what was there is unchanged."
    )


def _order(array: NDArray[Any]) -> Any:
    """How an array comes out of a file: by columns if it is so, else by rows."""
    by_columns = array.flags["F_CONTIGUOUS"] and not array.flags["C_CONTIGUOUS"]
    return "F" if by_columns else "C"


def _damaged(path: Path, error: Exception) -> InputError:
    reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
    return InputError(
        f"The checkpoint {path} is damaged ({reason.rstrip('.')}). It is left as it is: remove the "
        "file, and what it held is worked out again, or choose another folder."
    )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say what differs, the first things first."""
    said = []
    for kind in dict.fromkeys([*now, *before]):
        then, this = before.get(kind), now.get(kind)
        if then == this:
            continue
        if not isinstance(then, dict) or not isinstance(this, dict):
            said.append(f"{kind} was {then!r} and is {this!r}")
            continue
        for name in dict.fromkeys([*this, *then]):
            if then.get(name) == this.get(name):
                continue
            if kind == "spots":
                said.append("the spots, their names or their places are others")
            elif kind == "tables":
                said.append(_of_table(name, then.get(name), this.get(name)))
            else:
                said.append(f"{name} was {then.get(name)!r} and is {this.get(name)!r}")
    return list(dict.fromkeys(said))


def _of_table(name: str, before: Any, now: Any) -> str:
    if before is None or now is None:
        return f"table {name!r} {'came' if before is None else 'went'}"
    changed = [key for key in now if isinstance(before, dict) and before.get(key) != now[key]]
    if changed == ["read in parts"]:
        return f"table {name!r} was read {'in parts' if before['read in parts'] else 'whole'}"
    return f"table {name!r} has other values"

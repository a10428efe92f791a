"""Results as rows: one line of JSON a run, appended and on the disk as soon as the run has ended.

A row needs nothing but itself, so files of rows can be put together, committed and read by pandas
(``pandas.read_json(path, lines=True)``). A line that a lost machine cut short is left out, and the
next row begins on a line of its own.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_trsmi.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIX = ".jsonl"

Status = Literal["done", "failed", "over_time", "over_memory", "missing", "unfit"]
Clustering = Literal["own", "common"]


@dataclass(frozen=True)
class Row:
    """One run of a method, or why there was none.

    Attributes
    ----------
    case, method, seed
        What was run.
    settings
        A digest of everything that the outcome depends on.
    started
        UTC, ISO 8601.
    status
        ``done``, or how it ended otherwise.
    message
        In words, as the report shows it; empty when done.
    description
        The method's, see `Method.description`.
    scores
        By clustering (``own``: the method's own domains; ``common``: those of the common clustering
        of its embedding) and by column of labels, the metrics by name. What a method does not have
        is not there.
    domains
        The domains that count, packed: its own where it has them; see `packed`.
    measured
        ``seconds``, ``cpu_seconds`` (from features to what the method returns),
        ``cluster_seconds``, ``cluster_cpu_seconds``, ``process_seconds``, ``process_cpu_seconds``,
        ``memory`` (bytes, of the process), ``p_value``, ``n_labels``,
        ``time_limit``, ``memory_limit``.
    provenance
        Machine, versions, threads, and the data set's digest.
    notes
        What the method said.
    """

    case: str
    method: str
    seed: int
    settings: str
    started: str
    status: Status
    message: str = ""
    description: dict[str, Any] = field(default_factory=dict)
    scores: dict[Clustering, dict[str, dict[str, float]]] = field(default_factory=dict)
    domains: str = ""
    measured: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What is run once."""
        return self.case, self.method, self.seed, self.settings

    @property
    def counted(self) -> Clustering:
        """The clustering whose domains count: the method's own, where it has one."""
        return "own" if "own" in self.scores else "common"


class RowsFile:
    """A file of rows.

    Parameters
    ----------
    path
        Its name ends in ``.jsonl``; made with the first row.

    Raises
    ------
    InputError
        If it is there and holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows = {row.key: row for row in read_rows([path])} if path.exists() else {}

    def find(self, key: tuple[str, str, int, str]) -> Row | None:
        """The last row of a key."""
        return self._rows.get(key)

    def rows(self) -> list[Row]:
        """The last row of each key."""
        return list(self._rows.values())

    def append(self, row: Row) -> None:
        """Add a row, on the disk when this returns.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        line = json.dumps(asdict(row), ensure_ascii=False) + "\n"
        try:
            if _is_cut_short(self.path):
                line = "\n" + line
            # one write to the file's end, so that two processes may share it
            with self.path.open("ab", buffering=0) as file:
                file.write(line.encode())
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(
                f"Cannot write to {self.path}: {error}. What it held before is unchanged; make "
                "room, or choose another --rows."
            ) from error
        self._rows[row.key] = row


def read_rows(paths: Iterable[Path]) -> list[Row]:
    """The rows of some files, and of all ``.jsonl`` in a folder, in order.

    Raises
    ------
    InputError
        If there is no such file, or it holds something else.
    """
    rows: list[Row] = []
    for path in paths:
        files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not all(file.is_file() for file in files) or not files:
            raise InputError(
                f"There are no rows in {path}. Make some with trsmi-benchmark run --rows FILE."
            )
        for file in files:
            rows += _read(file)
    return rows


def latest(rows: Iterable[Row]) -> list[Row]:
    """The last begun row of each data set, method and seed, in the order in which they began."""
    found: dict[tuple[str, str, int], Row] = {}
    for row in sorted(rows, key=lambda row: row.started):
        found[row.case, row.method, row.seed] = row
    return list(found.values())


def packed(domains: NDArray[np.int64]) -> str:
    """Domains from 1 to 255 as text, some hundred characters for a thousand spots."""
    return base64.b64encode(zlib.compress(domains.astype(np.uint8).tobytes(), 9)).decode()


def unpacked(text: str) -> NDArray[np.int64]:
    """What `packed` made text of."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).astype(np.int64)


def _is_cut_short(path: Path) -> bool:
    """Whether a file's last line has no end."""
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


def _read(path: Path) -> list[Row]:
    names = {field.name for field in fields(Row)}
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    rows: list[Row] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except ValueError:
            if rows or number == len(lines):
                continue  # cut short when its machine was lost
            raise InputError(
                f"{path} holds no rows of trsmi-benchmark: line {number} is no JSON. Choose "
                "another file."
            ) from None
        if not isinstance(content, dict) or set(content) != names:
            raise InputError(
                f"{path}, line {number} is no row of this version of trsmi-benchmark. Choose "
                "another file, or use the version that wrote it."
            )
        rows.append(Row(**{**content, "notes": tuple(content["notes"])}))
    return rows

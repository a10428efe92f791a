"""The results: one SQLite file, safe to interrupt at any moment and to go on with.

One row for each data set, method, seed and digest of the settings. A row is committed as soon as
its run has ended; what was not committed when the process was killed is simply not there.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from napari_trsmi.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_APPLICATION = 0x54524D42
_VERSION = 2

Status = Literal["done", "failed", "over_time", "over_memory", "missing", "unfit"]

_SCHEMA = """
CREATE TABLE runs (
    data TEXT NOT NULL,
    method TEXT NOT NULL,
    seed INTEGER NOT NULL,
    settings TEXT NOT NULL,
    scoring TEXT NOT NULL,
    started TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT NOT NULL,
    description TEXT NOT NULL,
    scores TEXT NOT NULL,
    own_scores TEXT NOT NULL,
    measured TEXT NOT NULL,
    provenance TEXT NOT NULL,
    notes TEXT NOT NULL,
    domains BLOB,
    own_domains BLOB,
    embedding BLOB,
    PRIMARY KEY (data, method, seed, settings)
);
CREATE TABLE data_sets (
    name TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    about TEXT NOT NULL,
    coordinates BLOB NOT NULL,
    labels BLOB NOT NULL
);
CREATE TABLE layouts (
    data TEXT NOT NULL,
    method TEXT NOT NULL,
    settings TEXT NOT NULL,
    spots BLOB NOT NULL,
    points BLOB NOT NULL,
    PRIMARY KEY (data, method, settings)
);
"""
_JSON = ("description", "scores", "own_scores", "measured", "provenance", "notes")
_ARRAYS = ("domains", "own_domains", "embedding")


@dataclass(frozen=True)
class Run:
    """One run of a method, or why there was none.

    Attributes
    ----------
    data, method, seed, settings
        What was run; `settings` is a digest of everything that what it made depends on.
    scoring
        A digest of what that was clustered and scored by; empty where nothing was.
    started
        UTC, ISO 8601.
    status
        ``done``, or how it ended otherwise.
    message
        In words, as the report shows it; empty when done.
    description
        The method's, see `Method.description`.
    scores, own_scores
        By label column, the metrics by name: of the common clustering of the embedding, and of the
        method's own domains.
    measured
        ``seconds``, ``cpu_seconds`` (from features to embedding), ``cluster_seconds``,
        ``cluster_cpu_seconds``, ``process_seconds``, ``process_cpu_seconds``, ``memory`` (bytes, of
        the process), ``p_value``, ``time_limit``, ``memory_limit``.
    provenance
        Machine, versions, digests.
    notes
        What the method said.
    domains, own_domains
        Numbers from 1, shape (n_spots,).
    embedding
        Kept for seed 0, and where it took long to make: it can be clustered anew by other code.
    """

    data: str
    method: str
    seed: int
    settings: str
    scoring: str
    started: str
    status: Status
    message: str = ""
    description: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    own_scores: dict[str, dict[str, float]] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    domains: NDArray[np.int64] | None = None
    own_domains: NDArray[np.int64] | None = None
    embedding: NDArray[np.floating] | None = None

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What a store has one row for."""
        return self.data, self.method, self.seed, self.settings


@dataclass(frozen=True)
class DataSet:
    """What the report needs of a data set, so that it can be made from the store alone."""

    name: str
    digest: str
    about: dict[str, Any]
    coordinates: NDArray[np.float64]
    labels: NDArray[np.int64]


class Store:
    """The results file.

    Parameters
    ----------
    path
        Made if it is missing.
    create
        Whether it may be made.

    Raises
    ------
    InputError
        If it is missing and may not be made, or is no results file.
    OutputError
        If it cannot be made or written.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        if not create and not path.is_file():
            raise InputError(
                f"There is no results file {path}. Make one with napari-trsmi benchmark --store "
                f"{path}."
            )
        self.path = path
        try:
            # our own transactions: every write is one, committed at once
            self._connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        except sqlite3.Error as error:
            raise OutputError(f"Cannot open {path}: {error}. Choose another --store.") from error
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        with self._explained():
            try:
                application = self._pragma("application_id")
                empty = not self._connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                raise InputError(
                    f"{self.path} is no results file of napari-trsmi benchmark. Choose another "
                    "--store."
                ) from error
            if not empty and application != _APPLICATION:
                raise InputError(
                    f"{self.path} is a database of another program. Choose another --store."
                )
            if not empty and self._pragma("user_version") != _VERSION:
                raise InputError(
                    f"{self.path} was written by another version of napari-trsmi. Choose another "
                    "--store, or use that version."
                )
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            if empty:
                self._connection.executescript(
                    f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA application_id={_APPLICATION}; "
                    f"PRAGMA user_version={_VERSION}; COMMIT;"
                )

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def close(self) -> None:
        """Close the file; SQLite folds its journal into it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, run: Run) -> None:
        """Keep a run, in place of one with the same key."""
        row = asdict(run)
        for name in _JSON:
            row[name] = json.dumps(row[name])
        for name in _ARRAYS:
            row[name] = None if row[name] is None else _packed(row[name])
        self._insert("runs", row)

    def find(self, key: tuple[str, str, int, str]) -> Run | None:
        """The run of a key."""
        found = self._select(
            "runs", "WHERE data=? AND method=? AND seed=? AND settings=?", key, _all_columns()
        )
        return next(found, None)

    def runs(self, *, arrays: bool = False) -> list[Run]:
        """The latest run of each data set, method and seed, in the order in which they began.

        Parameters
        ----------
        arrays
            Whether to read domains and embeddings too.
        """
        columns = _all_columns() if arrays else _all_columns()[: -len(_ARRAYS)]
        latest: dict[tuple[str, str, int], Run] = {}
        for run in self._select("runs", "ORDER BY started, rowid", (), columns):
            latest[run.data, run.method, run.seed] = run
        return list(latest.values())

    def add_data_set(self, data: DataSet) -> None:
        """Keep what the report needs of a data set."""
        row = asdict(data)
        row["about"] = json.dumps(row["about"])
        row["coordinates"] = _packed(row["coordinates"])
        row["labels"] = _packed(row["labels"])
        self._insert("data_sets", row)

    def data_sets(self) -> dict[str, DataSet]:
        """Every data set by name."""
        with self._explained():
            rows = self._connection.execute(
                "SELECT name, digest, about, coordinates, labels FROM data_sets ORDER BY rowid"
            ).fetchall()
        return {
            name: DataSet(name, digest, json.loads(about), _unpacked(xy), _unpacked(labels))
            for name, digest, about, xy, labels in rows
        }

    def add_layout(self, run: Run, spots: NDArray[np.int64], points: NDArray[np.floating]) -> None:
        """Keep a picture's layout of an embedding: which spots, and where, (n, 2)."""
        self._insert(
            "layouts",
            {
                "data": run.data,
                "method": run.method,
                "settings": run.settings,
                "spots": _packed(spots),
                "points": _packed(points),
            },
        )

    def layout(self, run: Run) -> tuple[NDArray[np.int64], NDArray[np.floating]] | None:
        """The layout of a run's embedding, if one is kept."""
        with self._explained():
            row = self._connection.execute(
                "SELECT spots, points FROM layouts WHERE data=? AND method=? AND settings=?",
                (run.data, run.method, run.settings),
            ).fetchone()
        return None if row is None else (_unpacked(row[0]), _unpacked(row[1]))

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        names = ", ".join(row)
        marks = ", ".join("?" * len(row))
        news = ", ".join(f"{name}=excluded.{name}" for name in row)
        with self._explained():
            self._connection.execute(
                # a row that is there keeps its place: it is the order of the report
                f"INSERT INTO {table} ({names}) VALUES ({marks}) "  # noqa: S608  # ours
                f"ON CONFLICT DO UPDATE SET {news}",
                tuple(row.values()),
            )

    def _select(
        self, table: str, condition: str, values: tuple[Any, ...], columns: tuple[str, ...]
    ) -> Iterator[Run]:
        with self._explained():
            rows = self._connection.execute(
                f"SELECT {', '.join(columns)} FROM {table} {condition}",  # noqa: S608  # ours
                values,
            ).fetchall()
        for values in rows:
            row = dict(zip(columns, values, strict=True))
            for name in _JSON:
                row[name] = json.loads(row[name])
            for name in _ARRAYS:
                if row.get(name) is not None:
                    row[name] = _unpacked(row[name])
            row["notes"] = tuple(row["notes"])
            yield Run(**row)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise OutputError(
                f"Cannot use the results file {self.path}: {error}. What was stored before is "
                "unchanged; make room, or choose another --store."
            ) from error


def _all_columns() -> tuple[str, ...]:
    return tuple(Run.__dataclass_fields__)


def _packed(array: NDArray[Any]) -> bytes:
    """An array as compressed bytes, with its shape and type."""
    buffer = BytesIO()
    np.savez_compressed(buffer, array=array)
    return buffer.getvalue()


def _unpacked(content: bytes) -> NDArray[Any]:
    with np.load(BytesIO(content), allow_pickle=False) as file:
        array: NDArray[Any] = file["array"]
    return array

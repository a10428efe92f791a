"""Public data sets, downloaded when they are asked for and kept in a cache folder.

They lie on Zenodo. Names, sizes and checksums of a record's files come from the record itself when
it is first asked for; published records do not change, so the answer is kept beside the files.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zipfile import ZipFile

from napari_trsmi.data.public.fetching import RemoteFile, fetch, read_url, writing
from napari_trsmi.errors import InputError, OutputError, TRSMIError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

SERVER = "https://zenodo.org"


@dataclass(frozen=True)
class PublicRecord:
    """A record on Zenodo.

    Attributes
    ----------
    number
        Of the record: ``https://zenodo.org/records/<number>``.
    holds
        What its files are.
    citation
        What to cite for the data.
    """

    number: int
    holds: str
    citation: str


RECORDS: Mapping[str, PublicRecord] = MappingProxyType(
    {
        "praga": PublicRecord(
            14591305,
            "Human lymph node (RNA, protein), P22 mouse brain (RNA, chromatin) and simulations, as "
            "PRAGA was evaluated on",
            "Long et al. 2024, Nature Methods; Zhang et al. 2023, Nature 616:113; "
            "Huang et al. 2025, AAAI",
        ),
        "spatialglue": PublicRecord(
            10362607,
            "Mouse spleen (SPOTS) and thymus (Stereo-CITE-seq), human lymph nodes, mouse brain, as "
            "SpatialGlue was evaluated on",
            "Long et al. 2024, Nature Methods; Ben-Chetrit et al. 2023, Nature Biotechnology; "
            "Zhang et al. 2023, Nature 616:113",
        ),
        "misar": PublicRecord(
            7480069,
            "Embryonic mouse brain (MISAR-seq: RNA, chromatin)",
            "Jiang et al. 2023, Nature Methods",
        ),
    }
)
"""The records that can be downloaded by name."""


@dataclass(frozen=True)
class DownloadProgress:
    """How far a download is.

    Attributes
    ----------
    file
        Name of the file that is being downloaded.
    done, total
        Bytes of all files asked for.
    """

    file: str
    done: int
    total: int


def download(
    name: str,
    *,
    files: Sequence[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    on_progress: Callable[[DownloadProgress], None] = lambda _: None,
    retries: int = 3,
    server: str = SERVER,
) -> list[Path]:
    """Download the files of a public record, unless they are there, and unpack its archives.

    Nothing of this package calls it on its own. It blocks until all is there: call it from a
    worker where a window must go on.

    Parameters
    ----------
    name
        One of `RECORDS`.
    files
        Which of its files (see `files_of`); None for all.
    folder
        Where they are kept; None for the user's cache folder.
    on_progress
        Called as bytes arrive. What it raises ends the download, and what has arrived is kept.
    retries
        How often to connect again when nothing arrives.
    server
        Where the record is; another one than Zenodo must answer as Zenodo does.

    Returns
    -------
    Paths of the files, and of what was in their archives, each verified against the checksum that
    the record states. `napari_trsmi.load` and `napari_trsmi.open` read them.

    Raises
    ------
    InputError
        If the record or a file is unknown, the server cannot be reached, refuses or breaks off, or
        a checksum is wrong; says what to do.
    OutputError
        If the disk is full or cannot be written to.
    """
    known = {file.name: file for file in files_of(name, folder=folder, server=server)}
    unknown = [file for file in files or () if file not in known]
    if unknown:
        raise InputError(f"Record {name!r} has no file {unknown[0]!r}. It has {', '.join(known)}.")
    wanted = list(known.values()) if files is None else [known[file] for file in files]
    place = folder_of(name, folder=folder)
    total = sum(file.size for file in wanted)
    before = 0
    found: list[Path] = []
    for file in wanted:

        def report(n_bytes: int, file: str = file.name, before: int = before) -> None:
            on_progress(DownloadProgress(file, before + n_bytes, total))

        path = fetch(file, place, on_bytes=report, retries=retries)
        found += _unpacked(path) if path.suffix == ".zip" else [path]
        before += file.size
    return found


def files_of(
    name: str, *, folder: str | os.PathLike[str] | None = None, server: str = SERVER
) -> tuple[RemoteFile, ...]:
    """Name the files of a public record, with their sizes and checksums.

    Parameters
    ----------
    name, folder, server
        As for `download`.

    Raises
    ------
    InputError
        If the record is unknown, or its list is not in the cache and the server cannot be reached.
    """
    if name not in RECORDS:
        raise InputError(f"There is no record {name!r}. Choose one of {', '.join(RECORDS)}.")
    number = RECORDS[name].number
    place = _cache(folder)
    kept = place / f"{number}.json"
    if kept.is_file():
        with suppress(InputError):  # a damaged one is asked for again
            return _listed(kept.read_bytes(), server)
    answer = read_url(f"{server}/api/records/{number}")
    listed = _listed(answer, server)
    with writing(kept):
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place, suffix=".part", delete=False) as partial:
            partial.write(answer)
        Path(partial.name).replace(kept)
    return listed


def folder_of(name: str, *, folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder that a public record's files are kept in, which need not be there yet.

    Parameters
    ----------
    name, folder
        As for `download`.
    """
    return _cache(folder) / str(RECORDS[name].number)


def _cache(folder: str | os.PathLike[str] | None) -> Path:
    import pooch

    return Path(pooch.os_cache("napari-trsmi") if folder is None else folder).expanduser()


_LARGEST = 2**40
"""Bytes of a file: a terabyte is no table."""

_NAME = re.compile(r"[^/\\\0-\x1f:*?\"<>|]{1,200}")
_CHECKSUM = re.compile(r"(?P<algorithm>[a-z0-9]+):(?P<digest>[0-9a-fA-F]+)")


def _listed(answer: bytes, server: str) -> tuple[RemoteFile, ...]:
    try:
        files = tuple(
            RemoteFile(
                str(file["key"]), str(file["links"]["self"]), int(file["size"]), file["checksum"]
            )
            for file in json.loads(answer)["files"]
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(
            f"{server} does not describe the record as it used to ({type(error).__name__}: "
            f"{error}). Download its files with a browser, and tell the developers."
        ) from error
    seen: set[str] = set()
    for file in files:
        if wrong := _wrong(file, server) or ("is listed twice" if file.name in seen else ""):
            raise InputError(
                f"{server} lists a file that is not taken: {file.name!r} at {file.url} {wrong}. "
                "Download it with a browser if you trust it."
            )
        seen.add(file.name)
    return files


def _wrong(file: RemoteFile, server: str) -> str:
    """Say what is wrong with a listed file: the list comes from elsewhere."""
    if urlsplit(file.url)[:2] != urlsplit(server)[:2]:
        return "lies on another server"
    if not _NAME.fullmatch(file.name) or file.name.startswith(".") or file.name.endswith(".part"):
        return "has no name of a file"
    if not 0 <= file.size <= _LARGEST:
        return f"has a size of {file.size:,} bytes"
    found = _CHECKSUM.fullmatch(file.checksum) if isinstance(file.checksum, str) else None
    if found is None or found["algorithm"] not in hashlib.algorithms_guaranteed:
        return f"has no checksum that is known ({file.checksum!r})"
    return ""


_PACKED = 100
"""An archive of real tables unpacks to less than so many times its size."""

_HARMLESS = 10**8
"""Bytes that may be unpacked whatever they were packed to."""


def _unpacked(archive: Path) -> list[Path]:
    """Unpack an archive into a folder of its name, whole or not at all."""
    folder = archive.with_suffix("")
    if not folder.is_dir():
        with writing(folder):
            partial = Path(tempfile.mkdtemp(suffix=".part", dir=archive.parent))
        try:
            with writing(folder):
                _extract(archive, partial)
                partial.chmod(0o755)
                partial.replace(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _extract(archive: Path, folder: Path) -> None:
    try:
        with ZipFile(archive) as file:
            # Finder's own files say nothing.
            members = [m for m in file.infolist() if not m.filename.startswith("__MACOSX/")]
            total = sum(member.file_size for member in members)
            if total > max(_HARMLESS, _PACKED * archive.stat().st_size):
                raise InputError(
                    f"{archive} unpacks to {total / 1e6:,.1f} MB, more than {_PACKED} times its "
                    "size: it is not unpacked. Look at it with another program."
                )
            if total > shutil.disk_usage(folder).free:
                raise OutputError(
                    f"There is no room for what is in {archive}: {total / 1e6:,.1f} MB. Make room "
                    "on its disk, or choose another folder."
                )
            if any(member.flag_bits & 1 for member in members):
                raise InputError(f"{archive} is encrypted. Unpack it with another program.")
            file.extractall(folder, members)
    except (TRSMIError, OSError, MemoryError):
        raise
    except Exception as error:  # damaged archives make zipfile and its decoders raise anything
        reason = str(error).strip() or type(error).__name__
        raise InputError(
            f"{archive} is no zip archive, or damaged: {reason}. Delete it, and download it again."
        ) from error

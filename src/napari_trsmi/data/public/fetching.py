"""One file over HTTP: resumed where it broke off, retried, verified, and put in place whole."""

from __future__ import annotations

import errno
import http.client
import os
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib import request as web
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from napari_trsmi.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CHUNK = 2**18  # bytes
_TIMEOUT = 30  # s without a byte
_ANSWER = 120  # s until an answer begins
_LIST_TIME = 120  # s for a list
_SLOWEST, _WINDOW = 1_000, 120  # bytes a second, over so many seconds
LARGEST_LIST = 16_000_000
"""Bytes of a list of files: a record of a thousand files has less than one million."""

_PAUSE = 1.0  # s before the first retry; each further one waits twice as long
_BUSY = {408, 429, 500, 502, 503, 504}
_KEPT = "What has arrived is kept: the next download goes on from there."


class _InterruptedError(InputError):
    """What may go better the next time."""


@dataclass(frozen=True)
class RemoteFile:
    """A file on a server.

    Attributes
    ----------
    name
        File name.
    url
        Where it is.
    size
        In bytes.
    checksum
        Such as ``"md5:900150983cd24fb0d6963f7d28e17f72"``.
    """

    name: str
    url: str
    size: int
    checksum: str


def fetch(
    file: RemoteFile,
    folder: Path,
    *,
    on_bytes: Callable[[int], None] = lambda _: None,
    retries: int = 3,
) -> Path:
    """Download a file, unless it is there with the right checksum.

    Parameters
    ----------
    file
        What to download.
    folder
        Where to put it; it is made if need be.
    on_bytes
        Called with the number of bytes that are there, from 0 or where the last attempt broke off
        to `file.size`. What it raises ends the download.
    retries
        How often to connect again when nothing arrives.

    Returns
    -------
    The file, verified. Until it is whole, it is called ``<name>.part``.

    Raises
    ------
    InputError
        If the server cannot be reached, refuses, breaks off, or sends something else.
    OutputError
        If it cannot be written.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")
    partial = folder / f"{file.name}.part"
    resumed = partial.exists()

    def downloader(_url: str, output_file: str, _pooch: object) -> None:
        _complete(file, partial, on_bytes, retries)
        partial.replace(output_file)

    with writing(folder / file.name, file.size):
        try:
            found = pooch.retrieve(
                file.url, file.checksum, fname=file.name, path=folder, downloader=downloader
            )
        except ValueError as error:  # the checksum; pooch has thrown the file away
            if resumed:  # a part of something else may have lain there
                return fetch(file, folder, on_bytes=on_bytes, retries=retries)
            raise InputError(
                f"{file.name} arrived with another checksum than {_host(file.url)} states "
                f"({file.checksum}): it is damaged or has been replaced on the way. It was "
                "deleted; download it again."
            ) from error
    on_bytes(file.size)
    return Path(found)


def read_url(url: str) -> bytes:
    """Return a small answer of a server.

    Raises
    ------
    InputError
        If the server cannot be reached or refuses.
    """
    end = time.monotonic() + _LIST_TIME
    content = bytearray()
    with _connecting(url), _request(url) as answer:
        while chunk := answer.read1(_CHUNK):
            content += chunk
            if len(content) > LARGEST_LIST or time.monotonic() > end:
                raise InputError(
                    f"{_host(url)} sends a list of more than {_mb(LARGEST_LIST)}, or takes more "
                    f"than {_LIST_TIME} s for it. Open {url} in a browser."
                )
    return bytes(content)


def _complete(
    file: RemoteFile, partial: Path, on_bytes: Callable[[int], None], retries: int
) -> None:
    """Append to `partial` until it is whole."""
    in_vain = 0
    while True:
        if partial.is_symlink():  # it would write into another file
            partial.unlink()
        before = partial.stat().st_size if partial.exists() else 0
        if before > file.size:
            partial.unlink()
            continue
        if before == file.size and partial.exists():
            return
        on_bytes(before)  # between attempts as well, so that it can end there
        try:
            with _connecting(file.url):
                _append(file, partial, before, on_bytes)
        except _InterruptedError:
            arrived = partial.exists() and partial.stat().st_size > before
            in_vain = 0 if arrived else in_vain + 1
            if in_vain > retries:
                raise
            time.sleep(_PAUSE * 2 ** max(in_vain - 1, 0))


def _append(file: RemoteFile, partial: Path, start: int, on_bytes: Callable[[int], None]) -> None:
    """Ask for what is missing once, and write what arrives."""
    with _request(file.url, start) as answer:
        if answer.status != http.client.PARTIAL_CONTENT:  # the server sends all of it
            start = 0
        if file.size - start > shutil.disk_usage(partial.parent).free:
            raise OutputError(_no_room(partial, file.size - start))
        done = start
        on_bytes(done)
        since, then = time.monotonic(), done
        with _own_file(partial, append=start > 0) as out:
            while chunk := answer.read1(_CHUNK):
                done += len(chunk)
                if done > file.size:
                    partial.unlink()
                    raise InputError(
                        f"{_host(file.url)} sends more than the {_mb(file.size)} that {file.name} "
                        "should have. Download it with a browser, and look at it before you use it."
                    )
                out.write(chunk)
                on_bytes(done)
                if time.monotonic() > since + _WINDOW:
                    if done - then < _SLOWEST * _WINDOW:
                        raise InputError(
                            f"{file.name} arrives at less than {_SLOWEST:,} bytes a second. Try "
                            f"again later. {_KEPT}"
                        )
                    since, then = time.monotonic(), done
    if done < file.size:
        raise _InterruptedError(
            f"{file.name} broke off after {_mb(done)} of {_mb(file.size)}. Check the network and "
            f"try again. {_KEPT}"
        )


def _own_file(path: Path, *, append: bool) -> Any:
    """Open a file for writing, and never what a link leads to."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o644), "ab" if append else "wb")


def _request(url: str, start: int = 0) -> Any:
    _check_web(url)
    headers = {"User-Agent": "napari-trsmi"} | ({"Range": f"bytes={start}-"} if start else {})
    answers: list[Any] = []
    asked = web.Request(url, headers=headers)  # noqa: S310 (checked above)

    def ask() -> None:
        try:
            answers.append(_opener().open(asked, timeout=_TIMEOUT))
        except Exception as error:  # raised by who waits
            answers.append(error)

    # A server may send its header byte by byte: no timeout of a socket ends that.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_ANSWER)
    if not answers:
        raise TimeoutError(f"no answer in {_ANSWER} s")
    if isinstance(answers[0], Exception):
        raise answers[0]
    return answers[0]


class _WebOnly(web.HTTPRedirectHandler):
    """Follow a redirect on the web alone, and not from https to http."""

    def redirect_request(
        self, req: web.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> web.Request | None:
        _check_web(newurl)
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise InputError(
                f"{_host(req.full_url)} leads to {newurl}, which is not encrypted: it is not "
                "followed. Open the address in a browser."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> web.OpenerDirector:
    """Open web addresses, and neither files nor ftp."""
    opener = web.OpenerDirector()
    for handler in (
        web.ProxyHandler,
        web.HTTPHandler,
        web.HTTPSHandler,
        web.HTTPDefaultErrorHandler,
        _WebOnly,
        web.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _check_web(url: str) -> None:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise InputError(f"{url} is no web address. Only http and https are downloaded.")


@contextmanager
def _connecting(url: str) -> Iterator[None]:
    """Turn what a connection raises into an InputError."""
    host = _host(url)
    try:
        yield
    except HTTPError as error:
        raise (_InterruptedError if error.code in _BUSY else InputError)(
            f"{host} refuses {url}: {error.code} {error.reason}. It may be busy, or the file has "
            "moved: try again later, or open the address in a browser."
        ) from error
    except (URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise _InterruptedError(
            f"Cannot reach {host}: {reason or type(error).__name__}. Check the network and the "
            f"proxy (https_proxy) and try again. {_KEPT}"
        ) from error


@contextmanager
def writing(target: Path, needed: int = 0) -> Iterator[None]:
    """Turn what the disk raises while `target` is written into an OutputError."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise OutputError(_no_room(target, needed)) from error
        raise OutputError(
            f"Cannot write {target}: {error.strerror or error}. Choose a folder that you may "
            "write to."
        ) from error


def _no_room(target: Path, needed: int) -> str:
    size = f"{_mb(needed)} are needed and " if needed else ""
    free = shutil.disk_usage(target.parent).free
    return (
        f"There is no room for {target}: {size}{_mb(free)} are free. Make room on its disk, or "
        "choose another folder."
    )


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _mb(n_bytes: float) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"

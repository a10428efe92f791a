"""A download while it goes on, free of Qt: how far it is, and its end from without."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from napari_trsmi.data.public.downloads import download, folder_of
from napari_trsmi.viewer.section.openable import openable

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from napari_trsmi.data.public.downloads import DownloadProgress


class Transfer:
    """One download: it works in a thread, while the window looks at it and may end it.

    Parameters
    ----------
    name, files, folder, server
        As for `napari_trsmi.data.public.downloads.download`.

    Attributes
    ----------
    latest
        How far it is; None until it is known.
    """

    def __init__(
        self, name: str, files: list[str], folder: str | os.PathLike[str] | None, server: str
    ) -> None:
        self._name, self._files, self._folder, self._server = name, files, folder, server
        self._stop = threading.Event()
        self.latest: DownloadProgress | None = None

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """End it when the next bytes arrive."""
        self._stop.set()

    def run(self) -> list[Path] | None:
        """Download; return what of it can be opened, or None if it was stopped."""
        try:
            paths = download(
                self._name,
                files=self._files,
                folder=self._folder,
                on_progress=self._take,
                server=self._server,
            )
        except _StopError:
            return None
        return openable(paths, folder_of(self._name, folder=self._folder))

    def _take(self, progress: DownloadProgress) -> None:
        if self.stopped:
            raise _StopError
        self.latest = progress


class _StopError(Exception):
    """Ends a download from within."""


def how_far(progress: DownloadProgress) -> str:
    """Say which file is on its way and how much of all has arrived."""
    if progress.done >= progress.total:
        return f"Checking and unpacking {progress.file}…"
    return f"{progress.file}: {megabytes(progress.done)} of {megabytes(progress.total)}"


def megabytes(n_bytes: float) -> str:
    """Say how many megabytes that is."""
    return f"{n_bytes / 1e6:,.1f} MB"

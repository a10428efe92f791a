"""What a person does next with what was opened: its dock, opened where none is."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from napari_trsmi.errors import InputError
from napari_trsmi.result import TRSMIResult
from napari_trsmi.viewer.session.opening import open_session

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_trsmi.viewer.section.reading import Opened

_RUN, _LOOK = "napari-trsmi.integrate", "napari-trsmi.domains"
_SESSION = "napari-trsmi.open_session"
"""Commands of the manifest."""

_DOCKS = tuple(
    f"{dock} ({plugin})"
    for dock in ("Integrate", "Domains", "Public data")
    for plugin in ("TRSMI", "napari-trsmi")  # from a menu, and by `napari -w`
)


def open_session_with_docks(viewer: ViewerModel | None, path: str) -> None:
    """Open a session with its docks, or its layers alone where there is no window for docks.

    Raises
    ------
    InputError
        If there is no viewer, or nothing asks a person whether its layers may go.
    """
    from napari._app_model import get_app_model

    if viewer is None:
        raise InputError(f"{path} is a session, which opens in a window.")
    if getattr(viewer, "window", None) is not None:
        with suppress(KeyError):  # the plugin is imported, and not installed
            get_app_model().commands.execute_command(_SESSION, path)
            return
    open_session(viewer, path)


def open_next(viewer: ViewerModel | None, section: Opened | None) -> None:
    """Open the Integrate dock beside a section, and the Domains dock beside a run.

    Nothing is opened in a window that has a dock of this package, or is not shown.

    Parameters
    ----------
    viewer
        Where the section is opened.
    section
        What is opened; None for a table that is not enough alone.
    """
    from napari._app_model import get_app_model

    window = getattr(viewer, "window", None)
    if window is None or not window._qt_window.isVisible():
        return
    if any(name in window.dock_widgets for name in _DOCKS):
        return
    command = _LOOK if isinstance(section, TRSMIResult) else _RUN
    with suppress(KeyError):  # the plugin is imported, and not installed
        get_app_model().commands.execute_command(command)

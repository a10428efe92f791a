"""Which reader napari takes for a session, as noted in its preferences."""

from __future__ import annotations

from napari_trsmi.viewer.section.dropped import PLUGIN
from napari_trsmi.viewer.session.saving import SUFFIX

PATTERN = f"*{SUFFIX}/"
"""Folders that end as sessions do, as napari's preferences write them."""


def open_by_itself() -> None:
    """Have napari open sessions without a question, unless a person has chosen another reader.

    napari offers two readers for any folder, and asks which. No other program writes folders with
    this ending.
    """
    from napari.settings import get_settings

    plugins = get_settings().plugins
    if PATTERN not in plugins.extension2reader:
        plugins.extension2reader = {**plugins.extension2reader, PATTERN: PLUGIN}

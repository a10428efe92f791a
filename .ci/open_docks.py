"""Open every dock of the plugin in a real window, beside a sample: python .ci/open_docks.py.

Without a screen: xvfb-run -a -s "-screen 0 1400x900x24" python .ci/open_docks.py
"""

from __future__ import annotations

import sys
import time

import napari
from npe2 import PluginManager
from qtpy import API_NAME
from qtpy.QtWidgets import QApplication

PLUGIN = "napari-trsmi"
PATIENCE = 60  # seconds


def main() -> None:
    failures: list[str] = []
    sys.excepthook = lambda kind, error, _: failures.append(f"{kind.__name__}: {error}")

    viewer = napari.Viewer()
    viewer.open_sample(PLUGIN, "tissue")
    widgets = PluginManager.instance().get_manifest(PLUGIN).contributions.widgets or ()
    for widget in widgets:
        dock, inner = viewer.window.add_plugin_dock_widget(PLUGIN, widget.display_name)
        dock.raise_()
        until = time.monotonic() + PATIENCE
        while not dock.isVisible() and time.monotonic() < until:
            QApplication.processEvents()
        assert dock.isVisible(), f"{widget.display_name} did not open"
        print(f"{API_NAME}: {widget.display_name} ({type(inner).__name__})", flush=True)
    for _ in range(50):
        QApplication.processEvents()
        time.sleep(0.02)
    assert viewer.screenshot(canvas_only=False).std() > 0
    viewer.close()
    if failures:
        sys.exit("\n".join(failures))
    assert widgets, "the plugin offers no dock"


if __name__ == "__main__":
    main()

"""The main job as a person does it: files dropped, Run clicked, domains read. Counts the actions.

    xvfb-run -a -s "-screen 0 1400x900x24" python benchmark/speed/main_job.py FOLDER [--theme light]

Every action is an event of the mouse or the keyboard that Qt gets as a person's, in a window of
1280 x 800. A screenshot of each step goes into FOLDER. It fails if a section takes more actions
than it may, or if domains, outlines or tissue are not in sight at the end.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Image as ImageLayer
from napari.layers import Vectors
from person import SIZE, Person, wait

from napari_trsmi.viewer.domains.layer import shows_domains
from napari_trsmi.widgets.domains.dock import DomainsDock
from napari_trsmi.widgets.integrate.dock import IntegrateDock

if TYPE_CHECKING:
    import napari

DATA = Path(os.environ.get("NAPARI_TRSMI_DATA", "../shared/data"))
SECTIONS = {
    "her2_a1": (["her2_a1/rna.h5ad", "her2_a1/tissue.png"], 6),
    "visium_mini": (["visium_mini"], 4),
}
"""What is dropped, and how many actions the job may take."""


def main_job(name: str, theme: str, folder: Path) -> list[str]:
    """From the files of a section to domains that can be read; returns the actions."""
    files, most = SECTIONS[name]
    person = Person.at(theme, folder, name)
    viewer, window = person.viewer, person.window
    person.see("begin")
    person.drop([DATA / file for file in files])
    wait(lambda: window.findChildren(IntegrateDock))
    (integrate,) = window.findChildren(IntegrateDock)
    wait(integrate.panel.run.isEnabled)
    person.see("opened")
    person.click(integrate.panel.run, "Run")
    third = integrate.panel.bar.maximum() // 3
    # a small section may be done before the bar is looked at
    wait(lambda: integrate.panel.bar.value() > third or not integrate.controller.running)
    person.see("running")
    wait(lambda: not integrate.controller.running and not integrate._adding)
    wait(lambda: any(isinstance(layer, Vectors) for layer in viewer.layers))
    person.see("domains")
    check(viewer, window.findChildren(DomainsDock)[0])
    assert (window.width(), window.height()) == SIZE
    assert len(person.actions) <= most, person.actions
    viewer.close()
    return person.actions


def check(viewer: napari.Viewer, domains: DomainsDock) -> None:
    """Tissue, domains and outlines are seen, and the legend with them."""
    shown = [layer for layer in viewer.layers if layer.visible]
    assert sum(map(shows_domains, shown)) == 1
    assert any(isinstance(layer, ImageLayer) for layer in shown)
    assert not domains.visibleRegion().isEmpty()
    legend = domains.legend
    last = min(len(legend.legend.names), 6) - 1
    assert legend.viewport().rect().contains(legend.visualRect(legend.legend.index(last, 2)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--theme", choices=("dark", "light"), action="append")
    parser.add_argument("--section", choices=SECTIONS, action="append")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.section or SECTIONS:
        for theme in options.theme or ("dark", "light"):
            actions = main_job(name, theme, options.folder)
            print(f"{name}, {theme}: {len(actions)} actions: {'; '.join(actions)}", flush=True)


if __name__ == "__main__":
    main()

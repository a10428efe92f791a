"""What several tests of the docks need: a section in a viewer, and the Integrate dock beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from napari.layers import Layer
from napari.utils import progress

from napari_trsmi.config import Config
from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.viewer.section.layers import spots_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Points

    from napari_trsmi.data.dataset import SpatialOmics
    from napari_trsmi.widgets.integrate.dock import IntegrateDock


@pytest.fixture(scope="session")
def section() -> SpatialOmics:
    """A few spots with two modalities, and no image."""
    sizes = {"rna": 20, "protein": 8}
    return simulate(n_spots=60, modalities=("rna", "protein"), n_features=sizes, image=False)


@pytest.fixture
def spots_layer(section) -> Points:
    """The spots as a layer that carries the tables."""
    layer: Points = Layer.create(*spots_data(section, "spots"))
    return layer


@pytest.fixture(scope="session")
def small() -> Config:
    """Sizes small enough for the section."""
    return Config(
        n_domains=3,
        epochs=2,
        n_components=5,
        embedding_dim=5,
        feature_neighbors=5,
        align_neighbors=4,
    )


@pytest.fixture
def make_dock(make_napari_viewer, spots_layer, small, qtbot) -> Callable[..., IntegrateDock]:
    """Open a window with the spots and the dock, ready to run; wait for its run at the end."""
    from napari_trsmi.widgets.integrate.dock import IntegrateDock

    docks: list[IntegrateDock] = []

    def make(*, show: bool = False, config: Config = small, ready: bool = True) -> IntegrateDock:
        viewer = make_napari_viewer(show=show)
        viewer.add_layer(spots_layer.__class__.create(*spots_layer.as_layer_data_tuple()))
        dock = IntegrateDock(viewer)
        viewer.window.add_dock_widget(dock, name="Integrate")
        dock.form.set_config(config)
        if ready:
            qtbot.waitUntil(dock.panel.run.isEnabled, timeout=60_000)
        docks.append(dock)
        return dock

    yield make
    for dock in docks:
        if dock.controller.running:
            dock.controller.stop()
            qtbot.waitUntil(lambda dock=dock: not dock.controller.running, timeout=20_000)
    assert not progress._all_instances

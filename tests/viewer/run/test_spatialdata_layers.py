"""Layers that carry what napari-spatialdata puts into their metadata offer their tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.layers import Points, Shapes

import napari_trsmi as trsmi
from napari_trsmi.viewer.run.candidates import candidates_of_layer, spot_names
from napari_trsmi.viewer.run.inputs import RunInputs
from napari_trsmi.viewer.run.job import Finished, run_steps
from napari_trsmi.viewer.run.spatialdata_layers import has_tables

spatialdata = pytest.importorskip("spatialdata")

N_SPOTS = 80


@pytest.fixture
def sdata():
    """Circles in another order than their table's rows, and circles without a table."""
    import geopandas as gpd
    import shapely
    from spatialdata.models import ShapesModel, TableModel

    section = trsmi.simulate(
        n_spots=N_SPOTS, modalities=("rna", "protein"), n_features={"rna": 100, "protein": 40}
    )
    numbers = np.arange(N_SPOTS)[::-1]
    cells = gpd.GeoDataFrame(
        {"radius": np.full(N_SPOTS, 4.0)},
        geometry=shapely.points(section.coordinates[numbers]),
        index=numbers,
    )
    elements = {"cells": ShapesModel.parse(cells), "bare": ShapesModel.parse(cells.copy())}
    for modality in section.modalities:
        table = modality.table.copy()
        table.obs["region"] = pd.Categorical(["cells"] * N_SPOTS)
        table.obs["instance"] = np.arange(N_SPOTS)
        elements[modality.name] = TableModel.parse(
            table, region="cells", region_key="region", instance_key="instance"
        )
    return spatialdata.SpatialData.init_from_elements(elements)


def opened(sdata, element):
    """Open circles as napari-spatialdata does; by itself where it is installed."""
    try:
        from napari.components import ViewerModel
        from napari.utils.events import EventedList
        from napari_spatialdata._viewer import SpatialDataViewer
    except ImportError:
        frame = sdata.shapes[element]
        annotated = element == "cells"
        return Points(
            np.column_stack([frame.geometry.y, frame.geometry.x]),
            size=8,
            name=element,
            metadata={
                "sdata": sdata,
                "adata": sdata.tables["protein"] if annotated else None,
                "name": element,
                "region_key": "region" if annotated else None,
                "instance_key": "instance" if annotated else None,
                "table_names": ["protein", "rna"] if annotated else None,
                "indices": frame.index.to_list(),
                "_current_cs": "global",
            },
        )
    viewer = SpatialDataViewer(ViewerModel(), EventedList([sdata]))
    return viewer.get_sdata_circles(sdata, element, "global", False)


def test_all_tables_of_the_element_are_offered_with_their_places(sdata):
    layer = opened(sdata, "cells")
    found = candidates_of_layer(layer)
    assert sorted(candidate.name for candidate in found) == ["protein", "rna"]
    assert {candidate.origin for candidate in found} == {"cells"}
    for candidate in found:
        assert candidate.layer is layer
        centres = sdata.shapes["cells"].geometry.loc[np.arange(N_SPOTS)]
        np.testing.assert_allclose(candidate.coordinates, np.c_[centres.x, centres.y])
    names = spot_names(layer)
    assert list(names) == list(sdata.tables["rna"].obs_names[::-1])


def test_a_run_goes_from_the_layer_to_domains(sdata):
    layer = opened(sdata, "cells")
    inputs = RunInputs()
    inputs.points = layer
    assert [choice.of_spots for choice in inputs.choices] == [True, True]
    assert f"{N_SPOTS} spots" in inputs.summary()
    small = trsmi.Config(
        n_domains=3,
        epochs=2,
        n_components=5,
        embedding_dim=5,
        feature_neighbors=5,
        align_neighbors=4,
    )
    steps = run_steps(inputs.job(small), trsmi.StopToken())
    while True:
        try:
            next(steps)
        except StopIteration as end:
            outcome = end.value
            break
    assert isinstance(outcome, Finished), outcome
    result = outcome.result
    # in register with the points, whatever the order of the table's rows
    place = dict(zip(spot_names(layer), layer.data[:, ::-1], strict=True))
    expected = [place[spot] for spot in result.domains.index]
    np.testing.assert_allclose(result.coordinates, expected)


def test_an_element_without_a_table_offers_nothing(sdata):
    layer = opened(sdata, "bare")
    assert not has_tables(layer)
    assert candidates_of_layer(layer) == []
    assert RunInputs().offered([layer]) == []


def test_outlines_offer_their_tables_too(sdata):
    outline = np.array([[0, 0], [0, 5], [5, 5]])
    metadata = {"sdata": sdata, "name": "cells", "adata": sdata.tables["rna"]}
    layer = Shapes([outline], shape_type="polygon", name="cells", metadata=metadata)
    assert RunInputs().offered([layer]) == [layer]
    assert len(candidates_of_layer(layer)) == 2


def test_a_table_without_its_store_is_offered(sdata):
    table = sdata.tables["rna"].copy()
    table.var["feature_types"] = "Gene Expression"
    layer = Points(np.zeros((N_SPOTS, 2)), name="cells", metadata={"adata": table})
    (candidate,) = candidates_of_layer(layer)
    assert candidate.kind == "rna"
    assert candidate.n_features == table.n_vars

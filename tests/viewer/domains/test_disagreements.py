from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.utils.colormaps.standardize_color import transform_color

from napari_trsmi import add_domains
from napari_trsmi.analysis.comparison import compare
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.attached import attached
from napari_trsmi.viewer.domains.disagreements import add_disagreements


@pytest.fixture
def annotated(make_result):
    """A result, and labels that differ from it at spots 0 and 17 and lack spot 5."""
    result = make_result(image_scale=None)
    labels = result.domains.cat.rename_categories({"1": "tumour", "2": "stroma", "3": "fat"})
    labels = labels.astype(object)
    labels.iloc[0], labels.iloc[17], labels.iloc[5] = "fat", "tumour", None
    return result, labels


def test_only_spots_that_differ_are_shown_where_they_are(annotated):
    result, labels = annotated
    viewer = ViewerModel()
    points = add_domains(viewer, result)
    layer = add_disagreements(viewer, points, compare(result.domains, labels))
    np.testing.assert_array_equal(layer.data, points.data[[0, 17]])
    np.testing.assert_array_equal(layer.size, points.size[[0, 17]])
    assert layer.features["spot"].tolist() == ["spot_0", "spot_17"]
    assert layer.features["first"].tolist() == ["1", "2"]
    assert layer.features["second"].tolist() == ["fat", "tumour"]
    assert layer.features["second_matched"].tolist() == ["3", "1"]
    expected = transform_color([result.colors["3"], result.colors["1"]])
    np.testing.assert_allclose(layer.face_color, expected, atol=1e-6)
    assert viewer.layers.selection.active is points


def test_colours_can_be_those_of_renamed_domains(annotated):
    result, labels = annotated
    viewer = ViewerModel()
    points = add_domains(viewer, result)
    colors = {"1": "#ff0000", "2": "#00ff00", "3": "#0000ff"}
    layer = add_disagreements(
        viewer, points, compare(result.domains, labels), first_colors=colors, name="differ"
    )
    np.testing.assert_allclose(layer.face_color[:, :3], [[0, 0, 1], [1, 0, 0]], atol=1e-6)
    assert layer.name == "differ"


def test_the_annotation_can_come_first(annotated):
    result, labels = annotated
    viewer = ViewerModel()
    layer = add_disagreements(viewer, add_domains(viewer, result), compare(labels, result.domains))
    assert layer.features["first"].tolist() == ["fat", "tumour"]


def test_points_are_known_by_their_tables_or_their_names(annotated):
    result, labels = annotated
    comparison = compare(result.domains, labels)
    viewer = ViewerModel()
    data = result.coordinates[:, ::-1]
    from napari_trsmi import SpatialOmics

    dataset = SpatialOmics((), result.coordinates, result.domains.index, result.annotations)
    tables = viewer.add_points(data, metadata=attached(dataset=dataset))
    named = viewer.add_points(data, features={"spot": list(result.domains.index)})
    unnamed = viewer.add_points(data, name="nuclei")
    for points in (tables, named):
        assert len(add_disagreements(viewer, points, comparison).data) == 2
    with pytest.raises(InputError, match="'nuclei' have no names"):
        add_disagreements(viewer, unnamed, comparison)


def test_a_label_without_partner_differs_everywhere(annotated):
    result, _ = annotated
    labels = result.domains.cat.add_categories("4")
    labels.iloc[[0, 12]] = "4"
    viewer = ViewerModel()
    layer = add_disagreements(viewer, add_domains(viewer, result), compare(result.domains, labels))
    assert layer.features["second_matched"].tolist() == ["none", "none"]


def test_nothing_to_show_is_said(annotated):
    result, labels = annotated
    viewer = ViewerModel()
    points = add_domains(viewer, result)
    with pytest.raises(InputError, match="agree on all 60 spots"):
        add_disagreements(viewer, points, compare(result.domains, result.domains))
    other = pd.Series(["a", "b"], index=["x", "y"])
    with pytest.raises(InputError, match="none of the spots that were compared"):
        add_disagreements(viewer, points, compare(other, other))
    comparison = compare(result.domains, labels)
    points.data = points.data[:10]
    with pytest.raises(InputError, match="10 points, but 60 spots"):
        add_disagreements(viewer, points, comparison)
    assert list(viewer.layers) == [points]

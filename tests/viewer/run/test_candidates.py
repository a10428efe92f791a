import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points

from napari_trsmi import add_domains
from napari_trsmi.config import Config
from napari_trsmi.data.dataset import Kind
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.attached import attached
from napari_trsmi.viewer.run.candidates import (
    ImageCandidate,
    TableCandidate,
    candidates_of_file,
    candidates_of_layer,
    spot_names,
)
from napari_trsmi.viewer.run.inputs import RunInputs

N = 6
PLACES = np.random.default_rng(0).uniform(0, 50, (N, 2))


def test_a_layer_with_tables_gives_each_of_them(make_dataset):
    dataset = make_dataset()
    layer = Points(dataset.coordinates[:, ::-1], metadata=attached(dataset=dataset), name="spots")
    found = candidates_of_layer(layer)
    assert [(s.name, s.kind, s.n_features) for s in found] == [
        ("rna", Kind.RNA, 20),
        ("protein", Kind.PROTEIN, 8),
    ]
    assert all(candidate.dataset is dataset and candidate.layer is layer for candidate in found)
    assert spot_names(layer) is dataset.spots


def test_numeric_features_are_one_table():
    features = pd.DataFrame({"spot": [f"s{i}" for i in range(N)], "a": range(N), "b": [0.5] * N})
    (candidate,) = candidates_of_layer(Points(PLACES, features=features, name="adt"))
    assert isinstance(candidate, TableCandidate)
    assert (candidate.name, candidate.kind) == ("adt", Kind.FEATURES)  # not counts
    assert candidate.spots.tolist() == features["spot"].tolist()
    np.testing.assert_allclose(candidate.table.X, features[["a", "b"]])


@pytest.mark.parametrize(("name", "expected"), [("adt", Kind.PROTEIN), ("measured", Kind.FEATURES)])
def test_counts_are_what_the_layer_is_called(name, expected):
    (candidate,) = candidates_of_layer(Points(PLACES, features={"a": range(N)}, name=name))
    assert candidate.kind is expected
    assert candidate.spots.tolist() == [str(i) for i in range(N)]


def test_names_that_repeat_name_nothing():
    layer = Points(PLACES, features={"spot": ["a"] * N})
    assert spot_names(layer) is None
    assert candidates_of_layer(layer) == []


def test_a_result_without_tables_is_no_measurement(make_result):
    result = make_result()
    layer = add_domains(ViewerModel(), result)
    assert candidates_of_layer(layer) == []
    assert spot_names(layer).equals(result.domains.index)


@pytest.mark.parametrize(
    ("layer", "name", "kind", "n_features"),
    [
        (Image(np.zeros((9, 9, 3)), rgb=True, name="H&E"), "H&E", Kind.IMAGE, 3),
        (Image(np.zeros((5, 9, 9)), name="protein panel"), "protein panel", Kind.PROTEIN, 5),
        (Image(np.zeros((9, 9)), name="m/z 104"), "m z 104", Kind.IMAGE, 1),
    ],
    ids=["rgb", "stack", "plane"],
)
def test_images_are_measured_at_the_spots(layer, name, kind, n_features):
    (candidate,) = candidates_of_layer(layer)
    assert isinstance(candidate, ImageCandidate)
    assert (candidate.name, candidate.kind, candidate.n_features) == (name, kind, n_features)


def test_other_layers_have_nothing():
    assert candidates_of_layer(Labels(np.zeros((9, 9), dtype=int))) == []


def _table(n=N, features=8, **more):
    counts = np.random.default_rng(0).integers(1, 9, (n, features)).astype(np.float32)
    return AnnData(counts, obs=pd.DataFrame(index=[f"s{i}" for i in range(n)]), **more)


def test_a_file_is_read_with_or_without_coordinates(tmp_path):
    _table().write_h5ad(tmp_path / "adt.h5ad")
    (bare,) = candidates_of_file(tmp_path / "adt.h5ad")
    assert (bare.name, bare.kind, bare.origin) == ("protein", Kind.PROTEIN, "adt.h5ad")
    assert bare.coordinates is None
    _table(obsm={"spatial": PLACES}).write_h5ad(tmp_path / "rna.h5ad")
    (placed,) = candidates_of_file(str(tmp_path / "rna.h5ad"))
    np.testing.assert_array_equal(placed.coordinates, PLACES)


def test_a_file_whose_columns_are_in_micrometres_says_so(tmp_path):
    table = _table(n=60)
    table.obs["Centroid X µm"], table.obs["Centroid Y µm"] = np.random.default_rng(1).uniform(
        0, 50, (2, 60)
    )
    table.write_h5ad(tmp_path / "rna.h5ad")
    (candidate,) = candidates_of_file(tmp_path / "rna.h5ad")
    assert candidate.micrometres == 1
    chosen = RunInputs()
    chosen.add([candidate])
    assert chosen.job(Config()).dataset().micrometres_per_unit == 1


def test_a_file_of_unknown_kind_counts_as_features(tmp_path):
    _table().write_h5ad(tmp_path / "run=7.h5ad")
    (candidate,) = candidates_of_file(tmp_path / "run=7.h5ad")
    assert (candidate.name, candidate.kind, candidate.n_features) == ("run 7", Kind.FEATURES, 8)


def test_a_file_with_several_tables_gives_all(tmp_path):
    types = ["Gene Expression"] * 5 + ["Antibody Capture"] * 3
    table = _table(var=pd.DataFrame({"feature_types": types}, index=[f"f{i}" for i in range(8)]))
    table.write_h5ad(tmp_path / "both.h5ad")
    found = candidates_of_file(tmp_path / "both.h5ad")
    assert [(s.kind, s.n_features) for s in found] == [(Kind.RNA, 5), (Kind.PROTEIN, 3)]


def test_files_that_cannot_be_used_say_why(tmp_path):
    with pytest.raises(InputError, match="no file"):
        candidates_of_file(tmp_path / "missing.h5ad")
    AnnData(obs=pd.DataFrame(index=["a", "b"])).write_h5ad(tmp_path / "empty.h5ad")
    with pytest.raises(InputError, match="no counts"):
        candidates_of_file(tmp_path / "empty.h5ad")
    repeated = _table()
    repeated.obs_names = ["a"] * N
    repeated.write_h5ad(tmp_path / "repeated.h5ad")
    with pytest.raises(InputError, match="repeats 1 spot name"):
        candidates_of_file(tmp_path / "repeated.h5ad")

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer, Points

from napari_trsmi import add_domains
from napari_trsmi.config import Config
from napari_trsmi.data.dataset import Kind
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.run import matched as home
from napari_trsmi.viewer.run.candidates import TableCandidate, candidates_of_layer
from napari_trsmi.viewer.run.inputs import RunInputs, results_in
from napari_trsmi.viewer.section.layers import spots_data


@pytest.fixture
def spots(make_dataset):
    return Layer.create(*spots_data(make_dataset(), "spots"))


@pytest.fixture
def inputs():
    return RunInputs()


@pytest.fixture
def changes(inputs):
    seen = []
    inputs.changed.connect(lambda: seen.append(1))
    return seen


def _table(names, kind=Kind.RNA, coordinates=None, name="extra"):
    from anndata import AnnData

    values = np.random.default_rng(0).integers(1, 9, (len(names), 5)).astype(np.float32)
    table = AnnData(values, obs=pd.DataFrame(index=names))
    return TableCandidate(name, kind, "extra.h5ad", table, coordinates=coordinates)


def test_nothing_chosen_says_what_to_do(inputs):
    with pytest.raises(InputError, match="There is no modality"):
        inputs.summary()
    assert inputs.n_spots == 0


def test_a_points_layer_brings_its_tables(inputs, spots, changes):
    inputs.points = spots
    assert [(c.candidate.name, c.kind, c.of_spots) for c in inputs.choices] == [
        ("rna", Kind.RNA, True),
        ("protein", Kind.PROTEIN, True),
    ]
    assert len(changes) == 1
    assert inputs.summary() == "60 spots in rna and protein."
    assert inputs.n_spots == 60
    inputs.points = spots
    assert len(changes) == 1


def test_a_second_section_is_told_from_the_first_and_from_its_own_copy(inputs, make_dataset):
    """AnnData has no ``==`` for two tables, so that sections are told apart by identity."""
    first, second = make_dataset(), make_dataset(seed=1)
    layers = [Layer.create(*spots_data(data, "spots")) for data in (first, second, first)]
    inputs.add(candidates_of_layer(layers[0]))
    inputs.points = layers[1]
    datasets = [choice.candidate.dataset for choice in inputs.choices]
    assert [data is second for data in datasets] == [True, True, False, False]
    inputs.points = layers[2]
    assert [choice.candidate.layer for choice in inputs.choices] == [layers[2]] * 2


def test_another_points_layer_takes_their_place_and_keeps_what_was_added(
    inputs, spots, make_dataset
):
    inputs.points = spots
    inputs.add([_table(make_dataset().spots)])
    other = Layer.create(*spots_data(make_dataset(seed=1), "other"))
    inputs.points = other
    assert [c.candidate.layer for c in inputs.choices] == [other, other, None]
    inputs.points = None
    assert [c.candidate.name for c in inputs.choices] == ["extra"]


def test_tables_that_are_listed_already_are_not_listed_twice(inputs, spots):
    inputs.add(candidates_of_layer(spots))
    inputs.points = spots
    assert [c.candidate.name for c in inputs.choices] == ["rna", "protein"]


def test_unticked_modalities_take_no_part(inputs, spots, changes):
    inputs.points = spots
    first, second = inputs.choices
    inputs.set_used(first, used=False)
    inputs.set_used(first, used=False)
    assert len(changes) == 2
    assert inputs.summary() == "60 spots in protein."
    inputs.set_used(second, used=False)
    with pytest.raises(InputError, match="No modality is ticked"):
        inputs.summary()


def test_kinds_can_be_changed(inputs, spots, changes):
    inputs.points = spots
    inputs.set_kind(inputs.choices[0], Kind.FEATURES)
    inputs.set_kind(inputs.choices[0], Kind.FEATURES)
    assert len(changes) == 2
    assert [t.kind for t in inputs.job(Config()).tables] == [Kind.FEATURES, Kind.PROTEIN]


def test_spots_are_matched_by_name_and_the_line_says_how_many(inputs, spots, make_dataset):
    inputs.points = spots
    inputs.add([_table(make_dataset().spots[10:])])
    assert inputs.summary().startswith("50 spots are shared by rna (spots) (60)")
    assert inputs.n_spots == 50


def test_the_same_spots_are_matched_once(inputs, spots, make_dataset, monkeypatch):
    """A click of Run looks at the inputs five times, in the thread that draws the window."""
    matched = []
    shared_spots = home.shared_spots

    def spy(named, notes):
        matched.append(list(named))
        return shared_spots(named, notes)

    monkeypatch.setattr(home, "shared_spots", spy)
    inputs.points = spots
    inputs.add([_table(make_dataset().spots[10:])])
    inputs.summary()
    assert inputs.n_spots == 50
    inputs.job(Config())
    assert len(matched) == 1
    inputs.add([_table(make_dataset().spots[:20], name="another")])
    assert inputs.n_spots == 10
    assert inputs.summary().startswith("10 spots are shared")
    assert len(matched) == 2


def test_tables_of_other_spots_are_a_reason(inputs, spots):
    inputs.points = spots
    inputs.add([_table([f"other_{i}" for i in range(60)])])
    with pytest.raises(InputError, match="share no spot names"):
        inputs.summary()


def test_tables_without_coordinates_need_points(inputs):
    names = [f"s{i}" for i in range(5)]
    inputs.add([_table(names)])
    with pytest.raises(InputError, match="No table has coordinates"):
        inputs.summary()
    inputs.points = Points(np.random.default_rng(0).uniform(size=(5, 2)), name="cells")
    assert inputs.summary() == "5 spots in extra."
    assert inputs.job(Config()).places.names.tolist() == names  # in the order of the table
    inputs.points = Points(np.zeros((4, 2)), name="fewer")
    with pytest.raises(InputError, match="'fewer' has 4 points without names, but extra"):
        inputs.summary()


def test_points_that_were_removed_are_a_reason(inputs, spots):
    inputs.points = spots
    spots.data = spots.data[:-1]
    with pytest.raises(InputError, match="has 59 points, but its tables 60 spots"):
        inputs.summary()


def test_too_few_spots_are_a_reason(inputs):
    inputs.add([_table(["a", "b"], coordinates=np.eye(2))])
    with pytest.raises(InputError, match="Only 2 spots"):
        inputs.summary()


def test_an_image_alone_needs_spots(inputs):
    inputs.add(candidates_of_layer(Image(np.zeros((9, 9)), name="stain")))
    with pytest.raises(InputError, match="measured at spots"):
        inputs.summary()
    inputs.points = Points(np.random.default_rng(0).uniform(1, 7, (5, 2)))
    assert inputs.summary() == "5 spots in stain."


def test_what_layers_offer(inputs, spots, make_result):
    result = add_domains(ViewerModel(), make_result(image_scale=None))
    bare = Points(np.zeros((3, 2)))
    measured = Points(np.zeros((3, 2)), features={"a": [1, 2, 3]})
    image, labels = Image(np.zeros((9, 9))), Labels(np.zeros((9, 9), dtype=int))
    layers = [spots, result, bare, measured, image, labels]
    assert inputs.offered(layers) == [spots, measured, image]
    inputs.points = spots
    again = Points(spots.data, metadata=spots.metadata)
    assert inputs.offered([*layers, again]) == [measured, image]
    inputs.add(candidates_of_layer(image))
    assert inputs.offered(layers) == [measured, labels]  # as its nuclei


def test_a_modality_can_be_taken_off(inputs, spots):
    inputs.points = spots
    inputs.add([_table(["a", "b", "c"])])
    inputs.remove(inputs.choices[-1])
    assert inputs.summary() == "60 spots in rna and protein."


def test_layers_that_are_removed_are_forgotten(inputs, spots, changes):
    image = Image(np.zeros((9, 9)), name="stain")
    inputs.points, inputs.image = spots, image
    inputs.add(candidates_of_layer(image))
    assert len(changes) == 3
    inputs.forget(Image(np.zeros((3, 3))))
    assert len(changes) == 3
    inputs.forget(image)
    assert inputs.image is None
    assert len(inputs.choices) == 2
    inputs.forget(spots)
    assert inputs.points is None
    assert inputs.choices == ()
    assert len(changes) == 5


def test_the_last_result_on_the_same_spots_lends_its_colours(inputs, make_result, make_dataset):
    same, moved = make_result(), make_result(seed=1)
    viewer = ViewerModel()
    for result in (same, moved):
        add_domains(viewer, result, dataset=None)
    spots = make_dataset().spots
    assert results_in(viewer.layers) == [same, moved]
    inputs.add([_table(same.domains.index, coordinates=same.coordinates)])
    elsewhere = make_result()
    elsewhere.domains.index = spots
    assert inputs.job(Config(), [same, moved, elsewhere]).reference is moved
    assert inputs.job(Config(), [elsewhere]).reference is None
    part = make_result()
    part.domains.index = [*same.domains.index[:40], *(f"new_{i}" for i in range(20))]
    assert inputs.job(Config(), [part]).reference is part


def test_tables_place_the_spots_without_a_layer(inputs):
    names = [f"s{i}" for i in range(5)]
    xy = np.random.default_rng(0).uniform(size=(5, 2))
    inputs.add([_table(names), _table(names, coordinates=xy, name="placed")])
    places = inputs.job(Config()).places
    np.testing.assert_array_equal(places.coordinates, xy)
    assert places.names.tolist() == names

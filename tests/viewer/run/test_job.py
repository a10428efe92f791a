"""A job makes the data set that its choices describe, and every end of it is an outcome."""

import gc
import json
import threading
import weakref
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tifffile
from napari.layers import Image, Labels, Layer, Points
from napari.layers._source import layer_source
from napari_builtins.io import napari_get_reader

from napari_trsmi import finding
from napari_trsmi.config import Config
from napari_trsmi.data.dataset import Kind
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image.modality import iter_with_image
from napari_trsmi.preprocessing.image.recipes import recipes_of
from napari_trsmi.training import loop
from napari_trsmi.training.report import EpochReport, Phase, PictureReport
from napari_trsmi.training.stop import StopToken
from napari_trsmi.viewer.run.candidates import candidates_of_file, candidates_of_layer
from napari_trsmi.viewer.run.inputs import RunInputs
from napari_trsmi.viewer.run.job import Failed, Finished, Stopped, run_steps
from napari_trsmi.viewer.run.kept_inputs import choose_modalities, kept_inputs
from napari_trsmi.viewer.section.layers import spots_data

SMALL = Config(
    n_domains=3,
    epochs=2,
    n_components=5,
    embedding_dim=5,
    feature_neighbors=5,
    align_neighbors=4,
)


@pytest.fixture
def inputs(make_dataset):
    """The choice of a Points layer with two tables."""
    chosen = RunInputs()
    chosen.points = Layer.create(*spots_data(make_dataset(), "spots"))
    return chosen


def consume(job, stop=None, on_step=lambda step: None):
    steps = run_steps(job, stop or StopToken())
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return end.value, seen
        on_step(seen[-1])


def test_a_whole_data_set_is_used_as_it_is(inputs):
    known = inputs.choices[0].candidate.dataset
    assert inputs.job(SMALL).dataset() is known


def test_some_of_its_tables_keep_their_digests(inputs):
    inputs.set_used(inputs.choices[0], used=False)
    dataset = inputs.job(SMALL).dataset()
    assert dataset.names == ("protein",)
    assert dataset.digests == {"protein": inputs.choices[1].candidate.dataset.digests["protein"]}
    assert dataset.load_arguments == {}


def test_another_kind_is_told_to_the_loader(inputs):
    inputs.set_kind(inputs.choices[0], Kind.PROTEIN)
    dataset = inputs.job(SMALL).dataset()
    assert [(m.name, m.kind) for m in dataset.modalities] == [
        ("protein", Kind.PROTEIN),
        ("protein_2", Kind.PROTEIN),
    ]
    known = inputs.choices[0].candidate.dataset
    rows = known.spots.get_indexer(dataset.spots)  # some have no count
    np.testing.assert_array_equal(dataset.coordinates, known.coordinates[rows])
    pd.testing.assert_frame_equal(dataset.annotations, known.annotations.iloc[rows])
    assert dataset.spot_diameter == known.spot_diameter


def test_images_features_and_files_join_by_the_spots(inputs, tmp_path):
    known = inputs.choices[0].candidate.dataset
    image = Image(np.add.outer(np.arange(1200.0), np.zeros(1200)), name="gradient")
    measured = Points(
        known.coordinates[:, ::-1],
        features={"spot": known.spots[::-1], "size": np.arange(60.0)},
        name="shape",
    )
    table = known.modalities[1].table[10:].copy()
    table.write_h5ad(tmp_path / "atac_peaks.h5ad")
    inputs.add(candidates_of_layer(image))
    inputs.set_kind(inputs.choices[-1], Kind.FEATURES)
    inputs.add(candidates_of_layer(measured))
    inputs.add(candidates_of_file(tmp_path / "atac_peaks.h5ad"))
    dataset = inputs.job(SMALL).dataset()
    assert [(m.name, m.kind) for m in dataset.modalities] == [
        ("rna", Kind.RNA),
        ("protein", Kind.PROTEIN),
        ("shape", Kind.FEATURES),
        ("chromatin", Kind.CHROMATIN),
        ("gradient", Kind.FEATURES),
    ]
    rows = known.spots.get_indexer(dataset.spots)
    assert rows.min() == 10  # and some had no count in one of the tables
    gradient = np.asarray(dataset.modalities[4].table.X).ravel()
    np.testing.assert_allclose(gradient, known.coordinates[rows, 1], atol=1)
    shape = np.asarray(dataset.modalities[2].table.X).ravel()
    np.testing.assert_allclose(shape, np.arange(60.0)[::-1][rows])


def test_points_are_taken_in_pixels_of_the_image(inputs):
    known = inputs.choices[0].candidate.dataset
    inputs.image = Image(np.zeros((700, 700)), scale=(2, 2))
    dataset = inputs.job(SMALL).dataset()
    np.testing.assert_allclose(dataset.coordinates, known.coordinates / 2)
    np.testing.assert_allclose(dataset.spot_diameter, known.spot_diameter / 2)


def test_a_run_says_what_it_does_and_finishes(inputs):
    outcome, seen = consume(inputs.job(SMALL))
    assert isinstance(outcome, Finished)
    assert outcome.result.n_domains == 3
    assert outcome.dataset is inputs.choices[0].candidate.dataset
    phases = list(dict.fromkeys(step for step in seen if isinstance(step, Phase)))
    assert phases == [phase for phase in Phase if phase is not Phase.MEASURING]
    assert [step.epoch for step in seen if isinstance(step, EpochReport)] == [1, 2]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("at", [*Phase, 1, 2])
def test_a_stop_is_seen_wherever_the_run_is(inputs, at, keep):
    stop = StopToken()
    if at is Phase.MEASURING:
        inputs.add(candidates_of_layer(Image(np.zeros((1200, 1200)), name="stain")))

    def on_step(step):
        if step == at or (isinstance(step, EpochReport) and step.epoch == at):
            stop.stop(keep=keep)

    outcome, _ = consume(inputs.job(SMALL), stop, on_step)
    if not keep:
        assert isinstance(outcome, Stopped)
        return
    assert isinstance(outcome, Finished)
    epochs = {Phase.CLUSTERING: 2}.get(at, at if isinstance(at, int) else 0)
    assert len(outcome.result.history) == epochs
    assert outcome.result.n_domains == 3


def test_pictures_are_measured_in_parts_and_take_part(inputs):
    noise = np.random.default_rng(0).integers(0, 255, (1200, 1200, 3), dtype=np.uint8)
    inputs.add(candidates_of_layer(Image(noise, rgb=True, name="H&E")))
    outcome, seen = consume(inputs.job(SMALL))
    assert isinstance(outcome, Finished), outcome
    assert list(outcome.result.modality_weights) == ["rna", "protein", "H&E"]
    assert "H&E" in outcome.result.record["pictures"]
    reports = [step for step in seen if isinstance(step, PictureReport)]
    assert reports[-1].done == reports[-1].spots == 60


@pytest.mark.parametrize(("scale", "expected"), [([1, 1], 0.5), ([4, 4], 0.125), ([2, 3], None)])
@pytest.mark.parametrize("as_loaded", [True, False])
def test_micrometres_go_along_where_spots_were_moved(make_dataset, scale, expected, as_loaded):
    dataset = replace(make_dataset(), micrometres_per_unit=0.5)
    chosen = RunInputs()
    data, arguments, kind = spots_data(dataset, "spots")
    chosen.points = Layer.create(data, {**arguments, "scale": scale}, kind)
    if not as_loaded:
        chosen.set_kind(chosen.choices[0], Kind.FEATURES)
    assert chosen.job(SMALL).dataset().micrometres_per_unit == pytest.approx(expected)


def test_a_second_stain_is_kept_with_the_run_in_the_frame_of_the_spots(inputs):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (1200, 1200, 3), dtype=np.uint8)
    first = Image(noise, rgb=True, name="H&E")
    turned = np.ascontiguousarray(np.rot90(noise))  # and laid back by its affine
    second = Image(turned, rgb=True, name="Ki67/2", affine=[[0, 1, 0], [-1, 0, 1199], [0, 0, 1]])
    inputs.image = first
    inputs.add([*candidates_of_layer(first), *candidates_of_layer(second)])
    outcome, _ = consume(inputs.job(SMALL))
    assert isinstance(outcome, Finished), outcome
    result = outcome.result
    assert list(result.modality_weights) == ["rna", "protein", "H&E", "Ki67 2"]
    assert list(result.further_images) == ["Ki67 2"]
    kept = result.further_images["Ki67 2"]
    assert kept.scale == pytest.approx(1)
    difference = kept.pixels[1:1190, 1:1190].astype(int) - noise[1:1190, 1:1190]
    assert np.abs(difference).max() <= 1
    assert result.record["further_images"] == {"Ki67 2": None}
    assert result.record["inputs"]["image_features"] == {"H&E": "texture", "Ki67 2": "texture"}


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.zeros((1, 1, 3), np.uint8), "1 x 1 pixels, less than a spot"),
        (np.full((1200, 1200, 3), np.nan, np.float32), "no numbers"),
        (np.full((1200, 1200, 3), 255, np.uint8), None),
        (np.random.default_rng(0).random((1200, 1200, 4), np.float32), None),
    ],
    ids=["1 x 1", "NaN", "white", "noise with alpha"],
)
def test_a_wrong_picture_is_said_or_changes_nothing(inputs, picture, said):
    alone, _ = consume(inputs.job(SMALL))
    inputs.add(candidates_of_layer(Image(picture, rgb=True, name="H&E")))
    outcome, _ = consume(inputs.job(SMALL))
    if said is not None:
        assert isinstance(outcome, Failed)
        assert said in outcome.reason
        return
    assert isinstance(outcome, Finished), outcome
    pd.testing.assert_series_equal(outcome.result.domains, alone.result.domains)
    assert any("left out" in note for note in outcome.result.record["notes"])


def test_a_labels_layer_has_the_cells_of_a_picture_as_large(inputs):
    rng = np.random.default_rng(0)
    picture = Image(rng.normal(50, 5, (1200, 1200)).astype(np.float32), name="DAPI")
    tiles = np.arange(1200) // 20 + 1
    labels = Labels(tiles[:, None] * 100 + tiles, name="Cellpose")
    other = Labels(labels.data[:50], name="another picture's")
    assert labels not in inputs.offered([labels])
    inputs.add(candidates_of_layer(picture))
    inputs.set_kind(inputs.choices[-1], Kind.IMAGE)
    assert inputs.offered([labels, other]) == [labels]
    inputs.set_cells(labels)
    assert inputs.offered([labels]) == []
    data = inputs.job(SMALL).steps(lambda: None)
    while True:
        try:
            next(data)
        except StopIteration as finished:
            dataset = finished.value
            break
    measured = dataset.modalities[-1].table
    assert "DAPI cell mean 1x" in measured.var_names
    inputs.forget(labels)
    assert inputs.choices[-1].cells is None


@pytest.fixture
def stack(tmp_path):
    """A layer of three channels, as napari opens an OME-TIFF."""
    values = np.random.default_rng(0).integers(0, 900, (3, 1200, 1200)).astype(np.uint16)
    told = {"axes": "CYX", "Channel": {"Name": ["DAPI", "CD3", "PanCK"]}}
    tifffile.imwrite(tmp_path / "panel.ome.tif", values, metadata=told)
    path = str(tmp_path / "panel.ome.tif")
    ((data,),) = napari_get_reader(path)(path)
    with layer_source(path=path, reader_plugin="napari"):
        return Image(data, name="panel")


def test_channels_of_a_file_are_chosen_by_name(inputs, stack):
    (candidate,) = candidates_of_layer(stack)
    assert candidate.channels == ("DAPI", "CD3", "PanCK")
    inputs.add([candidate])
    choice = inputs.choices[-1]
    inputs.set_kind(choice, Kind.IMAGE)
    inputs.set_channels(choice, ("CD3",))
    steps = inputs.job(SMALL).steps(lambda: None)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            dataset = finished.value
            break
    image = dataset.modalities[-1]
    assert image.kind is Kind.IMAGE
    assert all(name.startswith("CD3 ") for name in image.table.var_names)
    # what is recorded measures the same again
    recorded = dataset.load_arguments["image_features"]
    (again,) = recipes_of(recorded, dataset).values()
    assert again.channels == ("CD3",)
    plain = replace(dataset, modalities=dataset.modalities[:-1])
    repeated = iter_with_image(plain, again)
    while True:
        try:
            next(repeated)
        except StopIteration as finished:
            table = finished.value.modalities[-1].table
            break
    np.testing.assert_allclose(table.X, image.table.X, rtol=1e-4)
    inputs.set_kind(choice, Kind.PROTEIN)
    means = inputs.job(SMALL).dataset().modalities[-1]
    assert means.table.var_names.tolist() == ["CD3"]
    stack.data = stack.data[:2]
    with pytest.raises(InputError, match="channels of panel have changed"):
        inputs.job(SMALL).dataset()
    inputs.set_channels(choice, ())
    with pytest.raises(InputError, match="No channel of panel is ticked"):
        inputs.summary()


def test_channels_stay_chosen_in_a_session(inputs, stack):
    inputs.add(candidates_of_layer(stack))
    inputs.set_channels(inputs.choices[-1], ("DAPI", "PanCK"))
    kept = kept_inputs(inputs)
    inputs.set_channels(inputs.choices[-1], None)
    choose_modalities(inputs, json.loads(json.dumps(kept))["modalities"])
    assert inputs.choices[-1].channels == ("DAPI", "PanCK")


def test_a_picture_can_be_all_there_is(inputs):
    noise = np.random.default_rng(0).integers(0, 255, (1200, 1200, 3), dtype=np.uint8)
    inputs.add(candidates_of_layer(Image(noise, rgb=True, name="H&E")))
    for choice in inputs.choices[:-1]:
        inputs.set_used(choice, used=False)
    outcome, _ = consume(inputs.job(SMALL))
    assert isinstance(outcome, Finished), outcome
    assert list(outcome.result.modality_weights) == ["H&E"]


def test_a_stop_ends_the_reading(inputs):
    stop = StopToken()
    inputs.add(candidates_of_layer(Image(np.zeros((1200, 1200)))))
    inputs.set_kind(inputs.choices[-1], Kind.FEATURES)
    outcome, seen = consume(inputs.job(SMALL), stop, lambda step: stop.stop())
    assert isinstance(outcome, Stopped)
    assert seen == [Phase.READING]


@pytest.mark.parametrize("clustering", ["mixture", "leiden"])
def test_a_stop_ends_the_clustering(inputs, clustering, monkeypatch):
    stop = StopToken()
    calls = []
    find = finding.domains_by_scale

    def stopped_within(states, tissue, config, *, device, check):
        def counted():
            calls.append(1)
            if len(calls) == 3:
                stop.stop()
            check()

        return find(states, tissue, config, device=device, check=counted)

    monkeypatch.setattr(finding, "domains_by_scale", stopped_within)
    config = SMALL.replace(n_domains="auto", clustering=clustering, max_domains=6, all_scales=False)
    outcome, _ = consume(inputs.job(config), stop)
    if clustering == "mixture":
        assert isinstance(outcome, Stopped)
        assert len(calls) == 3
    else:  # one resolution, no search
        assert isinstance(outcome, Finished)
        assert len(calls) == 1


def fails_with(kind, said):
    """Raise a new error at each call: one that is kept would keep what its traceback saw."""

    def fail(*args, **kwargs):
        raise kind(said) if said else kind

    return fail


@pytest.mark.parametrize(
    ("kind", "message", "said"),
    [
        (RuntimeError, "kernel went missing", "PyTorch failed on cpu: kernel went missing"),
        (RuntimeError, "CUDA out of memory. Tried to allocate", "ran out of memory: about"),
        (MemoryError, "", "too little memory"),
        (ZeroDivisionError, "by zero\nmore", r"unexpectedly \(ZeroDivisionError: by zero\)"),
        (KeyError, "", r"unexpectedly \(KeyError: it gave no reason\)"),
    ],
)
def test_failures_are_outcomes_with_one_reason_and_details(
    inputs, monkeypatch, kind, message, said
):
    monkeypatch.setattr(loop._Training, "_step", fails_with(kind, message))
    outcome, _ = consume(inputs.job(SMALL))
    assert isinstance(outcome, Failed)
    with pytest.raises(InputError, match=said):
        raise InputError(outcome.reason)
    assert "Traceback" in outcome.details
    assert kind.__name__ in outcome.details


def test_inputs_that_cannot_be_used_are_an_outcome(inputs):
    inputs.add(candidates_of_layer(Image(np.zeros((9, 9)), name="small")))
    inputs.set_kind(inputs.choices[-1], Kind.FEATURES)
    outcome, _ = consume(inputs.job(SMALL))
    assert isinstance(outcome, Failed)
    assert "lie outside the image 'small'" in outcome.reason


@pytest.mark.parametrize("end", ["finished", "stopped", "failed"])
def test_nothing_of_a_run_is_held_after_it(inputs, monkeypatch, end):
    held = []
    start = loop._Training.__init__

    def noted(self, *args):
        start(self, *args)
        held.append(weakref.ref(self))

    monkeypatch.setattr(loop._Training, "__init__", noted)
    stop = StopToken()
    if end == "failed":
        monkeypatch.setattr(loop._Training, "_seed_prototypes", fails_with(RuntimeError, "x"))

    def on_step(step):
        if end == "stopped" and isinstance(step, EpochReport):
            stop.stop()

    consume(inputs.job(SMALL), stop, on_step)
    gc.collect()
    assert [ref() for ref in held] == [None]


def test_a_job_never_looks_at_a_layer(inputs, monkeypatch):
    """It works in another thread: layers belong to the window's."""
    image = Image(np.random.default_rng(0).uniform(size=(1200, 1200)), name="stain")
    inputs.add(candidates_of_layer(image))
    inputs.set_kind(inputs.choices[0], Kind.FEATURES)
    job = inputs.job(SMALL)
    touched = []
    for layer_class in (Image, Points):
        original = layer_class.__getattribute__

        def watched(self, name, original=original):
            if threading.current_thread() is not threading.main_thread():
                touched.append(name)
            return original(self, name)

        monkeypatch.setattr(layer_class, "__getattribute__", watched, raising=False)
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(consume(job)[0]))
    thread.start()
    thread.join()
    assert isinstance(outcomes[0], Finished)
    assert touched == []

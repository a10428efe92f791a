"""A run restricted to what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Layer, Shapes

from napari_trsmi.config import Config
from napari_trsmi.data.simulated.simulation import simulate
from napari_trsmi.errors import InputError
from napari_trsmi.training.stop import StopToken
from napari_trsmi.viewer.run.inputs import RunInputs
from napari_trsmi.viewer.run.job import Finished, run_steps
from napari_trsmi.viewer.section.layers import spots_data

SMALL = Config(n_domains=2, n_components=5, embedding_dim=5, feature_neighbors=5, align_neighbors=4)


@pytest.fixture
def chosen():
    """Inputs of a section, and shapes around its left part."""
    sizes = {"rna": 60, "protein": 12}  # so that no spot is without counts
    dataset = simulate(n_spots=120, modalities=("rna", "protein"), n_features=sizes, image=False)
    inputs = RunInputs()
    inputs.points = Layer.create(*spots_data(dataset, "spots"))
    middle, bottom = np.median(dataset.coordinates[:, 0]) + 1, dataset.coordinates[:, 1].max() + 1
    left = np.array([[-1, -1], [-1, middle], [bottom, middle], [bottom, -1]])
    shapes = Shapes([left], shape_type="polygon", name="left half")
    inside = dataset.coordinates[:, 0] < middle
    return dataset, inputs, shapes, inside


def finish(job):
    steps = run_steps(job, StopToken())
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_only_the_spots_inside_take_part_and_the_record_says_so(chosen):
    dataset, inputs, shapes, inside = chosen
    assert inputs.n_spots == 120
    inputs.region = shapes
    n_inside = int(inside.sum())
    assert 20 < n_inside < 100
    assert inputs.n_spots == n_inside
    assert inputs.summary() == f"{n_inside} of 120 spots: those inside 'left half'."
    outcome = finish(inputs.job(SMALL))
    assert isinstance(outcome, Finished)
    np.testing.assert_array_equal(outcome.result.domains.index, dataset.spots[inside])
    np.testing.assert_array_equal(outcome.result.coordinates, dataset.coordinates[inside])
    assert f"{n_inside} of 120 spots: those inside 'left half'." in outcome.result.record["notes"]


def test_too_few_or_nothing_drawn_says_so(chosen):
    _, inputs, _, _ = chosen
    inputs.region = Shapes(name="nothing yet")
    with pytest.raises(InputError, match="'nothing yet' has no polygon"):
        inputs.summary()
    assert inputs.n_spots == 0
    inputs.region = Shapes([[[0, 0], [0, 1], [1, 1]]], shape_type="polygon", name="corner")
    with pytest.raises(InputError, match=r"Only . spots? inside 'corner'"):
        inputs.summary()


def test_a_layer_that_is_gone_restricts_nothing(chosen):
    _, inputs, shapes, _ = chosen
    inputs.region = shapes
    inputs.forget(shapes)
    assert inputs.region is None
    assert inputs.n_spots == 120

from __future__ import annotations

import numpy as np
import pytest

from napari_trsmi import load, simulate
from trsmi_benchmark.data.cases import make_inputs
from trsmi_benchmark.exchange import (
    Output,
    checked,
    read_inputs,
    read_output,
    write_inputs,
    write_output,
)
from trsmi_benchmark.trsmi import table


def test_inputs_survive_the_disk(tiny_inputs, tmp_path):
    path = tmp_path / "inputs.npz"
    write_inputs(tiny_inputs, path)
    found = read_inputs(path, n_domains=5, seed=7)
    assert (found.n_domains, found.seed, found.n_spots) == (5, 7, 80)
    np.testing.assert_array_equal(found.coordinates, tiny_inputs.coordinates)
    for mine, theirs in zip(found.blocks, tiny_inputs.blocks, strict=True):
        assert (mine.name, mine.kind) == (theirs.name, theirs.kind)
        np.testing.assert_array_equal(mine.features, theirs.features)
        assert abs(mine.counts - theirs.counts).nnz == 0


def test_ready_features_have_no_counts_and_a_kind_by_name(tiny_inputs, tmp_path):
    inputs = make_inputs(load(table(tiny_inputs)))
    assert {block.kind for block in inputs.blocks} == {"rna", "protein"}
    assert all(block.counts is None for block in inputs.blocks)
    write_inputs(inputs, tmp_path / "inputs.npz")
    assert read_inputs(tmp_path / "inputs.npz", n_domains=2, seed=0).blocks[0].counts is None


def test_a_block_is_found_by_its_kind(tiny_inputs):
    assert tiny_inputs.block("protein").name == "protein"
    with pytest.raises(KeyError, match="chromatin"):
        tiny_inputs.block("chromatin")


def test_there_are_no_labels_in_it(tmp_path):
    data = simulate("published", n_spots=60, modalities=("rna",), image=False)
    write_inputs(make_inputs(data), tmp_path / "inputs.npz")
    with np.load(tmp_path / "inputs.npz") as file:
        assert set(file) == {
            "coordinates",
            "features_0",
            "about",
            *(f"counts_0_{part}" for part in ("data", "indices", "indptr", "shape")),
        }


@pytest.mark.parametrize("parts", [("embedding",), ("domains",), ("embedding", "domains")])
def test_output_survives_the_disk(parts, tmp_path):
    arrays = {"embedding": np.eye(4), "domains": np.array([1, 2, 2, 3])}
    output = Output(**{part: arrays[part] for part in parts})
    write_output(output, tmp_path / "output.npz")
    found = read_output(tmp_path / "output.npz", ("note",))
    assert found.notes == ("note",)
    for part, array in arrays.items():
        if part in parts:
            np.testing.assert_array_equal(getattr(found, part), array)
        else:
            assert getattr(found, part) is None


def test_domains_are_numbered_from_one():
    assert checked(Output(domains=np.array([7, 7, 0])), 3).domains.tolist() == [2, 2, 1]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (Output(), "neither"),
        (Output(np.zeros(4)), "shape"),
        (Output(np.zeros((3, 2))), "shape"),
        (Output(np.full((4, 2), np.inf)), "not finite"),
        (Output(domains=np.zeros(3)), "shape"),
    ],
)
def test_what_cannot_be_scored_is_refused(output, words):
    with pytest.raises(ValueError, match=words):
        checked(output, 4)

"""``napari-trsmi simulate``: files that hold what `simulate` makes, and that ``run`` takes."""

from __future__ import annotations

import shlex

import numpy as np
import pytest
from PIL import Image

from napari_trsmi import load, simulate

MODALITIES = ("rna", "protein", "chromatin")


def test_files_load_as_what_was_simulated(tables):
    expected = simulate("complementary", n_spots=200)
    loaded = load({name: tables / f"{name}.h5ad" for name in MODALITIES})
    assert loaded.names == expected.names
    np.testing.assert_array_equal(loaded.coordinates, expected.coordinates)
    assert loaded.spots.equals(expected.spots)
    assert list(loaded.annotations["domain"]) == list(expected.annotations["domain"])
    assert loaded.spot_diameter == expected.spot_diameter
    for ours, theirs in zip(loaded.modalities, expected.modalities, strict=True):
        kept = theirs.table[:, ours.table.var_names]
        assert abs(ours.table.X - kept.X).sum() == 0
    np.testing.assert_array_equal(Image.open(tables / "tissue.png"), expected.image.pixels)


@pytest.mark.usefixtures("unpainted")
def test_the_command_that_it_prints_runs(invoke, job, tmp_path):
    folder = tmp_path / "made up"
    ended = invoke("simulate", "--setting", "dropout", "--n-spots", 60, "--seed", 2, "-o", folder)
    program, *arguments = shlex.split(ended.stdout)
    assert program == "napari-trsmi"
    assert invoke(*arguments).exit_code == 0
    assert job.config.n_domains == 5
    assert job.data.names == MODALITIES
    assert job.data.n_spots == 60


@pytest.mark.usefixtures("unpainted")
def test_files_are_not_replaced_unless_told(invoke, tmp_path):
    (tmp_path / "protein.h5ad").write_text("precious")
    arguments = ("simulate", "--setting", "published", "--n-spots", 50, "-o", tmp_path)
    ended = invoke(*arguments)
    assert ended.exit_code == 3
    assert "protein.h5ad is already there" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["protein.h5ad"]
    assert invoke(*arguments, "--overwrite").exit_code == 0
    assert load(f"protein={tmp_path / 'protein.h5ad'}").n_spots == 50


def test_unknown_setting_makes_no_folder(invoke, tmp_path):
    ended = invoke("simulate", "--setting", "moon", "-o", tmp_path / "out")
    assert ended.exit_code == 2
    assert "'moon'" in ended.stderr
    assert not (tmp_path / "out").exists()

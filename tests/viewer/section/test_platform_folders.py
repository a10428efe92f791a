"""A folder as the instrument wrote it: one drop on the window, one argument of the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from napari.components import ViewerModel

from napari_trsmi import read_result
from napari_trsmi.cli import main
from napari_trsmi.viewer.attached import dataset_of

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))
import vendor_folders as vendor

sys.path.pop(0)

pytest.importorskip("spatialdata")
pytestmark = [
    pytest.mark.usefixtures("installed_plugins"),
    pytest.mark.filterwarnings("ignore:Duplicate name"),
]
WRITERS = ["xenium_protein", "cosmx", "merscope", "codex", "stereo_seq"]


@pytest.mark.parametrize("name", WRITERS)
def test_a_folder_dropped_on_the_window(tmp_path, name):
    vendor.WRITERS[name](tmp_path / "run")
    layers = ViewerModel().open(str(tmp_path / "run"), plugin="napari-trsmi")
    points = layers[-1]
    dataset = dataset_of(points)
    assert len(points.data) == vendor.N_CELLS
    np.testing.assert_array_equal(points.data[:, ::-1], dataset.coordinates)
    if name == "xenium_protein":
        tissue = layers[0]
        row, column = np.round(tissue.world_to_data(points.data_to_world(points.data[20])))
        assert tissue.data[int(row), int(column), 1] < 150  # on stained tissue


@pytest.mark.parametrize("name", ["xenium_protein", "stereo_seq"])
def test_a_folder_as_one_argument(tmp_path, name):
    vendor.WRITERS[name](tmp_path / "run")
    out = tmp_path / "domains.h5ad"
    arguments = ["run", str(tmp_path / "run"), "--n-domains", "2", "--n-components", "5"]
    ended = CliRunner().invoke(main, [*arguments, "--output", str(out)])
    assert ended.exit_code == 0, ended.output
    assert len(read_result(out).domains) == vendor.N_CELLS

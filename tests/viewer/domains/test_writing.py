"""Points layers to files, as napari's own Save does it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel

from napari_trsmi import add_domains, read_result
from napari_trsmi import atomic as files
from napari_trsmi.errors import InputError, OutputError
from napari_trsmi.viewer.attached import RESULT
from napari_trsmi.viewer.section.layers import spots_data

pytestmark = pytest.mark.usefixtures("installed_plugins")


@pytest.fixture
def viewer():
    return ViewerModel()


def save(viewer, path, plugin="napari-trsmi"):
    return viewer.layers.save(str(path), selected=True, plugin=plugin)


def test_the_run_comes_back_from_h5ad(viewer, make_result, tmp_path):
    result = make_result()
    viewer.layers.selection = {add_domains(viewer, result)}
    path = tmp_path / "domains.h5ad"
    assert save(viewer, path) == [str(path)]
    found = read_result(path)
    pd.testing.assert_series_equal(found.domains, result.domains)
    np.testing.assert_array_equal(found.embedding, result.embedding)
    np.testing.assert_array_equal(found.image.pixels, result.image.pixels)
    assert found.record == result.record


def test_h5ad_needs_no_choice_of_plugin(viewer, make_result, tmp_path):
    viewer.layers.selection = {add_domains(viewer, make_result())}
    assert save(viewer, tmp_path / "domains.h5ad", plugin=None)


def test_csv_has_a_row_for_each_spot(viewer, make_result, tmp_path):
    result = make_result()
    viewer.layers.selection = {add_domains(viewer, result)}
    save(viewer, tmp_path / "domains.csv")
    table = pd.read_csv(tmp_path / "domains.csv", index_col="spot", dtype={"trsmi_domain": str})
    assert table["trsmi_domain"].to_dict() == result.domains.astype(str).to_dict()
    assert {"trsmi_confidence", "trsmi_weight_rna"} <= set(table)


def test_edits_are_saved_and_an_old_file_is_replaced(viewer, make_result, tmp_path):
    result = make_result()
    points = add_domains(viewer, result)
    viewer.layers.selection = {points}
    path = tmp_path / "domains.h5ad"
    save(viewer, path)
    domains = result.domains.cat.rename_categories({"2": "white matter"})
    points.metadata[RESULT] = replace(
        result, domains=domains, custom_colors={"white matter": "#abcdef"}
    )
    save(viewer, path)
    found = read_result(path)
    assert "white matter" in set(found.domains)
    assert found.colors["white matter"] == "#abcdef"


def test_hidden_spots_are_saved_all_the_same(viewer, make_result, tmp_path):
    points = add_domains(viewer, make_result())
    viewer.layers.selection = {points}
    points.selected_data = {0, 7}
    points.remove_selected()
    save(viewer, tmp_path / "domains.h5ad")
    assert len(read_result(tmp_path / "domains.h5ad").domains) == 60


def test_points_without_a_run_are_refused(viewer, make_dataset, tmp_path):
    data, arguments, _ = spots_data(make_dataset(), "section")
    for layer in (viewer.add_points(data, **arguments), viewer.add_points([[0, 0]], name="mine")):
        viewer.layers.selection = {layer}
        with pytest.raises(InputError, match=rf"{layer.name!r} shows no domains.*napari's own"):
            save(viewer, tmp_path / "points.h5ad")
    assert not list(tmp_path.iterdir())


def test_they_go_to_a_table_as_napari_writes_it_whoever_is_asked_first(viewer, tmp_path):
    viewer.layers.selection = {viewer.add_points([[1, 2]])}
    save(viewer, tmp_path / "ours.csv")
    save(viewer, tmp_path / "its.csv", plugin="napari")
    assert (tmp_path / "ours.csv").read_text() == (tmp_path / "its.csv").read_text()


def test_other_points_are_still_saved_by_napari(viewer, tmp_path):
    viewer.layers.selection = {viewer.add_points([[1, 2]])}
    save(viewer, tmp_path / "points.csv", plugin=None)
    assert (tmp_path / "points.csv").read_text().startswith("index,axis-0")


def test_a_full_disk_leaves_the_old_file(viewer, make_result, tmp_path, monkeypatch):
    viewer.layers.selection = {add_domains(viewer, make_result())}
    path = tmp_path / "domains.csv"
    path.write_text("old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OutputError, match="Make room"):
        save(viewer, path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["domains.csv"]

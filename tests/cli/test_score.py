"""``napari-trsmi score``: the numbers of `score`, from files, beside those of knowing nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest

from napari_trsmi import score, write_result


@pytest.fixture
def result(make_result):
    """Domains that cut the labels' stripes differently, and two spots without a label."""
    made = make_result(n_spots=60, n_domains=3)
    codes = [(spot % 12) * 4 // 12 for spot in range(60)]
    layers = pd.Series([f"layer {code}" for code in codes], index=made.domains.index)
    layers.iloc[:2] = None
    return replace(made, annotations=layers.astype("category").to_frame("layer"))


@pytest.fixture
def path(result, tmp_path):
    return write_result(result, tmp_path / "out.h5ad")


def test_prints_the_metrics_of_score(invoke, path, result):
    ended = invoke("score", path, "--labels", "layer")
    assert ended.exit_code == 0, ended.output
    rows = [line.split() for line in ended.stdout.splitlines()]
    printed = {row[0]: row[1] for row in rows if len(row) == 5}
    expected = score(result.annotations["layer"], result.domains).as_dict()
    assert len(expected) == 13
    for metric, value in expected.items():
        assert printed[metric] == f"{value:.2f}"
    assert "58 spots scored, 2 without a label" in ended.stderr


def test_json_has_the_degenerate_rows(invoke, path, result):
    scores = json.loads(invoke("score", path, "--labels", "layer", "--json").stdout)
    assert (scores["n_spots"], scores["n_unlabelled"], scores["n_unmatched"]) == (58, 2, 0)
    assert scores["domains"]["ARI"] == score(result.annotations["layer"], result.domains).ari
    assert scores["one domain"]["ARI"] == 0
    assert scores["one domain"]["Completeness"] == 100
    assert abs(scores["permuted labels"]["ARI"]) < 10 < scores["domains"]["ARI"]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "h5ad"])
def test_labels_of_another_file_are_matched_by_name(invoke, path, result, tmp_path, suffix):
    reference = tmp_path / f"labels.{suffix}"
    labels = result.annotations.dropna().sample(frac=1, random_state=1).iloc[:40]
    if suffix == "h5ad":
        import anndata

        anndata.AnnData(obs=labels).write_h5ad(reference)
    else:
        labels.to_csv(reference, sep="," if suffix == "csv" else "\t")
    arguments = ("score", path, "--labels", "layer", "--reference", reference, "--json")
    scores = json.loads(invoke(*arguments).stdout)
    assert scores["domains"] == score(labels["layer"], result.domains).as_dict()
    assert (scores["n_spots"], scores["n_unmatched"]) == (40, 20)


def test_a_csv_result_and_another_key(invoke, result, tmp_path):
    table = tmp_path / "out.csv"
    write_result(result, table)
    reference = tmp_path / "labels.csv"
    result.annotations.assign(mine=result.domains).to_csv(reference)
    arguments = ("--labels", "layer", "--reference", reference, "--json")
    by_result = json.loads(invoke("score", table, *arguments).stdout)
    by_key = json.loads(invoke("score", reference, "--key", "mine", *arguments).stdout)
    assert by_result == by_key
    assert by_result["domains"] == score(result.annotations["layer"], result.domains).as_dict()


def test_names_that_are_numbers_match_too(invoke, tmp_path):
    left, right = tmp_path / "left.csv", tmp_path / "right.csv"
    left.write_text("spot,trsmi_domain\n1,a\n2,a\n3,b\n")
    right.write_text("spot,layer\n3,x\n1,y\n2,y\n")
    ended = invoke("score", left, "--labels", "layer", "--reference", right, "--json")
    assert json.loads(ended.stdout)["domains"]["ARI"] == 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--labels", "region"], ["no column 'region'", "'layer'", "'trsmi_domain'"]),
        (["--labels", "layer", "--key", "leiden"], ["no column 'leiden'"]),
        (["--labels", "layer", "--reference", "missing.csv"], ["missing.csv"]),
    ],
)
def test_bad_input(invoke, path, arguments, words):
    ended = invoke("score", path, *arguments)
    assert ended.exit_code == 2
    assert ended.stdout == ""
    for word in words:
        assert word in ended.stderr


def test_hdf5_that_is_no_table(invoke, tmp_path):
    import h5py

    with h5py.File(tmp_path / "other.h5ad", "w") as file:
        file["x"] = 1
    ended = invoke("score", tmp_path / "other.h5ad", "--labels", "layer")
    assert ended.exit_code == 2
    assert "no obs" in ended.stderr

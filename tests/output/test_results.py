"""Results are written whole and read back without loss."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import anndata
import numpy as np
import pandas as pd
import pytest

from napari_trsmi import read_result, write_result
from napari_trsmi.errors import InputError, OutputError
from napari_trsmi.output.tables import write_table

if TYPE_CHECKING:
    from pathlib import Path


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_result_that_does_not_fit_leaves_the_old_one(small_disk, make_result):
    old = make_result(image_scale=None)
    path = write_result(old, small_disk / "result.h5ad")
    before = path.read_bytes()
    large = replace(old, embedding=np.ones((60, 10_000), dtype=np.float32))
    with pytest.raises(OutputError, match="needs 2"):
        write_result(large, path, overwrite=True)
    assert path.read_bytes() == before
    assert files(small_disk) == {"result.h5ad"}


class TestWriteResult:
    def test_does_not_replace_unless_told(self, tmp_path, make_result):
        path = tmp_path / "result.h5ad"
        path.write_text("precious")
        with pytest.raises(OutputError, match="already there"):
            write_result(make_result(), path)
        assert path.read_text() == "precious"
        write_result(make_result(), path, overwrite=True)
        assert read_result(path).n_domains == 3

    def test_csv_has_a_row_for_each_spot(self, tmp_path, make_result):
        result = make_result()
        table = pd.read_csv(
            write_result(result, tmp_path / "result.csv"), index_col="spot", dtype={1: str}
        )
        assert list(table) == [
            "trsmi_domain",
            "trsmi_confidence",
            "trsmi_weight_rna",
            "trsmi_weight_protein",
        ]
        assert list(table.index) == list(result.domains.index)
        assert list(table["trsmi_domain"]) == list(result.domains)
        np.testing.assert_allclose(table["trsmi_confidence"], result.confidence)
        np.testing.assert_allclose(table["trsmi_weight_rna"], result.modality_weights["rna"])

    @pytest.mark.parametrize(
        ("column", "stored"),
        [
            (["a", None, "b"], ["a", None, "b"]),
            (["a", 1, None], ["a", "1", None]),
            ([[1], [2], [3]], ["[1]", "[2]", "[3]"]),
            (pd.array(["a", None, "b"], dtype="string"), ["a", None, "b"]),
            (pd.array([1, None, 3], dtype="Int64"), [1, None, 3]),
            (pd.array([True, None, False], dtype="boolean"), [True, None, False]),
            (pd.to_datetime(["2026-01-01"] * 3), ["2026-01-01 00:00:00"] * 3),
            (pd.Categorical([1, 2, 1]), [1, 2, 1]),
            (pd.Categorical(["a", 1, "a"]), ["a", "1", "a"]),
            (pd.cut([1, 3, 3], [0, 2, 4]), ["(0, 2]", "(2, 4]", "(2, 4]"]),
        ],
        ids=str,
    )
    def test_every_annotation_can_be_stored(self, tmp_path, make_result, column, stored):
        result = make_result(n_spots=3)
        noted = pd.DataFrame({"note": column}, index=result.domains.index)
        path = write_result(replace(result, annotations=noted), tmp_path / "result.h5ad")
        read = read_result(path).annotations["note"]
        assert [None if pd.isna(value) else value for value in read] == stored

    def test_a_reserved_column_is_named(self, tmp_path, make_result):
        result = make_result()
        noted = result.annotations.rename(columns={"layer": "_index"})
        with pytest.raises(OutputError, match=r"_index.*Rename or remove"):
            write_result(replace(result, annotations=noted), tmp_path / "result.h5ad")
        assert files(tmp_path) == set()

    def test_text_that_a_spreadsheet_would_run(self, make_result, tmp_path):
        result = make_result()
        names = {"1": "=1+1", "2": "@sum", "3": "fine"}
        result = replace(result, domains=result.domains.cat.rename_categories(names))
        table = pd.read_csv(write_result(result, tmp_path / "o.csv"), index_col="spot")
        assert set(table["trsmi_domain"]) == {"'=1+1", "'@sum", "fine"}
        assert table["trsmi_confidence"].tolist() == pytest.approx(result.confidence.tolist())

    def test_columns_that_the_format_keeps_for_itself(self, tmp_path):
        import anndata

        from napari_trsmi import integrate

        rng = np.random.default_rng(0)
        table = anndata.AnnData(rng.integers(1, 9, (60, 12)).astype(np.float32))
        table.obs = pd.DataFrame({"_index": range(60), "cell": 1, "z": 1 + 2j}, table.obs_names)
        table.obs.index.name = "cell"  # and a column of that name with other values
        table.obsm["spatial"] = rng.uniform(0, 100, (60, 2))
        result = integrate({"rna": table}, n_domains=2, epochs=1)
        again = read_result(write_result(result, tmp_path / "o.h5ad"))
        assert list(again.annotations) == ["index", "cell", "z"]
        assert any(
            "'_index' of the annotations is called 'index'" in n for n in result.record["notes"]
        )


class TestReadResult:
    def test_missing(self, tmp_path):
        with pytest.raises(InputError, match=r"no file .*missing\.h5ad"):
            read_result(tmp_path / "missing.h5ad")

    @pytest.mark.parametrize("content", [b"", b"no HDF5"], ids=["empty", "garbage"])
    def test_not_a_file_of_ours(self, tmp_path, content):
        path = tmp_path / "bad.h5ad"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"bad\.h5ad"):
            read_result(path)

    def test_a_csv_is_no_result(self, tmp_path, make_result):
        path = write_result(make_result(), tmp_path / "result.csv")
        with pytest.raises(InputError, match=r"result\.csv"):
            read_result(path)

    def test_a_plain_table_is_no_result(self, tmp_path):
        write_table(anndata.AnnData(np.eye(2)), tmp_path / "plain.h5ad")
        with pytest.raises(InputError, match=r"plain\.h5ad: .*holds no TRSMI result"):
            read_result(tmp_path / "plain.h5ad")

    def test_damaged(self, tmp_path, make_result):
        path = write_result(make_result(), tmp_path / "result.h5ad")
        path.write_bytes(path.read_bytes()[:-5_000])
        with pytest.raises(InputError, match=r"result\.h5ad"):
            read_result(path)

    def test_incomplete(self, tmp_path, make_result):
        table = make_result().to_anndata()
        del table.obs["trsmi_weight_rna"]
        write_table(table, tmp_path / "part.h5ad")
        with pytest.raises(InputError, match=r"part\.h5ad holds an incomplete TRSMI result"):
            read_result(tmp_path / "part.h5ad")


def test_a_run_without_annotations(tmp_path, make_result):
    result = make_result()
    plain = replace(result, annotations=pd.DataFrame(index=result.domains.index))
    path = write_result(plain, tmp_path / "plain.h5ad")
    assert read_result(path).annotations.shape == (len(result.domains), 0)

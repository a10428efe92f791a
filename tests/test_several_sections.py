"""Several sections together: the same domain is the same tissue, whatever each section lacks."""

from __future__ import annotations

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

import napari_trsmi as trsmi
from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.errors import InputError
from napari_trsmi.output.figure import write_figure
from napari_trsmi.output.geojson import write_geojson
from napari_trsmi.preprocessing.protein import centered_log_ratio
from napari_trsmi.result_sections import micrometres_side_by_side

FEW = {"n_domains": 3, "all_scales": False, "n_components": 10, "spatial_neighbors": 4}


def agreement(result):
    return adjusted_rand_score(result.annotations["truth"].astype(str), result.domains)


@pytest.fixture(scope="module")
def mosaic(make_sections):
    """Both tables, RNA alone, protein alone."""
    made = make_sections()
    return {"a": made["a"], "b": {"rna": made["b"]["rna"]}, "c": {"adt": made["c"]["adt"]}}


@pytest.fixture(scope="module")
def result(mosaic):
    image = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    return trsmi.integrate(mosaic, image={"b": TissueImage(image, 0.03)}, **FEW)


@pytest.fixture(scope="module")
def in_one_table(make_sections):
    made = make_sections()
    return {
        name: anndata.concat([own[name] for own in made.values()], label="sample", keys=list(made))
        for name in ("rna", "adt")
    }


class TestDomains:
    def test_are_the_same_tissue_in_all_sections(self, result):
        assert agreement(result) > 0.9
        assert result.section_names == ("a", "b", "c")
        assert list(result.annotations["section"].cat.categories) == ["a", "b", "c"]

    def test_are_as_good_as_of_each_section_alone(self, result, mosaic):
        for name, tables in mosaic.items():
            alone = trsmi.integrate(tables, **FEW)
            assert agreement(result.of_section(name)) >= agreement(alone) - 0.05

    def test_do_not_depend_on_the_order_of_spots(self, mosaic, result):
        shuffled = {
            name: {
                kind: table[np.random.default_rng(1).permutation(table.n_obs)].copy()
                for kind, table in tables.items()
            }
            for name, tables in mosaic.items()
        }
        again = trsmi.integrate(shuffled, **FEW)
        pd.testing.assert_series_equal(again.domains.loc[result.domains.index], result.domains)

    def test_what_was_not_measured_has_no_share(self, result):
        mean = result.modality_weights.groupby(result.sections.of_spots, observed=True).mean()
        assert mean.loc["b"].to_dict() == {"rna": 1, "adt": 0}
        assert mean.loc["a"].min() > 0

    def test_it_is_said_what_was_predicted(self, result):
        assert "Section b has no adt: predicted from rna, as in a." in result.record["notes"]

    def test_a_domain_that_a_section_lacks_stays_away(self, make_sections):
        made = make_sections(shares={"a": (0.4, 0.3, 0.3), "b": (0.5, 0.5, 0.0)})
        result = trsmi.integrate({name: {"rna": t["rna"]} for name, t in made.items()}, **FEW)
        assert agreement(result) > 0.9
        assert (result.domain_shares().loc["b"] > 0.02).sum() == 2

    @pytest.mark.parametrize(
        "more", [{"n_domains": "auto"}, {"clustering": "leiden"}, {"scale": 0}]
    )
    def test_every_way_to_find_them(self, mosaic, more):
        assert agreement(trsmi.integrate(mosaic, **FEW | more)) > 0.5

    def test_the_network_can_be_trained_on_them(self, mosaic):
        result = trsmi.integrate(mosaic, **FEW | {"scale": 0, "epochs": 2})
        assert len(result.history) == 2


class TestPredictedTables:
    def test_hold_what_was_not_measured_alone(self, result, mosaic):
        assert {name: table.n_obs for name, table in result.predicted.items()} == {
            "adt": mosaic["b"]["rna"].n_obs,
            "rna": mosaic["c"]["adt"].n_obs,
        }
        assert set(result.predicted["adt"].obs["section"]) == {"b"}

    def test_are_near_the_truth_with_honest_deviations(self, result, make_sections):
        predicted = result.predicted["adt"]
        counts = make_sections()["b"]["adt"][predicted.obs_names, predicted.var_names].X.toarray()
        truth = centered_log_ratio(counts.astype(np.float64))
        truth = (truth - truth.mean(axis=0)) / truth.std(axis=0)
        found = [np.corrcoef(*pair)[0, 1] for pair in zip(predicted.X.T, truth.T, strict=True)]
        assert np.mean(found) > 0.5
        inside = np.abs(truth - predicted.X) < 2 * predicted.layers["deviation"]
        assert 0.85 < inside.mean() < 0.99

    def test_go_to_a_file_and_back(self, result, tmp_path):
        read = trsmi.read_result(trsmi.write_result(result, tmp_path / "r.h5ad"))
        assert read.predicted.keys() == result.predicted.keys()
        for name, table in result.predicted.items():
            again = read.predicted[name][table.obs_names]
            np.testing.assert_array_equal(again.X, table.X)
            np.testing.assert_array_equal(again.layers["deviation"], table.layers["deviation"])
        assert read.of_section("c").predicted.keys() == {"rna"}


class TestCarrying:
    def test_finds_the_domains_in_a_new_section(self, make_sections):
        made = make_sections()
        result = trsmi.integrate({"a": made["a"], "b": made["b"]}, **FEW)
        truth = result.annotations["truth"].astype(str)
        tissue = pd.crosstab(result.domains.astype(str), truth).idxmax(axis=1)
        for tables in (made["c"], {"rna": made["c"]["rna"]}, {"adt": made["c"]["adt"]}):
            carried = result.predict(tables)
            truth = carried.annotations["truth"].astype(str)
            assert (carried.domains.astype(str).map(tissue) == truth).mean() > 0.9
            assert carried.colors.items() <= result.colors.items()

    def test_finds_them_again_in_a_known_section(self, result, mosaic):
        carried = result.predict(mosaic["c"])
        known = result.of_section("c").domains.astype(str)
        assert (carried.domains.astype(str) == known).mean() > 0.97

    def test_from_a_file(self, result, mosaic, tmp_path):
        read = trsmi.read_result(trsmi.write_result(result, tmp_path / "r.h5ad"))
        pd.testing.assert_series_equal(
            read.predict(mosaic["b"]).domains, result.predict(mosaic["b"]).domains
        )

    def test_what_was_carried_is_a_result_like_others(self, result, mosaic, tmp_path):
        carried = result.predict(mosaic["b"])
        read = trsmi.read_result(trsmi.write_result(carried, tmp_path / "c.h5ad"))
        pd.testing.assert_series_equal(read.domains, carried.domains)

    def test_needs_a_run_of_several(self, make_sections):
        made = make_sections()["a"]
        with pytest.raises(InputError, match=r"of one\. Run the sections together"):
            trsmi.integrate(made, **FEW).predict(made)

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            (lambda tables: {"atac": tables["rna"]}, "nothing to tell the domains by"),
            (lambda tables: {"rna": other_genes(tables["rna"])}, "0% of the 40 features"),
        ],
    )
    def test_needs_the_run_s_tables(self, result, make_sections, change, match):
        with pytest.raises(InputError, match=match):
            result.predict(change(make_sections()["b"]))


class TestByKey:
    def test_is_the_same_as_one_by_one(self, in_one_table, make_sections):
        by_key = trsmi.integrate(in_one_table, library_key="sample", **FEW)
        one_by_one = trsmi.integrate(make_sections(), **FEW)
        pd.testing.assert_series_equal(by_key.domains, one_by_one.domains)

    def test_a_table_may_lack_a_section(self, in_one_table):
        part = in_one_table["adt"][in_one_table["adt"].obs["sample"] != "b"].copy()
        result = trsmi.integrate(
            {"rna": in_one_table["rna"], "adt": part}, library_key="sample", **FEW
        )
        assert len(result.domains) == in_one_table["rna"].n_obs
        assert agreement(result) > 0.9

    def test_tables_without_the_column_follow_by_name(self, in_one_table):
        bare = in_one_table["adt"].copy()
        del bare.obs["sample"], bare.obsm["spatial"]
        result = trsmi.integrate(
            {"rna": in_one_table["rna"], "adt": bare}, library_key="sample", **FEW
        )
        assert result.section_names == ("a", "b", "c")

    def test_sections_that_overlap_are_refused_with_this_remedy(self, in_one_table):
        with pytest.raises(InputError, match=r"library_key='sample' \(command line: --library-key"):
            trsmi.integrate({"rna": in_one_table["rna"]})

    def test_in_place(self, in_one_table):
        table = in_one_table["rna"].copy()
        trsmi.tl.integrate({"rna": table}, library_key="sample", **FEW)
        assert list(table.obs["trsmi_section"].cat.categories) == ["a", "b", "c"]
        edges = table.obsp["spatial_connectivities"].tocoo()
        section = table.obs["trsmi_section"].to_numpy()
        assert (section[edges.row] == section[edges.col]).all()
        assert trsmi.TRSMIResult.from_anndata(table).section_names == ("a", "b", "c")

    def test_in_place_section_by_section(self, mosaic):
        tables = {name: {k: t.copy() for k, t in own.items()} for name, own in mosaic.items()}
        trsmi.tl.integrate(tables, **FEW)
        assert tables["c"]["adt"].obs["trsmi_domain"].notna().all()


class TestResult:
    def test_goes_to_a_file_and_back(self, result, tmp_path):
        read = trsmi.read_result(trsmi.write_result(result, tmp_path / "r.h5ad"))
        pd.testing.assert_series_equal(read.domains, result.domains)
        assert read.section_names == result.section_names
        assert read.colors == result.colors
        np.testing.assert_array_equal(read.coordinates, result.coordinates)
        assert read.sections.images.keys() == {"b"}
        np.testing.assert_array_equal(
            read.sections.images["b"].pixels, result.sections.images["b"].pixels
        )
        assert read.sections.images["b"].scale == result.sections.images["b"].scale
        assert read.sections.spot_diameters == result.sections.spot_diameters
        for name in read.section_names:
            pd.testing.assert_series_equal(
                read.of_section(name).domains, result.of_section(name).domains
            )

    def test_its_file_is_laid_out_for_squidpy(self, result, tmp_path):
        table = anndata.read_h5ad(trsmi.write_result(result, tmp_path / "r.h5ad"))
        assert set(table.uns["spatial"]) == {"a", "b", "c"}
        assert set(table.obs["trsmi_section"]) == {"a", "b", "c"}

    def test_a_section_of_it_is_a_result_with_its_picture(self, result, mosaic):
        part = result.of_section("b")
        assert list(part.domains.index) == list(mosaic["b"]["rna"].obs_names)
        assert part.image is result.sections.images["b"]
        assert part.sections is None
        assert all(part.colors[name] == result.colors[name] for name in part.colors)

    def test_an_unknown_section_lists_those_there_are(self, result):
        with pytest.raises(InputError, match=r"no section 'd': it has a, b, c"):
            result.of_section("d")

    def test_shares_sum_to_one(self, result):
        shares = result.domain_shares()
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        assert list(shares.index) == ["a", "b", "c"]

    def test_sections_lie_side_by_side_to_be_looked_at(self, result, tmp_path):
        laid = result.side_by_side()
        boxes = [laid.coordinates[result.sections.rows(name)] for name in result.section_names]
        for i, one in enumerate(boxes):
            for other in boxes[:i]:
                apart = (one.min(0) > other.max(0)) | (other.min(0) > one.max(0))
                assert apart.any()
        assert write_figure(result, tmp_path / "sections.png").stat().st_size > 1000

    @pytest.mark.parametrize(
        ("scales", "together"),
        [
            ({"a": 0.5, "b": 0.5, "c": 0.5}, 0.5),
            ({"a": 0.5, "b": 2.0, "c": 0.5}, None),
            ({"a": 0.5, "b": None, "c": 0.5}, None),
        ],
    )
    def test_each_section_keeps_its_own_scale(self, result, scales, together):
        """The grid's is said where all sections are as large in it as they are."""
        about = [
            {**section, "micrometres_per_unit": scales[section["name"]]}
            for section in result.record["sections"]
        ]
        known = replace(result, record={**result.record, "sections": about})
        assert {n: known.of_section(n).micrometres_per_unit for n in scales} == scales
        assert known.micrometres_per_unit is None
        assert micrometres_side_by_side(known) == (together and pytest.approx(together, rel=0.02))
        known.record["micrometres_side_by_side"] = micrometres_side_by_side(known)
        assert known.side_by_side().micrometres_per_unit == (
            together and pytest.approx(together, rel=0.02)
        )

    def test_what_has_one_picture_takes_one_section(self, result, tmp_path):
        with pytest.raises(InputError, match=r"result\.of_section\('a'\)"):
            write_geojson(result, tmp_path / "r.geojson")
        write_geojson(result.of_section("a"), tmp_path / "a.geojson")

    def test_spots_called_alike_are_told_apart(self, make_sections):
        made = make_sections()
        tables = {}
        for name in ("a", "b"):
            table = made[name]["rna"].copy()
            table.obs_names = [f"spot{i}" for i in range(table.n_obs)]
            tables[name] = {"rna": table}
        result = trsmi.integrate(tables, **FEW)
        assert result.domains.index[0] == "spot0-a"
        assert any("occur in more than one section" in note for note in result.record["notes"])
        assert result.of_section("b").domains.index[0] == "spot0"


def small(table):
    return table[:10].copy()


def other_genes(table):
    other = table.copy()
    other.var_names = [f"x{name}" for name in other.var_names]
    return other


class TestBadInput:
    @pytest.mark.parametrize(
        ("change", "match"),
        [
            (lambda s: {"a": s["a"]}, "One section is given, 'a'"),
            (lambda s: {"a": s["a"], "b": s["b"]["rna"]}, "'b' is none"),
            (lambda s: {"a/b": s["a"], "b": s["b"]}, "no name for a section"),
            (lambda s: s | {"b": {"rna": small(s["b"]["rna"])}}, "Section 'b' has 10 spots"),
            (
                lambda s: {"b": {"rna": s["b"]["rna"]}, "c": {"adt": s["c"]["adt"]}},
                "Section 'b' has rna alone, and no section has both that and adt",
            ),
            (
                lambda s: s | {"b": {"rna": other_genes(s["b"]["rna"])}},
                "'rna' has 0 features in common.*b has 'xrna0'",
            ),
        ],
    )
    def test_sections(self, make_sections, change, match):
        with pytest.raises(InputError, match=match):
            trsmi.integrate(change(make_sections()), **FEW)

    def test_some_genes_in_common_are_used_and_it_is_said(self, make_sections):
        made = make_sections()
        fewer = made["b"]["rna"][:, 5:].copy()
        result = trsmi.integrate({"a": {"rna": made["a"]["rna"]}, "b": {"rna": fewer}}, **FEW)
        assert any("35 features that all sections share" in n for n in result.record["notes"])
        assert agreement(result) > 0.9

    def test_features_made_section_by_section_are_no_common_columns(self, make_sections):
        made = make_sections()
        for own in made.values():
            values = np.log1p(own["rna"].X.toarray())
            own["ready"] = own.pop("rna")
            own["ready"].obsm["X_pca_rna"] = PCA(5).fit_transform(values)
            del own["adt"]
        with pytest.raises(InputError, match=r"made section by section.*Pass the counts"):
            trsmi.integrate(made, features="X_pca_rna", **FEW)

    def test_keys(self, in_one_table):
        table = in_one_table["rna"].copy()
        table.obs["spot"] = table.obs_names
        table.obs["same"] = "one"
        table.obs["holes"] = table.obs["sample"].astype(object)
        table.obs.iloc[0, table.obs.columns.get_loc("holes")] = None
        for key, match in (
            ("smaple", "No table has a column 'smaple'.*'sample'"),
            ("spot", "has 588 values.*seems to number spots"),
            ("same", "one section alone"),
            ("holes", "is empty for 1 spot"),
        ):
            with pytest.raises(InputError, match=match):
                trsmi.integrate({"rna": table}, library_key=key)

    def test_a_key_beside_sections(self, make_sections):
        with pytest.raises(InputError, match="library_key can change nothing"):
            trsmi.integrate(make_sections(), library_key="sample")

    def test_one_section_picked_of_those_run_together(self, in_one_table):
        with pytest.raises(InputError, match="section= picks one section"):
            trsmi.integrate(in_one_table, library_key="sample", section="a")

    def test_a_picture_of_a_section_that_is_not_there(self, make_sections):
        with pytest.raises(InputError, match="image= names section 'd'"):
            trsmi.integrate(make_sections(), image={"d": "x.png"})

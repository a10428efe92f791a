"""Each plot and its table say the same, and go to files whole."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from napari_trsmi.analysis.plots.boundary import geometry, profile
from napari_trsmi.analysis.plots.composition import composition, confidence
from napari_trsmi.analysis.plots.gene_sets import gene_set, gene_sets
from napari_trsmi.analysis.plots.markers import STYLES, all_markers, one_against_another
from napari_trsmi.analysis.plots.plot import save_plot, save_table
from napari_trsmi.analysis.plots.river import river
from napari_trsmi.data.dataset import Kind, Modality, SpatialOmics
from napari_trsmi.errors import InputError, OutputError


@pytest.fixture(scope="module")
def result(make_result):
    return make_result(n_spots=120, n_domains=3)


@pytest.fixture(scope="module")
def dataset(result):
    """Counts of twelve genes: g0 to g2 high in domain 1, g3 to g5 in 2, g6 to g8 in 3."""
    rng = np.random.default_rng(0)
    codes = result.domains.cat.codes.to_numpy()
    means = np.ones((3, 12)) + 9 * np.repeat(np.eye(3, 4), 3, axis=1)
    table = AnnData(
        rng.poisson(means[codes]).astype(np.float32),
        obs=pd.DataFrame(index=result.domains.index),
        var=pd.DataFrame(index=[f"g{i}" for i in range(12)]),
    )
    return SpatialOmics(
        (Modality("rna", Kind.RNA, table),),
        result.coordinates,
        result.domains.index,
        result.annotations,
    )


def test_composition_counts_the_spots(result):
    plot = composition(result)
    assert list(plot.table["domain"]) == ["1", "2", "3"]
    assert plot.table["share"].sum() == pytest.approx(1)
    heights = [bar.get_height() for bar in plot.figure.axes[0].patches]
    np.testing.assert_allclose(heights, 100 * plot.table["share"])


def test_composition_by_an_annotation(result):
    plot = composition(result, result.annotations["layer"], called="layer")
    own = plot.table[plot.table["n_spots"] > 0]
    assert list(zip(own["group"], own["domain"], strict=True)) == [
        ("a", "1"),
        ("b", "2"),
        ("c", "3"),
    ]
    assert (own["share"] == 1).all()
    with pytest.raises(InputError, match="No spot of this run has a layer"):
        composition(result, pd.Series(["x"], ["nobody"]), called="layer")


def test_confidence_has_its_quantiles(result):
    table = confidence(result).table
    of_first = result.confidence[(result.domains == "1").to_numpy()]
    assert table["median"][0] == pytest.approx(of_first.median())


def test_a_river_flows_where_spots_go(result):
    other = result.domains.cat.rename_categories({"1": "x", "2": "y", "3": "z"}).astype(str)
    other.iloc[:12] = "x"
    plot = river(result, other)
    assert plot.table["n_spots"].sum() == 120
    flows = {(a, b): n for a, b, n in plot.table.itertuples(index=False, name=None)}
    assert flows[("1", "x")] == 40
    assert flows[("2", "x")] == 4
    assert "8 of 120 spots differ" in plot.about


def test_a_profile_ranks_what_changes_there(result, dataset):
    plot = profile(result, dataset.modalities[0], "1", "2")
    assert set(plot.table["feature"][:6]) == {f"g{i}" for i in range(6)}
    above, below = plot.figure.axes
    assert above.get_title() == "1  |  2"
    assert "coordinate units" in below.get_xlabel()
    metric = replace(result, record={**result.record, "micrometres_per_unit": 2.0})
    wide = profile(metric, dataset.modalities[0], "1", "2", reach=60.0, features=["g9"])
    assert wide.figure.axes[1].get_xlabel() == "distance from the boundary (µm)"
    assert [text.get_text() for text in wide.figure.axes[0].get_legend().get_texts()] == ["g9"]
    # spots lie 10 units, 20 micrometres, apart: half of that from the boundary, and so on
    drawn = wide.figure.axes[1].lines[0].get_xdata()
    np.testing.assert_allclose(drawn, [-50, -30, -10, 10, 30, 50])


def test_a_profile_along_a_drawn_line(result, dataset):
    middle = result.coordinates[:, 0].mean()
    line = np.array([[middle, 200.0], [middle, 0.0]])
    plot = profile(result, dataset.modalities[0], "1", "3", line=line, reach=1000.0)
    assert {"g0", "g6"} <= set(plot.table["feature"][:6])


def test_domains_without_a_boundary_are_refused(result, dataset):
    with pytest.raises(InputError, match="do not touch"):
        profile(result, dataset.modalities[0], "1", "3")


def test_geometry_has_lengths_both_ways(result):
    table = geometry(result).table.set_index("domain")
    assert table.loc["1", "interface_units_with_2"] == table.loc["2", "interface_units_with_1"] > 0
    assert table.loc["1", "interface_units_with_3"] == 0
    assert table["area_units2"].gt(0).all()
    assert 0.5 < table.loc["1", "confidence_along_2"] <= 1


@pytest.mark.parametrize("style", STYLES)
def test_markers_of_all_domains_side_by_side(result, dataset, style, tmp_path):
    plot = all_markers(dataset, result, "rna", style=style)
    first = plot.table.groupby("domain", sort=False)["feature"].apply(lambda own: set(own[:3]))
    assert list(first) == [{"g0", "g1", "g2"}, {"g3", "g4", "g5"}, {"g6", "g7", "g8"}]
    saved = save_plot(plot, tmp_path / "markers.svg")
    assert saved.stat().st_size > 1000


def test_markers_that_were_typed(result, dataset):
    plot = all_markers(dataset, result, "rna", features=["G7", "g1", "nothing"])
    names = [t.get_text() for axes in plot.figure.axes for t in axes.get_xticklabels()]
    assert [name for name in names if name.startswith("g")] == ["g7", "g1"]
    with pytest.raises(InputError, match="none of nothing"):
        all_markers(dataset, result, "rna", features=["nothing"])
    with pytest.raises(InputError, match="no modality 'adt'"):
        all_markers(dataset, result, "adt")


def test_one_domain_against_another(result, dataset):
    plot = one_against_another(dataset, result, "rna", "1", "3")
    assert set(plot.table["feature"][:3]) == {"g0", "g1", "g2"}
    assert set(plot.table["feature"][-3:]) == {"g6", "g7", "g8"}
    with pytest.raises(InputError, match="two different"):
        one_against_another(dataset, result, "rna", "1", "1")


def test_a_set_has_a_score_for_every_spot(result, dataset):
    plot = gene_set(dataset, result, "rna", ["g0", "g1", "unknown"])
    assert plot.scores.index.equals(result.domains.index)
    means = plot.table.set_index("domain")["mean"]
    assert means["1"] > means["2"] + 0.5
    assert "Not in the table: unknown." in plot.about


def test_all_sets_of_a_file_are_compared_by_domain(result, dataset):
    sets = {
        "flat": ["g9", "g10", "g11"],
        "of the first": ["G0", "g1", "g2"],
        "of the third": ["g6", "g7", "none"],
        "not here": ["a", "b"],
    }
    plot = gene_sets(dataset, result, "rna", sets)
    table = plot.table.set_index("set")
    assert list(table.index)[-1] == "flat"
    assert table.loc["of the first", "1"] > table.loc["of the first", ["2", "3"]].max() + 0.5
    assert table.loc["of the third", "3"] > table.loc["of the third", ["1", "2"]].max() + 0.5
    assert tuple(table.loc["of the third", ["n_features", "n_in_set"]]) == (2, 3)
    assert "1 set had fewer than 2 features here" in plot.about
    with pytest.raises(InputError, match="call genes alike"):
        gene_sets(dataset, result, "rna", {"ids": ["ENSG1", "ENSG2"]})


def test_files(result, tmp_path):
    plot = composition(result)
    for suffix in (".svg", ".pdf", ".png"):
        assert save_plot(plot, tmp_path / f"plot{suffix}").stat().st_size > 1000
    pd.testing.assert_frame_equal(
        pd.read_csv(save_table(plot, tmp_path / "plot.csv"), dtype={"domain": str}), plot.table
    )
    with pytest.raises(OutputError):
        save_plot(plot, tmp_path / "plot.doc")
    with pytest.raises(OutputError):
        save_table(plot, tmp_path / "plot.txt")

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData

from napari_trsmi.data.dataset import Kind, TissueImage
from napari_trsmi.data.loading import load
from napari_trsmi.errors import InputError, TRSMIWarning


def test_two_tables_become_one_container(make_table):
    rna = make_table(["spot3", "spot1", "spot2", "spot9"], 5)
    adt = make_table(["spot1", "spot2", "spot3"], 2, seed=1)
    rna.obs["layer"] = ["L3", "L1", "L2", "L9"]
    omics = load({"rna": rna, "adt": adt})
    assert omics.spots.tolist() == ["spot3", "spot1", "spot2"]
    assert omics.names == ("rna", "adt")
    assert [modality.kind for modality in omics.modalities] == [Kind.RNA, Kind.PROTEIN]
    assert omics.coordinates.tolist() == [[3, 9], [1, 1], [2, 4]]
    assert omics.annotations["layer"].tolist() == ["L3", "L1", "L2"]
    for modality, table in zip(omics.modalities, (rna, adt), strict=True):
        assert modality.table.obs_names.equals(omics.spots)
        np.testing.assert_array_equal(modality.table.X.toarray(), table[omics.spots].X.toarray())
    assert set(omics.digests) == {"rna", "adt"}
    assert omics.notes == (
        "3 spots are shared by 'rna' (4) and 'adt' (3), matched by name; they are used in the "
        "order of 'rna'.",
    )


def test_the_tables_passed_in_are_not_changed(make_table):
    rna = make_table()
    rna.X[:, 1] = 0  # stored zeros, a feature and a spot that are dropped
    rna.X[2] = 0
    rna.obs["layer"] = pd.Categorical(list("abcdef"))
    before = rna.copy()
    omics = load({"rna": rna, "protein": make_table(seed=1)})
    omics.modalities[0].table.X[:] = 0
    omics.coordinates[:] = 0
    pd.testing.assert_frame_equal(rna.obs, before.obs)
    np.testing.assert_array_equal(rna.X.toarray(), before.X.toarray())
    assert rna.X.nnz == before.X.nnz
    np.testing.assert_array_equal(rna.obsm["spatial"], before.obsm["spatial"])


def test_empty_spots_go_from_all_tables_before_empty_features(make_table):
    rna, protein = make_table(sparse=False), make_table(sparse=False, seed=1)
    rna.X[2] = 0
    protein.X[:, 1] = 0
    protein.X[2, 1] = 5  # only the spot that goes has this protein
    omics = load({"rna": rna, "protein": protein})
    assert omics.spots.tolist() == ["spot0", "spot1", "spot3", "spot4", "spot5"]
    assert omics.modalities[1].table.var_names.tolist() == ["f0", "f2", "f3"]
    assert len(omics.coordinates) == len(omics.annotations) == 5
    assert omics.notes[1:] == (
        "1 spot without any count in rna dropped from all tables (first 'spot2').",
        "1 all-zero feature of protein dropped.",
    )


def test_a_digest_is_of_the_whole_table_as_given(make_table):
    rna, few = make_table(), make_table(["spot1", "spot2", "spot3"])
    assert load({"rna": rna}).digests == {"rna": load({"rna": rna, "adt": few}).digests["rna"]}


def test_ready_features_of_a_table_without_counts(make_table):
    table = AnnData(obs=make_table().obs)
    rng = np.random.default_rng(0)
    table.obsm = {name: rng.normal(size=(6, 2)) for name in ("X_rna", "X_atac", "X_pca", "spatial")}
    omics = load(table)
    assert omics.names == ("atac", "rna")
    assert {modality.kind for modality in omics.modalities} == {Kind.FEATURES}
    assert load(table, features="rna").names == ("rna",)
    with pytest.raises(
        InputError, match=r"features= names 'adt', .* There are: 'X_rna'.*'spatial'"
    ):
        load(table, features=["rna", "adt"])
    with pytest.raises(InputError, match="features= names no block"):
        load(table, features=[])


def test_blocks_are_used_where_they_are_and_counts_elsewhere(make_table):
    rna, adt = make_table(), make_table(seed=1)
    rna.obsm["X_deep"] = np.random.default_rng(0).normal(size=(6, 2))
    omics = load({"rna": rna, "adt": adt}, features=["deep"])
    assert [modality.kind for modality in omics.modalities] == [Kind.FEATURES, Kind.PROTEIN]


def test_feature_types_and_their_annotations_once(make_table):
    table = make_table()
    table.var["feature_types"] = ["Gene Expression", "Gene Expression", "Antibody Capture", "Peaks"]
    table.obs["layer"] = list("abcdef")
    omics = load(table)
    assert omics.names == ("rna", "protein", "chromatin")
    assert list(omics.annotations) == ["layer"]


def test_text_tables_with_positions(tmp_path, make_table):
    table = make_table()
    table.to_df().to_csv(tmp_path / "HVG.csv")
    table.to_df().iloc[::-1].to_csv(tmp_path / "HVP.tsv.gz", sep="\t")
    (tmp_path / "p.csv").write_text(
        "barcode,row,col\n" + "".join(f"spot{i},{i},{-i}\n" for i in range(6))
    )
    omics = load([tmp_path / "HVG.csv", str(tmp_path / "HVP.tsv.gz")], positions=tmp_path / "p.csv")
    assert omics.names == ("rna", "protein")
    assert omics.coordinates[2].tolist() == [-2, 2]
    np.testing.assert_array_equal(omics.modalities[1].table.X, table.X.toarray())
    assert omics.notes[0] == "Coordinates x, y are the columns col and row of p.csv."
    assert omics.notes[3:] == (
        "All 6 spots are in HVG.csv, HVP.tsv.gz and the positions, matched by name.",
    )


def test_positions_take_part_in_the_matching(make_table):
    table = make_table(6, spatial=False)
    omics = load({"rna": table}, positions={f"spot{i}": (i, 0) for i in range(2, 6)})
    assert omics.spots.tolist() == ["spot2", "spot3", "spot4", "spot5"]


def test_repeated_features_do_not_warn(make_table, no_warnings):
    table = make_table(features=["CD3", "CD3", "CD4"])
    with no_warnings():
        omics = load({"rna": table.to_df()}, positions=table.obsm["spatial"])
    assert omics.modalities[0].table.var_names.tolist() == ["CD3", "CD3-1", "CD4"]


def test_an_image_is_given_or_comes_with_a_table(make_table):
    table = make_table()
    pixels = np.zeros((40, 30, 3), np.uint8)
    omics = load({"rna": table}, image=pixels)
    assert (omics.image.scale, omics.image.pixels.shape) == (1, (40, 30, 3))
    table.uns["spatial"] = {
        "lib": {
            "images": {"hires": pixels[:20, :20]},
            "scalefactors": {"tissue_hires_scalef": 0.5, "spot_diameter_fullres": 3},
        }
    }
    own = load({"protein": make_table(seed=1), "rna": table})
    assert (own.image.scale, own.spot_diameter) == (0.5, 3)
    both = load({"rna": table}, image=TissueImage(pixels, 0.25))
    assert both.image.scale == 0.25
    assert "The image given replaces the image of table 'rna'." in both.notes


def test_an_image_elsewhere_is_noted_and_warned_about(make_table):
    pixels = np.zeros((20, 40, 3), np.uint8)
    notes = load({"rna": make_table()}, image=pixels).notes
    assert notes == ("1 of 6 spots lie outside the tissue image (40 x 20 pixels, scale 1).",)
    with pytest.warns(TRSMIWarning, match=r"4 of 6 spots lie outside .* scale 10\)\. Check"):
        load({"rna": make_table()}, image=TissueImage(pixels, 10))


def test_warnings_point_at_the_caller(make_table):
    few = make_table(["spot1", "spot2", "spot3", *(f"x{i}" for i in range(9))])
    with pytest.warns(TRSMIWarning, match="Only 3 of the 10 spots") as caught:
        load({"rna": make_table(10), "adt": few})
    assert caught.pop(TRSMIWarning).filename == __file__


def bad(make_table, change):
    table = make_table(sparse=False)
    change(table)
    return {"rna": table}


def set_x(row, column, value):
    def change(table):
        table.X[row, column] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            set_x(2, 1, -3),
            "Table 'rna' has 1 unusable count, first -3 at spot 'spot2', feature 'f1'",
        ),
        (set_x(4, 0, np.nan), "first nan at spot 'spot4', feature 'f0'"),
        (set_x(slice(None), slice(None), 0), "Table 'rna' holds only zeros"),
        (set_x(slice(1, 5), slice(None), 0), "Too few spots: 2 with counts in all tables"),
        (lambda t: t.obsm.pop("spatial"), "Table 'rna' has no coordinates"),
        (
            lambda t: setattr(t, "obs_names", ["a", "b", "a", "c", "d", "e"]),
            "'rna' repeats 1 spot name, first 'a'",
        ),
    ],
)
def test_unusable_tables_are_named(make_table, change, message):
    with pytest.raises(InputError, match=message):
        load(bad(make_table, change))


def test_ready_features_must_be_finite(make_table):
    table = make_table(sparse=False)
    table.X[3, 2] = np.nan
    with pytest.raises(InputError, match="unusable value, first nan at spot 'spot3', feature 'f2'"):
        load({"features": table})


def test_a_bad_count_of_a_spot_that_is_not_used_does_no_harm(make_table):
    rna = make_table(sparse=False)
    rna.X[5, 0] = np.nan
    assert load({"rna": rna, "adt": make_table(5)}).n_spots == 5


def test_too_few_spots(make_table):
    with pytest.raises(InputError, match="Too few spots: 2 in all tables, at least 3"):
        load({"rna": make_table(2)})


def test_no_shared_spots_show_a_name_of_each(make_table):
    with pytest.raises(InputError, match="'rna' has 'spot0' and 'adt' has 'other0'"):
        load({"rna": make_table(), "adt": make_table([f"other{i}" for i in range(6)])})


def test_the_number_of_the_well_is_taken_off_where_only_that_differs(make_table):
    adt = make_table([f"spot{i}-1" for i in range(5)], seed=1)
    adt.obsm.clear()
    omics = load({"rna": make_table(), "adt": adt})
    assert omics.spots.tolist() == [f"spot{i}" for i in range(5)]
    assert any("ending that a part of them has, such as '-1'" in note for note in omics.notes)
    twice = make_table([*(f"spot{i}-1" for i in range(5)), "spot0-2"], seed=1)
    with pytest.raises(InputError, match=r"share no spot names.*without the ending '-1'"):
        load({"rna": make_table(), "adt": twice})


def test_two_tables_of_one_name(tmp_path, make_table):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "rna.h5ad")
        make_table().write_h5ad(paths[-1])
    with pytest.raises(InputError, match=r"Tables .*a/rna\.h5ad and .*b/rna\.h5ad both are 'rna'"):
        load(paths)


def test_columns_that_are_no_numbers(tmp_path):
    (tmp_path / "rna.csv").write_text("spot,g1,note\na,1,x\nb,2,y\nc,3,z\n")
    with pytest.raises(
        InputError, match=r"Table rna\.csv has columns that are not numbers: 'note'"
    ):
        load(tmp_path / "rna.csv")


def test_a_large_sparse_table_stays_sparse():
    rng = np.random.default_rng(0)
    counts = sp.random_array((2000, 50_000), density=0.0002, rng=rng, format="csc")
    counts.data = np.ceil(counts.data * 5)
    table = AnnData(X=counts)
    positions = rng.normal(size=(2000, 2))
    matrix = load({"rna": table}, positions=positions).modalities[0].table.X
    assert isinstance(matrix, sp.csr_matrix)
    assert matrix.sum() == counts.sum()


CONTROLS = [
    "CD3",
    "CD4",
    "mouse_IgG2a",
    "Isotype-RTK2758",
    "IgG1-control",
    "rat IgG2b",
    "CD8",
    "IGHG1",
]


def test_isotype_controls_are_left_out_by_name(make_table):
    omics = load({"adt": make_table(features=CONTROLS)})
    assert omics.modalities[0].table.var_names.tolist() == ["CD3", "CD4", "CD8", "IGHG1"]
    assert omics.notes[0].startswith(
        "4 isotype controls of adt left out (mouse_IgG2a, Isotype-RTK2758, IgG1-control, rat IgG2b)"
    )
    kept = load({"adt": make_table(features=CONTROLS)}, keep="controls")
    assert kept.modalities[0].table.n_vars == 8
    assert load({"rna": make_table(features=CONTROLS)}).modalities[0].table.n_vars == 8


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (set_x(2, 1, 1e38), r"has 1e\+38 at spot 'spot2', feature 'f1': the largest number"),
        (
            set_x(slice(None), slice(None), 1e-40),
            r"largest value of table 'features' is 9\.99995e-41",
        ),
    ],
)
def test_numbers_that_cannot_be_squared(make_table, values, message):
    table = make_table(sparse=False)
    values(table)
    with pytest.raises(InputError, match=message):
        load({"features": table})


def test_one_unknown_modality_does_not_refuse_the_rest(make_table):
    import mudata

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = mudata.MuData({"rna": make_table(), "shape": make_table(seed=1)})
    omics = load(data)
    assert omics.names == ("rna",)
    assert any("'shape' is no known kind" in note and "left out" in note for note in omics.notes)
    with pytest.raises(InputError, match="'shape' is no known kind"):
        load({"rna": make_table(), "shape": make_table(seed=1)})


def test_marks_and_lipids_are_kinds(make_table):
    omics = load({"H3K27me3": make_table(), "lipids": make_table(seed=1)})
    assert [modality.kind for modality in omics.modalities] == [Kind.CHROMATIN, Kind.METABOLITE]


def test_the_same_table_twice_is_the_wrong_file(make_table):
    table = make_table(60, 30)
    with pytest.raises(InputError, match=r"Tables 'rna' and 'adt' hold the same values"):
        load({"rna": table, "adt": table.copy()})

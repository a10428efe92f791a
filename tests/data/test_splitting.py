import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData

from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.parts import Source
from napari_trsmi.data.splitting import split
from napari_trsmi.errors import InputError

TEN_X = ["Gene Expression", "Gene Expression", "Antibody Capture", "Peaks"]


def parts_of(table, key=None, file_name="", features=None, alone=True):
    notes = []
    source = Source("t", table, key, file_name)
    return split(source, features, notes, alone=alone), notes


def described(parts):
    return [(part.name, part.kind, part.features.tolist()) for part in parts]


@pytest.fixture
def ready():
    rng = np.random.default_rng(0)
    table = AnnData(obs=pd.DataFrame(index=[f"spot{i}" for i in range(5)]))
    for name in ("X_rna", "X_atac", "X_pca", "X_umap", "X_tsne", "X_spatial", "X_diffmap"):
        table.obsm[name] = rng.normal(size=(5, 2))
    for name in ("X_draw_graph_fa", "X_lsi", "X_pca_harmony", "X_trsmi", "spatial"):
        table.obsm[name] = rng.normal(size=(5, 2))
    return table


def test_a_name_decides_and_is_kept(make_table):
    parts, notes = parts_of(make_table(), key="adt")
    assert described(parts) == [("adt", Kind.PROTEIN, ["f0", "f1", "f2", "f3"])]
    assert notes == []


def test_feature_types_split_a_table(make_table):
    table = make_table()
    table.var["feature_types"] = TEN_X
    parts, notes = parts_of(table)
    assert described(parts) == [
        ("rna", Kind.RNA, ["f0", "f1"]),
        ("protein", Kind.PROTEIN, ["f2"]),
        ("chromatin", Kind.CHROMATIN, ["f3"]),
    ]
    np.testing.assert_array_equal(parts[0].matrix.toarray(), table.X[:, :2].toarray())
    assert notes == ["The feature types of table t say rna, protein and chromatin."]


def test_a_name_picks_one_of_several_feature_types(make_table):
    table = make_table()
    table.var["feature_types"] = TEN_X
    parts, notes = parts_of(table, key="antibody")
    assert described(parts) == [("antibody", Kind.PROTEIN, ["f2"])]
    assert notes == ["3 features of other types in table t left out."]


def test_a_name_beats_a_single_feature_type(make_table):
    table = make_table()
    table.var["feature_types"] = "Gene Expression"  # left so in many protein tables
    assert described(parts_of(table, key="protein")[0])[0][:2] == ("protein", Kind.PROTEIN)


def test_an_unknown_name_is_kept_with_the_kind_of_its_feature_type(make_table):
    table = make_table()
    table.var["feature_types"] = "Peaks"
    assert described(parts_of(table, key="sample")[0])[0][:2] == ("sample", Kind.CHROMATIN)


def test_unknown_feature_types_are_left_out(make_table):
    table = make_table()
    table.var["feature_types"] = ["Gene Expression", "Custom", "CRISPR Guide Capture", "Custom"]
    parts, notes = parts_of(table)
    assert described(parts) == [("rna", Kind.RNA, ["f0"])]
    assert "3 features of other types in table t left out." in notes


@pytest.mark.parametrize(("key", "hint"), [("mouse_rna", "its name"), (None, "its file's name")])
def test_names_are_a_hint_and_the_guess_is_noted(make_table, key, hint):
    table = make_table()
    table.var["feature_types"] = "Custom"  # tells nothing
    parts, notes = parts_of(table, key=key, file_name="" if key else "rna.h5ad")
    assert described(parts)[0][:2] == (key or "rna", Kind.RNA)
    assert notes == [f"Table t is taken as rna: {hint} says so."]


def test_many_gene_symbols_tell_only_when_the_table_is_alone(make_table):
    symbols = [f"{a}{b}{c}1" for a in "ABCDEFG" for b in "HIJKLMN" for c in "OPQRSTU"]
    table = make_table(4, symbols)
    parts, notes = parts_of(table)
    assert parts[0].kind is Kind.RNA
    assert notes == ["Table t is taken as rna: its 343 features have names such as 'AHO1'."]
    with pytest.raises(InputError, match="Nothing tells what table t holds"):
        parts_of(table, alone=False)


def test_nothing_tells_names_the_known_kinds(make_table):
    with pytest.raises(InputError, match=r"'shape' is no known kind.* rna .*'rna': table"):
        parts_of(make_table(), key="shape")


def test_ready_blocks_are_modalities_and_embeddings_are_not(ready):
    parts, notes = parts_of(ready)
    assert described(parts) == [
        ("atac", Kind.FEATURES, ["atac_0", "atac_1"]),
        ("rna", Kind.FEATURES, ["rna_0", "rna_1"]),
    ]
    np.testing.assert_allclose(parts[1].matrix, ready.obsm["X_rna"], rtol=1e-6)
    assert notes == ["Ready features of table t: obsm['X_atac'] and obsm['X_rna']."]


@pytest.mark.parametrize("names", [["rna", "pca"], ["X_rna", "X_pca"]])
def test_named_blocks_only(ready, names):
    assert [part.name for part in parts_of(ready, features=names)[0]] == ["rna", "pca"]


def test_named_blocks_instead_of_counts(make_table):
    table = make_table()
    table.obsm["X_deep"] = pd.DataFrame({"u": range(6), "v": range(6)}, index=table.obs_names)
    assert described(parts_of(table, features=["deep"])[0]) == [("deep", Kind.FEATURES, ["u", "v"])]
    assert parts_of(table, key="rna", features=["deep"])[0][0].name == "rna"


def test_a_named_table_with_one_block_or_with_its_own(ready):
    assert parts_of(ready, key="rna")[0][0].features.tolist() == ["rna_0", "rna_1"]
    with pytest.raises(InputError, match=r"several feature blocks: 'X_atac', 'X_rna'"):
        parts_of(ready, key="protein")
    del ready.obsm["X_rna"]
    assert described(parts_of(ready, key="peaks")[0])[0][:2] == ("peaks", Kind.FEATURES)


def test_no_counts_and_no_blocks_say_what_there_is():
    table = AnnData(obs=pd.DataFrame(index=["a", "b"]))
    table.obsm["X_pca"] = np.ones((2, 2))
    with pytest.raises(
        InputError, match=r"Table t has no counts .*Its other blocks: 'X_pca'.*features="
    ):
        parts_of(table)


def test_normalised_x_gives_way_to_the_counts_layer(make_table):
    table = make_table()
    table.layers["counts"] = table.X.copy()
    table.X = table.X / 3
    parts, notes = parts_of(table, key="rna")
    assert notes == ["X of table t is normalised: layers['counts'] is used."]
    np.testing.assert_array_equal(parts[0].matrix.toarray(), table.layers["counts"].toarray())
    assert parts_of(table, key="features")[1] == []


def test_counts_only_in_a_layer(make_table):
    table = make_table()
    counts = table.X.copy()
    table.layers["counts"] = counts
    table.X = None
    np.testing.assert_array_equal(
        parts_of(table, key="rna")[0][0].matrix.toarray(), counts.toarray()
    )


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csc_matrix, sp.csr_array, np.asarray])
@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.uint16, np.float32])
def test_float32_and_sparse_stays_sparse(form, dtype):
    counts = np.arange(12, dtype=dtype).reshape(3, 4)
    part = parts_of(AnnData(X=form(counts)), key="rna")[0][0]
    assert part.matrix.dtype == np.float32
    assert isinstance(part.matrix, np.ndarray if form is np.asarray else sp.csr_matrix)
    dense = part.matrix if form is np.asarray else part.matrix.toarray()
    np.testing.assert_array_equal(dense, counts)


def test_the_users_matrix_is_not_shared(make_table):
    for sparse in (True, False):
        table = make_table(sparse=sparse)
        matrix = parts_of(table, key="rna")[0][0].matrix
        before = table.X.copy()
        matrix[0, 0] = 99
        assert (before != table.X).sum() == 0


def test_repeated_feature_names_get_a_number(make_table):
    parts, notes = parts_of(make_table(features=["CD3", "CD3", "CD4", "CD3"]), key="rna")
    assert parts[0].features.tolist() == ["CD3", "CD3-1", "CD4", "CD3-2"]
    assert notes == ["2 repeated feature names of rna got a number at the end."]


def test_values_must_be_numbers_in_two_dimensions(ready):
    ready.obsm["X_text"] = np.array([["a", "b"]] * 5)
    ready.obsm["X_cube"] = np.ones((5, 2, 2))
    with pytest.raises(InputError, match=r"t, block 'X_text' holds <U1 values"):
        parts_of(ready, features=["text"])
    with pytest.raises(InputError, match=r"t, block 'X_cube' has shape \(5, 2, 2\)"):
        parts_of(ready, features=["cube"])

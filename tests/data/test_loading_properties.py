"""Properties of load over random tables: shapes, sparsity, types, orders and names of spots."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_trsmi.data.loading import load
from napari_trsmi.errors import TRSMIWarning

FORMS = (np.asarray, sp.csr_matrix, sp.csc_matrix, sp.csr_array)
SPOTS = st.text("ACGT-1é", min_size=1, max_size=6)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def tables(draw):
    """Two to three tables of counts that share at least three spots, each with a count."""
    shared = draw(st.lists(SPOTS, min_size=3, max_size=8, unique=True))
    result = {}
    for key in draw(st.permutations(["rna", "adt", "atac"]))[: draw(st.integers(2, 3))]:
        others = draw(
            st.lists(SPOTS.map(lambda name, key=key: f"{key}{name}"), max_size=5, unique=True)
        )
        names = draw(st.permutations(shared + others))
        dtype = draw(st.sampled_from([np.int32, np.uint8, np.float32, np.float64]))
        shape = (len(names), draw(st.integers(1, 5)))
        counts = draw(hnp.arrays(dtype, shape, elements=st.integers(0, 9)))
        counts[:, 0] += 1
        table = AnnData(
            X=draw(st.sampled_from(FORMS))(counts),
            obs=pd.DataFrame({"mark": list(names)}, index=list(names)),
        )
        table.obsm["spatial"] = np.array([place(name) for name in names])
        result[key] = table
    return shared, result


def place(name):
    return [float(sum(map(ord, name))), float(len(name)) + 0.125 * ord(name[-1])]


def load_quietly(given_tables):
    names = sorted({name for table in given_tables.values() for name in table.obs_names})
    spread = pd.DataFrame(
        {"barcode": names, "x": range(len(names)), "y": [i**2 for i in range(len(names))]}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TRSMIWarning)
        return load(given_tables, positions=spread), spread.set_index("barcode")


def dense(matrix):
    return matrix.toarray() if sp.issparse(matrix) else matrix


@QUICK
@given(tables())
def test_every_number_stays_with_its_spot_and_feature(case):
    shared, given_tables = case
    omics, spread = load_quietly(given_tables)
    first = next(iter(given_tables.values()))
    assert omics.spots.tolist() == [name for name in first.obs_names if name in shared]
    np.testing.assert_array_equal(omics.coordinates, spread.loc[omics.spots])
    assert omics.annotations["mark"].tolist() == omics.spots.tolist()
    for modality in omics.modalities:
        raw = given_tables[modality.name]
        expected = pd.DataFrame(dense(raw.X), raw.obs_names, raw.var_names).loc[omics.spots]
        expected = expected.loc[:, (expected != 0).any()]
        assert modality.table.var_names.equals(expected.columns)
        np.testing.assert_array_equal(dense(modality.table.X), expected)


@QUICK
@given(tables())
def test_sparse_stays_sparse_and_dense_dense(case):
    _, given_tables = case
    for modality in load_quietly(given_tables)[0].modalities:
        matrix = modality.table.X
        assert matrix.dtype == np.float32
        assert sp.issparse(given_tables[modality.name].X) == isinstance(matrix, sp.csr_matrix)


@QUICK
@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_only_the_order_of_spots(case, random):
    _, given_tables = case
    shuffled = {}
    for key, table in given_tables.items():
        order = list(range(table.n_obs))
        random.shuffle(order)
        shuffled[key] = table[order].copy()
    (omics, _), (other, _) = load_quietly(given_tables), load_quietly(shuffled)
    rows = other.spots.get_indexer(omics.spots)
    assert other.digests == omics.digests
    np.testing.assert_array_equal(other.coordinates[rows], omics.coordinates)
    pd.testing.assert_frame_equal(other.annotations.iloc[rows], omics.annotations)
    for one, two in zip(omics.modalities, other.modalities, strict=True):
        np.testing.assert_array_equal(dense(two.table.X)[rows], dense(one.table.X))
        assert two.table.var_names.equals(one.table.var_names)


@QUICK
@given(tables())
@pytest.mark.filterwarnings("ignore::napari_trsmi.errors.TRSMIWarning")
def test_coordinates_of_the_tables_follow_the_names(case):
    _, given_tables = case
    places = {tuple(place(name)) for name in case[0]}
    if len(places) > 1:  # else all at one place, which is an error of its own
        omics = load(given_tables)
        np.testing.assert_array_equal(omics.coordinates, [place(name) for name in omics.spots])

"""Properties of integrate over random tables: shapes, sparsity, orders and names of spots."""

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_trsmi.config import Config
from napari_trsmi.integration import integrate

NAMES = st.text("ACGT-1é_", min_size=1, max_size=6)
QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SMALL = {
    "epochs": 1,
    "feature_neighbors": 4,
    "spatial_neighbors": 4,
    "align_neighbors": 3,
    "n_top_genes": 10,
}


@st.composite
def sections(draw):
    """One to three tables on the same 12 to 20 spots, and places for these."""
    names = draw(st.lists(NAMES, min_size=12, max_size=20, unique=True))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    places = pd.DataFrame(rng.integers(0, 5, (len(names), 2)) * 1.0, names)
    places.iloc[:2] = [[0, 0], [4, 4]]
    tables = {}
    for key in draw(st.permutations(["rna", "protein", "atac"]))[: draw(st.integers(1, 3))]:
        counts = rng.poisson(
            draw(st.sampled_from([0.5, 3.0])), (len(names), draw(st.integers(2, 25)))
        )
        counts *= rng.random(counts.shape) < draw(st.sampled_from([0.4, 1.0]))
        counts[:, 0] += 1
        counts[:, 1] += 1 + 3 * (np.arange(len(names)) % 3)
        form = draw(st.sampled_from([np.asarray, sp.csr_matrix, sp.csc_matrix, sp.csr_array]))
        order = draw(st.permutations(range(len(names))))
        shuffled = [names[i] for i in order]
        tables[key] = AnnData(
            form(counts[order].astype(np.float32)),
            obs=pd.DataFrame(index=shuffled),
            obsm={"spatial": places.loc[shuffled].to_numpy()},
        )
    return tables


@QUICK
@given(
    sections(),
    st.sampled_from([2, 3, "auto"]),
    st.sampled_from(["mixture", "leiden"]),
    st.integers(2, 8),
    st.booleans(),
)
def test_whatever_the_tables_a_result_is_well_formed(tables, n_domains, clustering, d, prototypes):
    if clustering == "leiden":
        n_domains = "auto"
    config = Config(
        n_domains=n_domains,
        clustering=clustering,
        embedding_dim=d,
        n_components=d,
        max_domains=3,
        prototype_weight=float(prototypes),
        prototype_start=0.0,
        **SMALL,
    )
    result = integrate(tables, config=config, section="all")
    first = next(iter(tables.values()))
    assert result.domains.index.equals(first.obs_names)
    assert isinstance(result.domains.dtype, pd.CategoricalDtype)
    categories = result.domains.cat.categories
    assert categories.tolist() == [str(number + 1) for number in range(len(categories))]
    assert result.domains.notna().all()
    assert result.domains.value_counts()[categories].is_monotonic_decreasing
    assert len(result.embedding) == first.n_obs
    assert np.isfinite(result.embedding).all()
    assert result.confidence.between(0, 1).all()
    assert list(result.modality_weights) == list(tables)
    np.testing.assert_allclose(result.modality_weights.sum(axis=1), 1, rtol=1e-4)
    np.testing.assert_array_equal(result.coordinates, first.obsm["spatial"])
    if clustering == "mixture" and n_domains != "auto":
        assert len(categories) <= n_domains


@QUICK
@given(sections(), st.randoms(use_true_random=False))
def test_whatever_the_tables_the_order_of_their_spots_changes_nothing(tables, random):
    shuffled = {}
    for name, table in tables.items():
        order = list(range(table.n_obs))
        random.shuffle(order)
        shuffled[name] = table[order].copy()
    config = Config(n_domains=2, embedding_dim=4, n_components=4, **SMALL)
    one, other = (
        integrate(given_tables, config=config, section="all") for given_tables in (tables, shuffled)
    )
    names = one.domains.index
    assert other.domains[names].tolist() == one.domains.tolist()
    back = other.domains.index.get_indexer(names)
    np.testing.assert_array_equal(other.embedding[back], one.embedding)

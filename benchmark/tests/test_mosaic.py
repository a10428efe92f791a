import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from trsmi_benchmark.mosaic import naive
from trsmi_benchmark.mosaic.data import CASES, SectionsCase

SIDE, DOMAINS = 9, 3


class Made(SectionsCase):
    """Stripes; s2 lacks the proteins."""

    @property
    def tables(self):
        return {
            "s1": {"rna": made("rna", 20, 0), "adt": made("adt", 8, 1)},
            "s2": {"rna": made("rna", 20, 2)},
        }


def made(name, n_features, seed):
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(SIDE), np.arange(SIDE)))
    domain = x * DOMAINS // SIDE
    levels = np.random.default_rng(len(name) + n_features).gamma(0.5, 20, (DOMAINS, n_features))
    counts = np.random.default_rng(seed).poisson(levels[domain] + 1).astype(np.float32)
    return AnnData(
        counts,
        obs=pd.DataFrame({"domain": domain.astype(str)}, index=[f"s{i}" for i in range(len(x))]),
        obsm={"spatial": np.column_stack([x, y])},
    )


@pytest.fixture
def case():
    return Made("made", DOMAINS, {})


def test_domains_are_matched_by_what_is_measured(case):
    truth = case.labels("s1").to_numpy()
    turned = np.array(["2", "0", "1"])[truth.astype(int)]

    names = naive.matched(case, {"s1": truth, "s2": turned})

    assert names["s1"] == list(truth)
    assert names["s2"] == list(truth)


def test_sections_side_by_side_have_the_gaps_filled(case):
    found = naive.concatenated(case, None)

    assert found.shape == (2 * SIDE**2, 20 + 8)
    assert np.isfinite(found).all()
    own, filled = np.split(found[:, 20:], 2)
    labels = case.labels("s1").to_numpy()
    for domain in "012":  # a gap has what the tissue has where it was measured
        here, there = own[labels == domain].mean(axis=0), filled[labels == domain].mean(axis=0)
        assert np.corrcoef(here, there)[0, 1] > 0.8


def test_components_are_corrected_where_two_sections_have_a_table(case):
    asked = []

    def corrected(points, sections):
        asked.append((points.shape, sorted(set(sections))))
        return points

    naive.concatenated(case, corrected)

    assert asked == [((2 * SIDE**2, 20), ["s1", "s2"])]


def test_a_file_for_another_environment_has_no_labels(case, tmp_path):
    case.write(tmp_path)

    with np.load(tmp_path / "inputs.npz", allow_pickle=False) as file:
        assert set(file) == {"s1/xy", "s1/rna", "s1/adt", "s2/xy", "s2/rna"}


def test_sections_of_a_case_share_a_table_or_a_bridge():
    for made_case in CASES.values():
        assert len(made_case.files) > 1
        assert made_case.n_domains > 1

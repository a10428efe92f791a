import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from napari_trsmi.clustering.agreement import adjusted_rand_indices, most_agreed


@given(seed=st.integers(0, 2**16), count=st.integers(1, 5), k=st.integers(1, 6))
def test_every_pair_is_what_scikit_learn_says(seed, count, k):
    rng = np.random.default_rng(seed)
    partitions = [rng.integers(k, size=40) for _ in range(count)]
    expected = [[adjusted_rand_score(a, b) for b in partitions] for a in partitions]
    np.testing.assert_allclose(adjusted_rand_indices(partitions), expected, atol=1e-12)


def test_the_larger_camp_wins_and_not_what_lies_between():
    agreement = np.full((7, 7), 0.2)
    agreement[:4, :4] = 0.8  # the larger camp, whose third agrees most
    agreement[4:6, 4:6] = 0.7
    agreement[6] = agreement[:, 6] = 0.6  # agrees a little with all
    np.fill_diagonal(agreement, 1)
    best, within = most_agreed(agreement, share=1 / 3)
    assert best in range(4)
    assert within == pytest.approx(0.9)
    assert most_agreed(agreement, share=1.0)[0] == 6

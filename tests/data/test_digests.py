import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from napari_trsmi.data.digests import digest

SPOTS = pd.Index(["b", "a", "c"])
FEATURES = pd.Index(["x", "yz"])
COUNTS = np.array([[1, 0], [0, 2], [3, 4]], dtype=np.float32)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_the_order_of_the_spots_does_not_matter(form):
    order = [2, 0, 1]
    expected = digest(form(COUNTS), SPOTS, FEATURES)
    assert digest(form(COUNTS[order]), SPOTS[order], FEATURES) == expected


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_values_and_names_matter(form):
    other = COUNTS.copy()
    other[0, 0] = 7
    digests = {
        digest(form(COUNTS), SPOTS, FEATURES),
        digest(form(other), SPOTS, FEATURES),
        digest(form(COUNTS), pd.Index(["b", "a", "d"]), FEATURES),
        digest(form(COUNTS), SPOTS, pd.Index(["xy", "z"])),
        digest(form(COUNTS[:, ::-1].copy()), SPOTS, FEATURES),
    }
    assert len(digests) == 5


def test_it_is_the_same_in_every_run():
    # A literal: a change of the canonical form would make old records useless.
    assert digest(COUNTS, SPOTS, FEATURES) == (
        "cf81a9556e15db426ae262cbca710052ad55ed0a30bca1fe25925ae86b561536"
    )

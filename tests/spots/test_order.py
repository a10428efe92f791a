import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_trsmi.spots.order import canonical_order, clustered_order

PLACES = st.tuples(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6, width=32))


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=4), PLACES, min_size=1), st.randoms())
def test_the_same_sequence_of_names_whatever_the_input_order(spots, random):
    shuffled = list(spots)
    random.shuffle(shuffled)
    sequences = []
    for names in (list(spots), shuffled):
        places = np.array([spots[name] for name in names])
        order = canonical_order(places, pd.Index(names))
        assert sorted(order) == list(range(len(names)))
        sequences.append([names[i] for i in order])
    assert sequences[0] == sequences[1]


def test_the_curve_visits_quadrants_one_after_another(square_lattice):
    places = square_lattice(8)
    order = canonical_order(places, pd.Index([f"{i:02d}" for i in range(64)]))
    quadrant = (places[order] >= 4) @ [1, 2]
    assert quadrant.tolist() == sorted(quadrant)


def test_spots_at_one_place_are_ordered_by_name():
    order = canonical_order(np.zeros((3, 2)), pd.Index(["c", "a", "b"]))
    assert order.tolist() == [1, 2, 0]


def test_clusters_come_one_after_another_in_the_order_given():
    cluster = np.random.default_rng(0).integers(0, 3, 200)
    features = 10.0 * np.eye(3)[cluster]
    order = clustered_order([features, 5 * features], seed=0)
    assert sorted(order) == list(range(200))
    changes = np.flatnonzero(np.diff(cluster[order])) + 1
    assert len(changes) == 2
    for part in np.split(order, changes):
        assert (np.diff(part) > 0).all()


def test_fewer_spots_than_clusters_and_constant_features_are_no_trouble():
    order = clustered_order([np.zeros((5, 2))], seed=0)
    assert sorted(order) == list(range(5))

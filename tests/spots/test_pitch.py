import numpy as np

from napari_trsmi.spots.pitch import spot_pitch


def test_the_pitch_is_the_usual_distance_between_neighbours():
    places = np.array([[x, y] for x in (0.0, 3.0, 6.0) for y in (0.0, 3.0, 6.0)])
    assert spot_pitch(places) == 3.0


def test_spots_at_one_place_are_no_neighbours():
    assert spot_pitch(np.array([[0.0, 0.0], [0.0, 0.0], [5.0, 0.0]])) == 5.0
    assert spot_pitch(np.zeros((3, 2))) is None
    assert spot_pitch(np.zeros((1, 2))) is None

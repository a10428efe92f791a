from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from napari_trsmi.analysis.boundary_profile import (
    boundary_profile,
    domain_geometry,
    plot_profile,
    sharpest_changes,
    signed_distances,
)
from napari_trsmi.errors import InputError
from napari_trsmi.result import TRSMIResult

XY = np.array([(x, y) for y in range(20) for x in range(30)], dtype=float) * 10


@pytest.fixture(scope="module")
def halves():
    """Domain 1 left of x = 145, domain 2 right of it, 3 a strip below."""
    names = np.where(XY[:, 1] > 165, "3", np.where(XY[:, 0] < 145, "1", "2"))
    spots = pd.Index([f"s{i}" for i in range(len(XY))])
    return TRSMIResult(
        domains=pd.Series(pd.Categorical(names), index=spots),
        embedding=np.zeros((len(XY), 2), np.float32),
        confidence=pd.Series(np.where(np.abs(XY[:, 0] - 145) < 10, 0.6, 1.0), index=spots),
        modality_weights=pd.DataFrame(index=spots),
        coordinates=XY,
        annotations=pd.DataFrame(index=spots),
        history=pd.DataFrame(),
        record={},
    )


@pytest.fixture(scope="module")
def values(halves):
    rng = np.random.default_rng(0)
    x = XY[:, 0]
    table = {
        "step": (x > 145) * 5.0,
        "slope": x / 60,
        "flat": np.ones(len(x)),
        "noise": np.zeros(len(x)),
    }
    frame = pd.DataFrame(table, index=halves.domains.index)
    return frame + rng.normal(0, 0.5, frame.shape)


def test_distances_are_negative_on_one_side(halves):
    distances = signed_distances(halves, "1", "2", micrometres_per_unit=2.0)
    assert set(distances.index) == set(halves.domains.index[halves.domains.isin(["1", "2"])])
    top = XY[:, 1] < 120
    expected = pd.Series((XY[top, 0] - 145) * 2, index=halves.domains.index[top])
    pd.testing.assert_series_equal(distances[expected.index], expected, check_names=False)


def test_a_line_can_be_drawn_instead(halves):
    line = np.array([(200.0, 0.0), (200.0, 200.0)])
    distances = signed_distances(halves, "1", "2", line=line)
    at = dict(zip(halves.domains.index, XY[:, 0], strict=True))
    assert all(np.isclose(abs(d), abs(at[spot] - 200)) for spot, d in distances.items())
    right_going_down = [d for spot, d in distances.items() if at[spot] < 200]
    assert min(right_going_down) > 0


def test_a_step_and_a_slope_look_as_they_are(halves, values):
    distances = signed_distances(halves, "1", "2")
    profile = boundary_profile(distances, values, width=10, reach=60)
    step = profile[profile["feature"] == "step"].set_index("distance")["mean"]
    assert list(step.index) == [-55, -45, -35, -25, -15, -5, 5, 15, 25, 35, 45, 55]
    assert step[step.index < 0].max() < 0.5
    assert step[step.index > 0].min() > 4.5
    assert profile["n_spots"].min() > 10
    assert profile["error"].between(0.05, 0.3).all()


def test_the_sharpest_change_comes_first(halves, values):
    ranked = sharpest_changes(signed_distances(halves, "1", "2"), values, reach=20)
    assert ranked["feature"][0] == "step"
    assert ranked["score"][0] > 10
    assert ranked["after"][0] - ranked["before"][0] == pytest.approx(5, abs=0.5)
    assert abs(ranked.set_index("feature")["score"]["noise"]) < 4


def test_geometry_is_in_micrometres(halves):
    domains, interfaces = domain_geometry(halves, micrometres_per_unit=0.5)
    assert domains.loc["1", "n_spots"] == 15 * 17
    assert domains.loc["1", "area"] == pytest.approx(15 * 17 * 100 * 0.25, rel=0.1)
    pairs = interfaces.set_index(["one", "other"])
    assert pairs.loc[("1", "2"), "length"] == pytest.approx(170 * 0.5, rel=0.1)
    assert pairs.loc[("1", "2"), "confidence"] < 0.8 < pairs.loc[("1", "3"), "confidence"]


def test_it_can_be_drawn(halves, values):
    profile = boundary_profile(signed_distances(halves, "1", "2"), values, width=10, reach=40)
    ax = plot_profile(profile)
    assert isinstance(ax, mpl.axes.Axes)
    assert len(ax.lines) == 5  # and the boundary


@pytest.mark.parametrize(
    ("known", "given", "factor", "unit"),
    [(None, None, 1, "coordinate units"), (0.5, None, 0.5, "µm"), (0.5, 2.0, 2, "µm")],
)
def test_lengths_say_of_what_they_are(halves, values, known, given, factor, unit):
    """Never micrometres where the scale is not known."""
    run = replace(halves, record={"micrometres_per_unit": known})
    distances = signed_distances(run, "1", "2", micrometres_per_unit=given)
    assert distances.abs().min() == pytest.approx(5 * factor, rel=0.2)
    profile = boundary_profile(distances, values, width=10, reach=40)
    assert f"({unit})" in plot_profile(profile).get_xlabel()
    domains, interfaces = domain_geometry(run, micrometres_per_unit=given)
    assert domains.attrs["unit"] == interfaces.attrs["unit"] == unit
    assert domains.loc["1", "area"] == pytest.approx(15 * 17 * 100 * factor**2, rel=0.1)


def test_what_cannot_be_is_said(halves, values):
    with pytest.raises(InputError, match="no domain '9'"):
        signed_distances(halves, "1", "9")
    with pytest.raises(InputError, match="different domains"):
        signed_distances(halves, "1", "1")
    with pytest.raises(InputError, match="two points"):
        signed_distances(halves, "1", "2", line=np.zeros((1, 2)))
    distances = signed_distances(halves, "1", "2")
    with pytest.raises(InputError, match="width"):
        boundary_profile(distances, values, width=0, reach=5)
    with pytest.raises(InputError, match="larger reach"):
        boundary_profile(distances, values, width=0.1, reach=1)
    with pytest.raises(InputError, match="larger reach"):
        sharpest_changes(distances, values, reach=1)

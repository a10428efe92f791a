import numpy as np
import pandas as pd
import shapely

from napari_trsmi.spots.boundaries import domain_polygons
from napari_trsmi.spots.outlines import smoothed


def two_halves():
    xy = np.array([(x + 0.5 * (y % 2), y * 0.866) for y in range(30) for x in range(30)])
    island = np.hypot(*(xy - (8, 12)).T) < 4.2
    names = np.where(island, "island", np.where(xy[:, 0] + 0.5 * xy[:, 1] < 20, "left", "right"))
    return xy, pd.Series(names, dtype="category")


def test_outlines_get_shorter_and_areas_stay():
    xy, domains = two_halves()
    before = domain_polygons(xy, domains)
    after = smoothed(before, 1.0)
    assert set(after) == set(before)
    for name in before:
        assert abs(shapely.area(after[name]) / shapely.area(before[name]) - 1) < 0.02
        assert shapely.is_valid(after[name])
    assert shapely.length(after["island"]) < 0.95 * shapely.length(before["island"])
    names = list(after)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            assert shapely.area(shapely.intersection(after[one], after[other])) < 1e-6
    whole = shapely.area(shapely.union_all(list(after.values())))
    assert abs(whole - sum(shapely.area(area) for area in after.values())) < 1e-6


def test_no_width_changes_nothing():
    xy, domains = two_halves()
    before = domain_polygons(xy, domains)
    assert smoothed(before, 0) == before
    assert smoothed({}, 1.0) == {}

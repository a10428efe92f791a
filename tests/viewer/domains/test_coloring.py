from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData

from napari_trsmi.data.dataset import Kind, Modality, SpatialOmics
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.domains.coloring import (
    COLORMAPS,
    MISSING,
    Coloring,
    by_confidence,
    by_feature,
    by_weight,
    colormap_table,
    is_counted,
    modality_named,
    relative_depth,
)


@pytest.fixture(params=[np.asarray, sp.csr_matrix, sp.csc_matrix, sp.csr_array])
def dataset(request):
    counts = np.zeros((200, 3), dtype=np.float32)
    counts[:, 0] = np.arange(200)
    counts[7, 1] = 5
    names = pd.Index([f"spot_{spot}" for spot in range(200)])
    table = AnnData(
        request.param(counts), obs=pd.DataFrame(index=names), var=pd.DataFrame(index=list("abc"))
    )
    ready = AnnData(-counts, obs=pd.DataFrame(index=names), var=pd.DataFrame(index=list("xyz")))
    return SpatialOmics(
        (Modality("rna", Kind.RNA, table), Modality("msi", Kind.FEATURES, ready)),
        np.zeros((200, 2)),
        names,
        pd.DataFrame(index=names),
    )


def test_a_feature_is_its_column(dataset):
    plain = by_feature(dataset, "rna", "a", log=False)
    np.testing.assert_array_equal(plain.values, np.arange(200))
    assert plain.values.dtype == np.float32
    assert (plain.label, plain.low) == ("a", 1)  # nor do the very lowest
    assert plain.high == 198  # the very highest do not set the scale
    log = by_feature(dataset, "rna", "a", log=True)
    np.testing.assert_allclose(log.values, np.log1p(np.arange(200)), rtol=1e-6)
    assert log.label == "log(1 + a)"
    np.testing.assert_array_equal(
        by_feature(dataset, "msi", "x", log=True).values, 0
    )  # no logarithm below -1


def test_a_rare_feature_is_seen_and_a_constant_one_has_a_scale(dataset):
    rare = by_feature(dataset, "rna", "b", log=False)
    assert (rare.low, rare.high) == (0, 5)
    constant = by_feature(dataset, "rna", "c", log=False)
    assert constant.high > constant.low
    np.testing.assert_allclose(constant.colors(), colormap_table("viridis")[[0] * 200])


def test_unknown_features_are_told(dataset):
    with pytest.raises(InputError, match="rna has no feature 'nonsense'"):
        by_feature(dataset, "rna", "nonsense", log=False)
    with pytest.raises(InputError, match=r"no modality 'adt'\. There are rna, msi"):
        by_feature(dataset, "adt", "a", log=False)


def test_counts_are_those_that_are_not_ready_features(dataset):
    assert is_counted(modality_named(dataset, "rna"))
    assert not is_counted(modality_named(dataset, "msi"))


def test_confidence_and_weights_come_from_the_result(make_result):
    result = make_result()
    confidence = by_confidence(result)
    np.testing.assert_allclose(confidence.values, result.confidence, rtol=1e-6)
    assert confidence.low == confidence.values.min()
    assert confidence.high == confidence.values.max()
    weight = by_weight(result, "protein")
    assert weight.label == "weight of protein"
    np.testing.assert_allclose(weight.values, result.modality_weights["protein"], rtol=1e-6)


@pytest.mark.parametrize("colormap", COLORMAPS)
def test_colours_go_from_low_to_high_and_missing_is_grey(colormap):
    values = np.array([0, 1, 2, np.nan, -5, 99], dtype=np.float32)
    colors = Coloring("x", values, 0, 2).with_colormap(colormap).colors()
    table = colormap_table(colormap)
    np.testing.assert_array_equal(colors[[0, 4]], table[[0, 0]])
    np.testing.assert_array_equal(colors[[2, 5]], table[[255, 255]])
    np.testing.assert_allclose(colors[1], table[128])
    np.testing.assert_allclose(colors[3], MISSING)


def test_values_that_are_all_missing_have_colours_too(make_result):
    result = make_result()
    result.confidence[:] = np.nan
    np.testing.assert_allclose(by_confidence(result).colors(), [MISSING] * 60)
    result.confidence[:] = np.inf
    assert np.isfinite(by_confidence(result).colors()).all()


def test_depth_is_relative_to_the_median_spot(dataset):
    rna, ready = dataset.modalities
    depth = relative_depth(rna)
    counts = np.arange(200.0)
    counts[7] += 5
    middle = np.median(counts[counts > 0])
    np.testing.assert_allclose(depth, np.maximum(counts / middle, 0.01))
    assert relative_depth(ready) is None
    shown = by_feature(dataset, "rna", "a", log=False, depth=depth)
    np.testing.assert_allclose(
        shown.values[20:], middle, rtol=1e-5
    )  # the spots differ in depth only
    assert shown.label == "a per depth"

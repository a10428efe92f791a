"""A result goes to AnnData and back without loss, and other tools understand what it wrote."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.pandas import column, data_frames, range_indexes

from napari_trsmi import read_result, write_result
from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.errors import InputError
from napari_trsmi.palette import PALETTE, domain_colors
from napari_trsmi.result import TRSMIResult


def assert_same(actual: TRSMIResult, expected: TRSMIResult) -> None:
    pd.testing.assert_series_equal(actual.domains, expected.domains, check_names=False)
    pd.testing.assert_series_equal(actual.confidence, expected.confidence, check_names=False)
    pd.testing.assert_frame_equal(actual.modality_weights, expected.modality_weights)
    pd.testing.assert_frame_equal(actual.annotations, expected.annotations)
    for name in ("domains_by_scale", "confidence_by_scale"):
        pd.testing.assert_frame_equal(
            getattr(actual, name),
            getattr(expected, name),
            check_index_type=False,
            check_column_type=False,
        )
    pd.testing.assert_frame_equal(
        actual.history, expected.history, check_index_type=False, check_column_type=False
    )
    for name in ("embedding", "coordinates"):
        array, other = getattr(actual, name), getattr(expected, name)
        assert array.dtype == other.dtype
        np.testing.assert_array_equal(array, other)
    assert actual.record == expected.record
    assert actual.spot_diameter == expected.spot_diameter
    assert actual.square_spots == expected.square_spots
    assert actual.colors == expected.colors
    # of several sections: test_several_sections.py
    assert actual.sections is expected.sections is actual.fitted is expected.fitted is None
    assert not actual.predicted
    assert not expected.predicted
    assert list(actual.further_images) == list(expected.further_images)
    pictures = [(actual.image, expected.image)]
    pictures += [(actual.further_images[n], expected.further_images[n]) for n in names_of(expected)]
    for image, other in pictures:
        if other is None:
            assert image is None
            continue
        np.testing.assert_array_equal(image.pixels, other.pixels)
        assert image.pixels.dtype == np.uint8
        assert image.scale == other.scale


def names_of(result: TRSMIResult) -> list[str]:
    return list(result.further_images)


def test_the_comparison_looks_at_every_field():
    compared = {"domains", "confidence", "modality_weights", "annotations", "history"}
    compared |= {"embedding", "coordinates", "record", "spot_diameter", "image", "custom_colors"}
    compared |= {"domains_by_scale", "confidence_by_scale", "sections"}
    compared |= {"square_spots", "predicted", "fitted", "further_images"}
    assert {field.name for field in fields(TRSMIResult)} == compared


names = st.text("abcXYZ0189 _-:µα", min_size=1, max_size=8).filter(str.strip)


@st.composite
def results(draw: st.DrawFn) -> TRSMIResult:
    n_spots = draw(st.integers(2, 12))
    n_domains = draw(st.integers(2, 12))
    spots = pd.Index(draw(st.lists(names, min_size=n_spots, max_size=n_spots, unique=True)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    modalities = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    codes = rng.integers(n_domains, size=n_spots)
    annotations = draw(
        data_frames(
            [
                column("floats", dtype=float),
                column("integers", dtype=int),
                column("truths", dtype=bool),
                column("words", elements=names, dtype=object),
            ],
            index=range_indexes(n_spots, n_spots),
        )
    ).set_axis(spots)
    # text as pandas itself holds it: `object` before pandas 3, `str` from then on
    annotations["words"] = pd.Series(annotations["words"].tolist(), index=spots)
    annotations["labels"] = annotations["words"].astype("category")
    images = [
        TissueImage(
            rng.integers(0, 256, (draw(st.integers(1, 5)), 4, 3), dtype=np.uint8),
            draw(st.floats(1e-3, 10)),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    image = draw(st.sampled_from([None, *images]))
    stains = draw(st.lists(names, min_size=len(images), max_size=len(images), unique=True))
    domains = draw(st.lists(names, min_size=n_domains, max_size=n_domains, unique=True))
    chosen = draw(st.lists(st.sampled_from(domains), unique=True))
    n_epochs = draw(st.integers(0, 3))
    scales = draw(st.sampled_from([(), (0.0, 1.0), (0.0, 0.25, 0.6, 1.0)]))
    numbers = rng.integers(n_domains, size=(len(scales), n_spots))
    return TRSMIResult(
        domains=pd.Series(pd.Categorical.from_codes(codes, domains), index=spots),
        embedding=rng.normal(size=(n_spots, draw(st.integers(1, 4)))).astype(np.float32),
        confidence=pd.Series(rng.uniform(size=n_spots), index=spots),
        modality_weights=pd.DataFrame(
            rng.dirichlet(np.ones(len(modalities)), n_spots), spots, modalities
        ),
        coordinates=rng.normal(size=(n_spots, 2)),
        annotations=annotations[draw(st.permutations(list(annotations)))],
        history=pd.DataFrame({"epoch": np.arange(n_epochs), "loss": rng.normal(size=n_epochs)}),
        record=draw(
            st.dictionaries(
                st.text(), st.none() | st.booleans() | st.integers() | st.lists(st.text())
            )
        ),
        image=image,
        further_images=dict(zip(stains, images, strict=True)),
        spot_diameter=draw(st.none() | st.floats(0.1, 100)),
        square_spots=draw(st.booleans()),
        custom_colors={name: f"#{rng.integers(2**24):06x}" for name in chosen},
        domains_by_scale=pd.DataFrame(
            {
                scale: pd.Categorical.from_codes(column, domains)
                for scale, column in zip(scales, numbers, strict=True)
            },
            index=spots if scales else None,
        ),
        confidence_by_scale=pd.DataFrame(
            {scale: rng.uniform(size=n_spots).astype(np.float32) for scale in scales},
            index=spots if scales else None,
        ),
    )


def test_another_scale_of_the_same_run_is_shown_without_a_run(make_result):
    result = make_result()
    spots = result.domains.index
    turned = result.domains.cat.codes.to_numpy()[::-1]
    scaled = replace(
        result,
        domains_by_scale=pd.DataFrame(
            {
                0.0: pd.Categorical.from_codes(np.minimum(turned, 1), ["1", "2", "3"]),
                1.0: result.domains.array,
            },
            index=spots,
        ),
        confidence_by_scale=pd.DataFrame({0.0: 0.25, 1.0: result.confidence}, index=spots),
    )
    assert scaled.scales == (0.0, 1.0)
    states = scaled.at_scale(0.3)
    assert list(states.domains.cat.categories) == ["1", "2"]
    assert states.scale == 0.0
    assert set(states.confidence) == {0.25}
    pd.testing.assert_series_equal(states.at_scale(1).domains, result.domains, check_names=False)
    assert result.scales == ()
    with pytest.raises(InputError, match="all_scales=True"):
        result.at_scale(0)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(result=results())
def test_round_trip_through_a_file_loses_nothing(tmp_path, result):
    path = tmp_path / "result.h5ad"
    write_result(result, path, overwrite=True)
    assert_same(read_result(path), result)


def test_history_without_epochs_is_kept(make_result, tmp_path):
    untrained = replace(make_result(), history=pd.DataFrame(columns=["epoch", "loss", "seconds"]))
    path = write_result(untrained, tmp_path / "untrained.h5ad")
    assert list(read_result(path).history) == ["epoch", "loss", "seconds"]


def test_a_run_on_an_earlier_result_replaces_its_columns(make_result, tmp_path):
    """Tables that were annotated with an earlier run's domains may be run again."""
    earlier = make_result(modalities=["rna", "chromatin"]).to_anndata().obs
    again = replace(make_result(seed=5), annotations=earlier)
    path = write_result(again, tmp_path / "again.h5ad")
    assert_same(read_result(path), replace(again, annotations=earlier[["layer"]]))
    assert "trsmi_weight_chromatin" not in anndata.read_h5ad(path).obs


def test_plain_scanpy_finds_what_it_expects(make_result, tmp_path):
    result = make_result()
    table = anndata.read_h5ad(write_result(result, tmp_path / "result.h5ad"))
    assert table.shape == (60, 0)
    assert isinstance(table.obs["trsmi_domain"].dtype, pd.CategoricalDtype)
    assert list(table.obs["trsmi_domain"].cat.categories) == ["1", "2", "3"]
    assert list(table.uns["trsmi_domain_colors"]) == list(domain_colors(["1", "2", "3"]).values())
    np.testing.assert_array_equal(table.obsm["X_trsmi"], result.embedding)
    np.testing.assert_array_equal(table.obsm["spatial"], result.coordinates)
    np.testing.assert_allclose(table.obs["trsmi_weight_rna"] + table.obs["trsmi_weight_protein"], 1)
    assert list(table.obs["layer"]) == list(result.annotations["layer"])
    assert json.loads(table.uns["trsmi"]["record"]) == result.record


@pytest.mark.usefixtures("no_figure_windows")
def test_scanpy_plots_it_in_its_colours(make_result, tmp_path):
    import scanpy as sc
    from matplotlib.colors import to_hex

    result = make_result(n_spots=48)
    table = anndata.read_h5ad(write_result(result, tmp_path / "result.h5ad"))
    axes = sc.pl.embedding(table, "spatial", color="trsmi_domain", show=False)
    drawn = {to_hex(color) for color in axes.collections[0].get_facecolors()}
    assert drawn == set(result.colors.values())
    sc.pp.neighbors(table, use_rep="X_trsmi", n_neighbors=5)
    assert table.obsp["connectivities"].shape == (48, 48)


def test_renamed_and_recoloured_domains_come_back(make_result, tmp_path):
    result = make_result()
    named = result.domains.cat.rename_categories({"2": "white matter"})
    edited = replace(result, domains=named, custom_colors={"white matter": "#abcdef"})
    assert edited.colors == {
        "1": PALETTE[0],
        "white matter": "#abcdef",
        "3": PALETTE[1],
    }
    path = write_result(edited, tmp_path / "edited.h5ad")
    assert list(anndata.read_h5ad(path).uns["trsmi_domain_colors"]) == list(edited.colors.values())
    assert_same(read_result(path), edited)
    assert read_result(write_result(result, tmp_path / "plain.h5ad")).custom_colors == {}


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (["red", "#00FF00", "0.5"], ["#ff0000", "#00ff00", "#808080"]),
        (["red", "no colour", "blue"], list(PALETTE[:3])),
        (["red"], list(PALETTE[:3])),
    ],
)
def test_colours_that_another_tool_left_are_read_if_they_fit(make_result, stored, expected):
    table = make_result().to_anndata()
    table.uns["trsmi_domain_colors"] = stored
    assert list(TRSMIResult.from_anndata(table).colors.values()) == expected


def test_tables_without_a_result_are_refused(make_result):
    with pytest.raises(InputError, match=r'uns\["trsmi"\].*is missing'):
        TRSMIResult.from_anndata(anndata.AnnData(np.ones((3, 2))))
    stripped = make_result().to_anndata()
    del stripped.obsm["X_trsmi"]
    with pytest.raises(InputError, match="X_trsmi"):
        TRSMIResult.from_anndata(stripped)


def test_summary_is_plain_json(make_result):
    summary = make_result(n_spots=60, n_domains=3).summary()
    assert json.loads(json.dumps(summary)) == summary
    assert summary["n_spots"] == sum(summary["sizes"].values()) == 60
    assert summary["sizes"] == {"1": 20, "2": 20, "3": 20}
    assert sum(summary["mean_modality_weights"].values()) == pytest.approx(1)
    assert summary["epochs"] == 2

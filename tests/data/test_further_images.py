"""A second stain of a section, registered to the first, measured beside it and kept."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import napari_trsmi as trsmi
from napari_trsmi.errors import InputError
from napari_trsmi.output.script import as_python
from napari_trsmi.output.spatial_data import write_spatialdata
from napari_trsmi.preprocessing.image.picture import Picture

SIDE, PITCH = 28, 20.0
FIRST_SCALE = 0.5  # pixels of the H&E per coordinate unit
PAIRS = np.array([(15, 20), (260, 18), (250, 275), (25, 255), (100, 90)], dtype=float)


def on_second(places, angle=0.3, scale=0.8, shift=(90.0, 20.0), mirrored=True):
    """Where a pixel of the first picture, (column, row), lies on the second stain."""
    a = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if mirrored:
        a = a @ np.diag([-1, 1])
        shift = (320.0, 90.0)
    return np.asarray(places) @ (scale * a).T + shift


def spots():
    return PITCH * np.stack(np.meshgrid(np.arange(SIDE) + 1, np.arange(SIDE) + 1), -1).reshape(
        -1, 2
    ).astype(float)


def field(x, y):
    """What is stained where it is positive; of no symmetry, as a tissue."""
    return np.sin(x / 40 + 1) * np.sin(y / 52) + 0.8 * np.sin((x + 2 * y) / 75) - 0.1


def second_stain(mirrored=True, size=(380, 360)):
    """Brown where the field is positive, with noise so that texture is measured."""
    rng = np.random.default_rng(1)
    matrix = trsmi.fit_landmarks(PAIRS, on_second(PAIRS, mirrored=mirrored))
    rows, columns = np.mgrid[: size[0], : size[1]]
    first = matrix.to_spots(np.column_stack([columns.ravel(), rows.ravel()]))
    xy = (first / FIRST_SCALE).reshape(*size, 2)
    brown = field(xy[..., 0], xy[..., 1]) > 0
    pixels = np.where(brown[..., None], (150, 100, 60), (215, 215, 230))
    return np.clip(pixels + rng.normal(0, 8, pixels.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def first():
    rng = np.random.default_rng(0)
    return np.clip(rng.normal((190, 130, 180), 15, (290, 290, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    xy = spots()
    up = field(xy[:, :1], xy[:, 1:]) > 0
    rates = np.where(up == (np.arange(30) < 15), 6, 2)
    counts = rng.poisson(rates).astype(np.float32)
    obs = pd.DataFrame(index=[f"s{i}" for i in range(len(xy))])
    return AnnData(counts, obs=obs, obsm={"spatial": xy})


@pytest.fixture(params=[False, True], ids=["turned", "mirrored"])
def second(request):
    between = trsmi.fit_landmarks(PAIRS, on_second(PAIRS, mirrored=request.param))
    stain = second_stain(mirrored=request.param)
    return trsmi.registered_image(stain, between.after(FIRST_SCALE))


def run(table, first, second, **how):
    return trsmi.integrate(
        {"rna": table},
        image={"H&E": first, "Ki67": second},
        image_scale={"H&E": FIRST_SCALE},
        n_domains=2,
        all_scales=False,
        **how,
    )


def test_pairs_of_two_pictures_lay_the_second_onto_the_spots(second, first, table):
    dataset = trsmi.load(
        {"rna": table}, image={"H&E": first, "Ki67": second}, image_scale={"H&E": FIRST_SCALE}
    )
    assert dataset.image_name == "H&E"
    picture = Picture.of_tissue(dataset.further_images["Ki67"])
    places = picture.at(PITCH).places(dataset.coordinates)
    rows, columns = np.rint(places).astype(int).T
    blue = dataset.further_images["Ki67"].pixels[rows, columns, 2]
    there = field(*dataset.coordinates.T)
    far = abs(there) > 0.3
    assert far.sum() > 200
    assert np.array_equal(blue[far] < 145, there[far] > 0)


def test_pairs_of_two_registered_pictures():
    he = trsmi.fit_landmarks(PAIRS / FIRST_SCALE + 7, PAIRS)
    between = trsmi.fit_landmarks(PAIRS, on_second(PAIRS))
    whole = between.after(he)
    anywhere = np.random.default_rng(0).uniform(0, 400, (20, 2))
    expected = on_second(he.to_picture(anywhere))
    np.testing.assert_allclose(whole.to_picture(anywhere), expected, atol=1e-6)
    assert whole.is_mirrored
    with pytest.raises(InputError, match="positive number"):
        between.after(0)


def test_both_stains_are_modalities_and_kept(second, first, table, tmp_path):
    result = run(table, first, second, image_features=trsmi.ImageFeatures(footprints=(1,)))
    assert list(result.modality_weights) == ["rna", "H&E", "Ki67"]
    scores = result.record["pictures"]
    assert scores["Ki67"] > 5 > scores["H&E"]  # the H&E is noise
    assert result.modality_weights["Ki67"].mean() > 0.05
    assert (result.modality_weights["H&E"] == 0).all()

    for name in ("run.h5ad", "run.zarr"):
        write = trsmi.write_result if name.endswith("h5ad") else write_spatialdata
        back = trsmi.read_result(write(result, tmp_path / name))
        np.testing.assert_array_equal(back.image.pixels, first)
        kept = back.further_images["Ki67"]
        np.testing.assert_array_equal(kept.pixels, second.pixels)
        assert kept.scale == pytest.approx(second.scale)
        assert kept.registration == second.registration
    held = result.to_anndata().uns["spatial"]["trsmi"]
    assert held["scalefactors"]["tissue_Ki67_scalef"] == second.scale
    assert "Ki67" in as_python(result, "rna.h5ad")
    assert write_spatialdata(result, tmp_path / "run.zarr", overwrite=True).is_dir()


def test_a_dict_chooses_what_is_measured_on_which(first, table, second):
    result = run(table, first, second, image_features={"Ki67": "texture"})
    assert list(result.modality_weights) == ["rna", "Ki67"]
    with pytest.raises(InputError, match=r"'CD3', which is no picture.*H&E and Ki67"):
        run(table, first, second, image_features={"CD3": "texture"})
    with pytest.raises(InputError, match="labels= are of one picture"):
        run(table, first, second, image_features={"labels": np.ones((3, 3), int)})


def test_none_stands_for_the_tables_own_picture(first, table, second):
    factors = {"tissue_hires_scalef": FIRST_SCALE, "spot_diameter_fullres": 12.0}
    table.uns["spatial"] = {"slide": {"images": {"hires": first}, "scalefactors": factors}}
    dataset = trsmi.load({"rna": table}, image={"H&E": None, "Ki67": second})
    np.testing.assert_array_equal(dataset.image.pixels, first)
    assert not any("replaces" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("image", "scale", "said"),
    [
        ({}, None, "image= is empty"),
        ({"hires": np.zeros((9, 9, 3), np.uint8)}, None, "no name for a picture"),
        ({"a/b": np.zeros((9, 9, 3), np.uint8)}, None, "no name for a picture"),
        ({"H&E": None}, None, "no table has"),
        ({"H&E": np.zeros((9, 9, 3), np.uint8)}, {"HE": 0.5}, "image_scale= names 'HE'"),
    ],
)
def test_what_is_no_picture_is_said(table, image, scale, said):
    with pytest.raises(InputError, match=said):
        trsmi.load({"rna": table}, image=image, image_scale=scale)

import numpy as np
import pytest

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.data.registered import registered_image
from napari_trsmi.errors import InputError
from napari_trsmi.integration import integrate
from napari_trsmi.output.results import read_result, write_result
from napari_trsmi.preprocessing.image.picture import Picture
from napari_trsmi.spots.landmarks import fit_landmarks

SPOTS = np.array([(100, 120), (900, 90), (870, 810), (150, 900), (520, 470)], dtype=float)
ANGLE = np.deg2rad(17)
MATRIX = 0.4 * np.array([[np.cos(ANGLE), -np.sin(ANGLE)], [np.sin(ANGLE), np.cos(ANGLE)]])
SHIFT = np.array([180.0, 30.0])


@pytest.fixture(scope="module")
def registration():
    return fit_landmarks(SPOTS, SPOTS @ MATRIX.T + SHIFT)


@pytest.fixture(scope="module")
def turned_picture():
    """A dark blob at each landmark, on a picture that is turned by 17 degrees."""
    rows, columns = np.mgrid[:600, :600]
    light = np.full((600, 600), 230.0)
    for column, row in SPOTS @ MATRIX.T + SHIFT:
        light -= 150 * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * 5**2))
    return np.repeat(light[..., None], 3, axis=2).astype(np.uint8)


def test_landmarks_come_to_lie_on_their_spots(registration, turned_picture):
    image = registered_image(turned_picture, registration)
    dark = 230.0 - image.pixels[..., 0]
    for x, y in SPOTS * image.scale:
        r, c = int(y), int(x)
        window = dark[r - 12 : r + 13, c - 12 : c + 13]
        window = np.where(window > 20, window, 0)
        rows, columns = np.mgrid[r - 12 : r + 13, c - 12 : c + 13]
        center = [(window * axis).sum() / window.sum() for axis in (columns, rows)]
        np.testing.assert_allclose(center, [x, y], atol=0.1)


def test_the_transform_stays_with_the_run(registration, turned_picture, tmp_path, stained_table):
    image = registered_image(turned_picture, registration)
    result = integrate(stained_table, image=image, n_domains=2, all_scales=False)
    assert result.record["registration"]["matrix"] == registration.matrix.tolist()
    write_result(result, tmp_path / "out.h5ad")
    again = read_result(tmp_path / "out.h5ad")
    np.testing.assert_allclose(again.record["registration"]["matrix"], registration.matrix)


@pytest.fixture
def stained_table():
    from anndata import AnnData

    rng = np.random.default_rng(0)
    xy = np.array([(x, y) for y in range(100, 900, 80) for x in range(100, 900, 80)], dtype=float)
    counts = rng.poisson(3 + 5 * (xy[:, :1] > 500), (len(xy), 30)).astype(np.float32)
    table = AnnData(counts)
    table.obs_names = [f"s{i}" for i in range(len(xy))]
    table.obsm["spatial"] = xy
    return {"rna": table}


def test_a_tissue_image_keeps_its_own_scale(registration, turned_picture):
    image = registered_image(TissueImage(turned_picture), registration)
    assert Picture.of_tissue(image).scale == pytest.approx(image.scale)


def test_a_picture_beside_the_spots_is_refused(turned_picture):
    away = fit_landmarks(SPOTS, SPOTS + 2000)
    with pytest.raises(InputError, match="coordinates are negative"):
        registered_image(turned_picture, away)

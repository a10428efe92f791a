import numpy as np
import pytest
import torch

from napari_trsmi.data.dataset import TissueImage
from napari_trsmi.errors import InputError
from napari_trsmi.preprocessing.image.embedding import iter_embed
from napari_trsmi.preprocessing.image.picture import Picture
from napari_trsmi.preprocessing.image.recipe import ImageFeatures
from napari_trsmi.training.embedder import TorchEmbedder

PIXELS = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
PIXELS[:, 100:] //= 4
XY = np.array([(x, y) for y in range(20, 190, 20) for x in range(20, 190, 20)], dtype=float)


def embedded(recipe):
    steps = iter_embed(Picture.of_tissue(TissueImage(PIXELS)), XY, 10.0, recipe)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def test_a_function_sees_the_patch_around_each_spot():
    recipe = ImageFeatures(embed=lambda p: p.mean(axis=(2, 3)), patch=16, batch=7, footprints=(2,))
    found = embedded(recipe)
    assert found.names == ("embedding 0", "embedding 1", "embedding 2")
    assert found.values[XY[:, 0] < 80].min() > 0.4
    assert found.values[XY[:, 0] > 120].max() < 0.2
    assert set(found.footprints) == {2.0}


def test_a_torch_module_answers_and_is_told_by_its_weights(tmp_path):
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3), torch.nn.ReLU())
    model = TorchEmbedder(module, torch.device("cpu"))
    calls = []

    class Counting:
        digest = model.digest

        def __call__(self, patches):
            calls.append(len(patches))
            return model(patches)

    recipe = ImageFeatures(embed=Counting(), patch=16, batch=32, cache=tmp_path)
    first = embedded(recipe)
    assert first.values.shape == (81, 5)
    assert sum(calls) == 81
    again = embedded(recipe)
    assert sum(calls) == 81, "from the cache"
    np.testing.assert_array_equal(first.values, again.values)
    with torch.no_grad():
        module[0].bias += 1
    assert TorchEmbedder(module, torch.device("cpu")).digest != model.digest


@pytest.mark.parametrize(
    "answer", [lambda p: np.zeros(3), lambda p: np.full((len(p), 2), np.nan), lambda p: p]
)
def test_answers_that_are_no_features_are_refused(answer):
    with pytest.raises(InputError, match="must give"):
        embedded(ImageFeatures(embed=answer, patch=8))


def test_a_cache_needs_a_model_that_can_be_told(tmp_path):
    with pytest.raises(InputError, match="digest"):
        embedded(ImageFeatures(embed=lambda p: p.mean(axis=(2, 3)), cache=tmp_path))

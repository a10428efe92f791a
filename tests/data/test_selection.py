import pytest

from napari_trsmi.data.selection import Selection, how_to
from napari_trsmi.errors import InputError


@pytest.mark.parametrize(
    ("given", "size"),
    [(None, None), (8, 8), ("16", 16), ("2um", 2), ("016um", 16), ("Cells", "cells")],
)
def test_bin_sizes(given, size):
    assert Selection.of(bin_size=given).bin_size == size


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bin_size": "large"}, "bin_size= is 'large'"),
        ({"keep": "everything"}, "keep= has 'everything'. Known are off_tissue and controls"),
        ({"section": " "}, "section= is empty"),
    ],
)
def test_unknown_words_are_named(given, message):
    with pytest.raises(InputError, match=message):
        Selection.of(**given)


def test_a_remedy_for_every_place():
    said = how_to("bin_size", 16)
    assert said.startswith("bin_size=16 (command line: --bin-size 16; window: ")

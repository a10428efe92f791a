from __future__ import annotations

import pytest
from PIL import Image

from napari_trsmi.errors import OutputError
from napari_trsmi.output.figure import write_figure


def test_the_picture_has_the_domains_colours(make_result, tmp_path):
    result = make_result(image_scale=None)
    with Image.open(write_figure(result, tmp_path / "domains.png")) as picture:
        seen = {color for _, color in picture.convert("RGB").getcolors(2**24)}
    for color in result.colors.values():
        assert tuple(bytes.fromhex(color[1:])) in seen


def test_a_file_is_replaced_only_when_asked(make_result, tmp_path):
    path = tmp_path / "domains.png"
    path.write_text("mine")
    with pytest.raises(OutputError, match="already there"):
        write_figure(make_result(), path)
    assert path.read_text() == "mine"
    write_figure(make_result(), path, overwrite=True)
    assert path.stat().st_size > 1000

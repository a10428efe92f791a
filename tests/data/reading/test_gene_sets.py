"""Gene sets as MSigDB and Enrichr write them, and what is none."""

import pytest

from napari_trsmi.data.reading.gene_sets import read_gmt
from napari_trsmi.errors import InputError


def written(tmp_path, text):
    (tmp_path / "sets.gmt").write_bytes(text.encode())
    return tmp_path / "sets.gmt"


def test_sets_in_their_order(tmp_path):
    path = written(
        tmp_path,
        "\ufeffHALLMARK_HYPOXIA\thttp://x\tVEGFA\tCA9\tVEGFA\r\n"
        "\nB cells\t\tCD19,1.0\tMS4A1,2.5\t\n",
    )
    assert read_gmt(path) == {
        "HALLMARK_HYPOXIA": ("VEGFA", "CA9"),
        "B cells": ("CD19", "MS4A1"),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no sets"),
        ("CD19\nMS4A1\n", "Line 1 of sets.gmt is no set of a GMT"),
        ("a\tb\tCD19\na\tb\tCD3E\n", "twice, again in line 2"),
    ],
)
def test_what_is_none_says_so(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        read_gmt(written(tmp_path, text))


def test_what_cannot_be_read_says_so(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_gmt(tmp_path / "none.gmt")
    (tmp_path / "sets.gmt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is no text"):
        read_gmt(tmp_path / "sets.gmt")

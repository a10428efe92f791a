"""The table that Loupe Browser imports: barcodes first, one column of categories."""

from __future__ import annotations

import pandas as pd
import pytest

from napari_trsmi.errors import OutputError
from napari_trsmi.output.loupe import write_loupe


def test_each_barcode_has_its_domain(make_result, tmp_path):
    result = make_result()
    path = write_loupe(result, tmp_path / "loupe.csv")
    table = pd.read_csv(path, dtype=str)
    assert list(table.columns) == ["Barcode", "TRSMI domain"]
    assert list(table["Barcode"]) == list(result.domains.index)
    assert list(table["TRSMI domain"]) == list(result.domains)


def test_what_is_there_is_not_replaced_unasked(make_result, tmp_path):
    path = write_loupe(make_result(), tmp_path / "loupe.csv")
    with pytest.raises(OutputError):
        write_loupe(make_result(), path)

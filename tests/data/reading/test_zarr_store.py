import json

import pytest

from napari_trsmi.data.reading.paths import read_path
from napari_trsmi.data.reading.zarr_store import check_zarr
from napari_trsmi.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore:Writing zarr v2:UserWarning")


def test_a_table_passes(tmp_path, make_table):
    make_table().write_zarr(tmp_path / "t.zarr")
    check_zarr(tmp_path / "t.zarr")


def test_nothing_is_unpickled(tmp_path, make_table):
    make_table().write_zarr(tmp_path / "t.zarr")
    (tmp_path / "t.zarr" / "obs" / "bad").mkdir()
    (tmp_path / "t.zarr" / "obs" / "bad" / ".zarray").write_text(
        json.dumps({"shape": [3], "dtype": "|O", "filters": [{"id": "pickle"}]})
    )
    with pytest.raises(InputError, match="can run any program"):
        read_path(tmp_path / "t.zarr", [])


@pytest.mark.parametrize("name", [".zarray", "zarr.json"])
def test_claims_of_size(tmp_path, name):
    (tmp_path / "x").mkdir()
    told = {"shape": [10**6, 10**6], "dtype": "<f4", "data_type": "float32"}
    (tmp_path / "x" / name).write_text(json.dumps(told))
    with pytest.raises(InputError, match=r"'x' in .* claims 4,000\.0 GB"):
        check_zarr(tmp_path)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("place", [0, 4])
def test_texts_are_as_many_and_as_long_as_they_say(tmp_path, version, place):
    import numpy as np
    import zarr

    folder = tmp_path / "x"
    names = zarr.create_array(
        folder, shape=(3,), dtype=str, chunks=(3,), compressors=None, zarr_format=version
    )
    names[:] = np.array(["a", "bc", "d"], dtype=object)
    check_zarr(tmp_path)
    part = folder / "c" / "0" if version == 3 else folder / "0"
    content = bytearray(part.read_bytes())
    content[place : place + 4] = b"\xff\xff\xff\x7f"
    part.write_bytes(content)
    with pytest.raises(InputError, match="x is damaged: its texts are not as many or as long"):
        check_zarr(tmp_path)

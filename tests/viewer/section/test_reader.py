"""A file says that it is loading before the libraries that read it are loaded."""

import subprocess
import sys

from napari.components import ViewerModel

from napari_trsmi.viewer.section.reader import get_reader, say_loading

_SCRIPT = """
import sys
import napari.viewer
import napari_trsmi.viewer.section.reader
print([name for name in ("anndata", "scanpy", "torch") if name in sys.modules])
"""


def test_what_is_opened_is_said():
    viewer = ViewerModel()
    say_loading(viewer, ["/a/positions.csv", "/a/counts.csv"])
    assert viewer.status == "Loading positions.csv …"
    say_loading(None, "/a/counts.csv")


def test_only_what_this_package_reads_gets_a_reader(tmp_path):
    assert get_reader(str(tmp_path)) is None


def test_it_is_light():
    told = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"

"""The site builds without a warning, its notebooks run, and every public name has a page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import napari_trsmi
from napari_trsmi import errors, public_data, tl

pytest.importorskip("myst_nb")
pytest.importorskip("squidpy")

DOCS = Path(__file__).parents[1] / "docs"
NOTEBOOKS = sorted(DOCS.glob("tutorials/*.ipynb"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    # the kernel draws into the notebook
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    options = ["-W", "--keep-going", "-q", "-E", "-d", str(folder / "trees")]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(DOCS), str(folder / "html")],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder / "html"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_show_their_pictures(site, notebook):
    page = (site / "tutorials" / f"{notebook.stem}.html").read_text(encoding="utf-8")
    cells = page.count('class="cell_output')
    pictures = page.count("../_images/")
    assert cells >= 5
    assert pictures >= 5


def test_there_are_notebooks():
    assert NOTEBOOKS


def _public_names():
    names = [name for name in napari_trsmi.__all__ if name not in {"errors", "public_data", "tl"}]
    yield from (f"napari_trsmi.{name}" for name in names)
    yield from (f"napari_trsmi.tl.{name}" for name in tl.__all__)
    for module in (errors, public_data):
        own = [name for name, value in vars(module).items() if _is_of(value, module)]
        assert len(own) > 3
        yield from (f"{module.__name__}.{name}" for name in own)


def _is_of(value, module):
    own = getattr(value, "__module__", None) == module.__name__
    return own and not value.__name__.startswith("_")


def test_every_public_name_has_a_page(site):
    page = (site / "api.html").read_text(encoding="utf-8")
    missing = [name for name in _public_names() if f"#{name}" not in page]
    assert missing == []


def test_every_parameter_of_a_run_is_described(site):
    page = (site / "generated" / "napari_trsmi.Config.html").read_text(encoding="utf-8")
    for field, info in napari_trsmi.Config.model_fields.items():
        assert f">{field}<" in page
        assert info.description

"""Compute alone needs no window and no plots; what is missing is said with the line for it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from textwrap import dedent

import pytest

from napari_trsmi.errors import MissingPackageError
from napari_trsmi.requirements import EXTRAS, install_line, needed_for

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
DISTRIBUTIONS = {"umap": "umap-learn", "spatialdata_io": "spatialdata-io"}
WINDOW = ("PyQt6", "PySide6", "magicgui", "napari", "psygnal", "qtpy", "superqt", "vispy")


def without(packages, code):
    """Run code in a fresh interpreter in which some packages are not installed."""
    absent = f"""
    import importlib.abc, sys

    class Absent(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {set(packages)!r}:
                raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

    sys.meta_path.insert(0, Absent())
    """
    program = dedent(absent) + dedent(code)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_from_counts_to_domains_without_a_window(tmp_path):
    code = f"""
    import napari_trsmi as trsmi

    sizes = {{"rna": 40, "protein": 12}}
    section = trsmi.simulate(
        n_spots=80, modalities=("rna", "protein"), n_features=sizes, image=False
    )
    result = trsmi.integrate(section, n_domains=3, epochs=1, n_components=5, embedding_dim=5)
    trsmi.write_result(result, r"{tmp_path / "domains.h5ad"}")
    print(len(trsmi.read_result(r"{tmp_path / "domains.h5ad"}").domains))
    """
    assert without(WINDOW, code).split() == ["80"]


def test_from_ready_features_to_domains_without_plots_either(tmp_path):
    code = f"""
    import anndata, numpy as np
    import napari_trsmi as trsmi

    rng = np.random.default_rng(0)
    table = anndata.AnnData(obs={{"_": range(80)}})
    table.obsm["X_rna"] = rng.normal(size=(80, 6))
    table.obsm["spatial"] = np.stack(np.divmod(np.arange(80), 10), 1) * 1.0
    result = trsmi.integrate(table, n_domains=3, epochs=1, embedding_dim=5)
    result = result.to_anndata()
    result.write_h5ad(r"{tmp_path / "domains.h5ad"}")
    print(len(trsmi.read_result(r"{tmp_path / "domains.h5ad"}").colors))
    """
    assert without((*WINDOW, "matplotlib", "umap"), code).split() == ["3"]


def test_a_public_name_is_there_without_a_window_or_says_what_it_needs():
    code = """
    import napari_trsmi

    for name in napari_trsmi.__all__:
        try:
            getattr(napari_trsmi, name)
        except napari_trsmi.errors.MissingPackageError as error:
            print(error)
    """
    said = without((*WINDOW, "matplotlib", "umap"), code).splitlines()
    for line in said:
        assert line.startswith(("napari_trsmi.add_", "napari_trsmi.open")), line
        assert line.endswith("which is not installed: pip install 'napari-trsmi[napari]'."), line


def test_an_extra_brings_what_is_said_of_it():
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    for module, extra in EXTRAS.items():
        distribution = re.compile(rf"{DISTRIBUTIONS.get(module, module)}\b")
        assert any(map(distribution.match, project["optional-dependencies"][extra])), module
        assert not any(map(distribution.match, project["dependencies"])), module


def test_only_what_is_known_to_be_optional_is_explained():
    with pytest.raises(ModuleNotFoundError, match="nonsense"), needed_for("This"):
        raise ModuleNotFoundError("No module named 'nonsense'", name="nonsense")
    with pytest.raises(ImportError, match="broken") as caught, needed_for("This"):
        raise ImportError("broken", name="matplotlib")
    assert not isinstance(caught.value, MissingPackageError)
    with pytest.raises(MissingPackageError) as caught, needed_for("A figure"):
        raise ModuleNotFoundError("absent", name="matplotlib.figure")
    line = install_line("plot")
    assert str(caught.value) == f"A figure needs matplotlib, which is not installed: {line}."

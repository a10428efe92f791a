from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from napari_trsmi.errors import InputError, OutputError
from napari_trsmi.evaluation.benchmark import environments
from napari_trsmi.evaluation.benchmark.environments import (
    Environment,
    environments_folder,
    install,
    interpreter,
    version_in,
    why_missing,
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_TRSMI_ENVS", str(tmp_path / "environments"))
    return tmp_path / "environments"


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A folder of wheels that is all that pip may look at."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return wheels


def add_wheel(wheels: Path, name: str, code: str) -> None:
    info = f"{name}-1.5.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in files) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(wheels / f"{name}-1.5-py3-none-any.whl", "w") as wheel:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(path, content)


def test_this_environment_is_the_default_one():
    assert interpreter("") == Path(sys.executable)


def test_the_folder_is_named_or_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_TRSMI_ENVS", str(tmp_path))
    assert environments_folder() == tmp_path
    monkeypatch.delenv("NAPARI_TRSMI_ENVS")
    assert "napari-trsmi" in str(environments_folder())


@pytest.mark.usefixtures("folder")
def test_a_package_beside_this_one_needs_no_environment(monkeypatch):
    here = Environment("here", "numpy", ("numpy>=1",))
    monkeypatch.setitem(environments.ENVIRONMENTS, "here", here)
    assert interpreter("here") == Path(sys.executable)
    assert version_in("here").startswith("2.")
    gone = Environment("gone", "no_such_module", ("no-such-package>=1",))
    monkeypatch.setitem(environments.ENVIRONMENTS, "gone", gone)
    assert interpreter("gone") is None
    assert version_in("gone") == ""
    assert why_missing("gone") == "not installed (napari-trsmi benchmark --install gone)"


def test_an_install_that_fails_says_why_and_one_that_works_is_used(folder, wheels, monkeypatch):
    small = Environment("small", "small_rival", ("small_rival>=1.0",))
    monkeypatch.setitem(environments.ENVIRONMENTS, "small", small)
    said = []
    assert not install("small", said.append)
    assert interpreter("small") is None
    assert why_missing("small").startswith("cannot be installed: ERROR: No matching distribution")

    add_wheel(wheels, "small_rival", "raise RuntimeError('needs R')")
    assert not install("small", said.append)
    assert why_missing("small") == "cannot be installed: RuntimeError: needs R"

    add_wheel(wheels, "small_rival", "import numpy, napari_trsmi")
    assert install("small", said.append)
    python = interpreter("small")
    assert folder in python.parents
    assert version_in("small") == "1.5"
    assert said[-1] == "small: installed, version 1.5"


def test_unknown_names_and_unwritable_folders(folder, monkeypatch):
    with pytest.raises(InputError, match="no environment 'spatialglu'"):
        install("spatialglu", print)
    folder.write_text("a file, not a folder")
    with pytest.raises(OutputError, match="Cannot make the environment"):
        install("mofa", print)

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from napari_trsmi.errors import InputError, OutputError
from trsmi_benchmark import environments
from trsmi_benchmark.environments import (
    environments_folder,
    install,
    interpreter,
    requirements,
    version_in,
    why_missing,
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TRSMI_BENCHMARK_ENVS", str(tmp_path / "environments"))
    return tmp_path / "environments"


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A folder of wheels that is all that is to be had, by pip's settings."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nfind-links = {wheels}\n")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("UV_OFFLINE", "1")
    return wheels


def add_wheel(wheels: Path, name: str, code: str, version: str = "1.5") -> None:
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in files) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(wheels / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(path, content)


def test_this_environment_is_the_default_one():
    assert interpreter("") == Path(sys.executable)


def test_the_folder_is_named_or_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("TRSMI_BENCHMARK_ENVS", str(tmp_path))
    assert environments_folder() == tmp_path
    monkeypatch.delenv("TRSMI_BENCHMARK_ENVS")
    assert "trsmi-benchmark" in str(environments_folder())


@pytest.mark.usefixtures("folder")
def test_what_is_not_installed_is_said():
    assert interpreter("mofa") is None
    assert version_in("mofa") == ""
    assert why_missing("mofa") == "not installed (trsmi-benchmark install mofa)"


def test_requirements_are_those_of_the_extra():
    assert [needed.name for needed in requirements("mofa")] == ["mofapy2"]
    pinned = [needed for needed in requirements("scvi") if needed.name == "torch"]
    assert [str(needed.specifier) for needed in pinned] == ["==2.13.0"]


def test_an_install_that_fails_says_why_and_one_that_works_is_used(folder, wheels, monkeypatch):
    monkeypatch.setitem(environments.ENVIRONMENTS, "small", "small_rival")
    monkeypatch.setattr(environments, "requirements", lambda _: [Requirement("small-rival>=1.0")])
    said = []
    assert not install("small", said.append)
    assert interpreter("small") is None
    assert why_missing("small").startswith("cannot be installed: ")
    assert "small-rival" in why_missing("small")

    add_wheel(wheels, "small_rival", "raise RuntimeError('needs R')")
    assert not install("small", said.append)
    assert why_missing("small") == "cannot be installed: RuntimeError: needs R"

    add_wheel(wheels, "small_rival", "x = 1", version="1.6")
    assert install("small", said.append)
    python = interpreter("small")
    assert folder in python.parents
    assert version_in("small") == "1.6"
    assert said[-1] == "small: installed, version 1.6"
    code = "import importlib.util as u; print(u.find_spec('numpy'), u.find_spec('napari_trsmi'))"
    seen = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.split() == ["None", "None"]  # nothing of ours


def test_unknown_names_and_unwritable_folders(folder, monkeypatch):
    with pytest.raises(InputError, match="no environment 'spatialglu'"):
        install("spatialglu", print)
    folder.write_text("a file, not a folder")
    with pytest.raises(OutputError, match="Cannot make the environment"):
        install("mofa", print)

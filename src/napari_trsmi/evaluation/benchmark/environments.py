"""An environment for each package of others, so that their pins cannot meet ours.

An environment lies in ``NAPARI_TRSMI_ENVS/<name>`` (a cache folder of the user where that is not
set). It sees the packages of the environment that napari-trsmi runs in, and its own before those:
what a rival pins is its own affair. A package that is installed beside napari-trsmi needs none.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pooch

from napari_trsmi.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

_FAILED = "failed.txt"
_LOG = "install.log"


@dataclass(frozen=True)
class Environment:
    """What a rival is installed as.

    Attributes
    ----------
    name
        Of its folder, and of the extra that installs it beside napari-trsmi.
    module
        What its adapter imports.
    requirements
        What pip is asked for; the first is the package itself.
    checked
        What is imported to see that it works; the module where empty.
    """

    name: str
    module: str
    requirements: tuple[str, ...]
    checked: str = ""

    @property
    def distribution(self) -> str:
        """The package whose version is recorded."""
        return self.requirements[0].partition(">")[0]


ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        Environment("spatialglue", "SpatialGlue", ("spatialglue>=1.1",)),
        Environment("spatialglue-3m", "SpatialGlue_3M", ("spatialglue-3m>=0.0.2",)),
        Environment("stagate", "torch_geometric", ("torch-geometric>=2.6",)),
        Environment("mofa", "mofapy2", ("mofapy2>=0.7",)),
        Environment("citefuse", "snf", ("snfpy>=0.2",)),
        Environment("scvi", "scvi", ("scvi-tools>=1.3",)),
        Environment("past", "past", ("bio-past>=1.6",)),
        Environment(
            "deepst",
            "deepstkit",
            ("deepstkit>=2.0", "torch-geometric>=2.6", "setuptools<81"),
            checked="louvain, torch_geometric",  # it needs the shims of its adapter itself
        ),
        Environment("cellcharter", "cellcharter", ("cellcharter>=0.3",)),
        Environment("spatialleiden", "spatialleiden", ("spatialleiden>=0.3",)),
        Environment("smopca", "SMOPCA", ("smopca>=0.1",)),
        Environment("spamv", "SpaMV", ("spamv>=1.0", "setuptools<81")),
    )
}
"""Every environment that an adapter runs in, by name."""


def environments_folder() -> Path:
    """Where environments lie."""
    named = os.environ.get("NAPARI_TRSMI_ENVS")
    return Path(named) if named else Path(pooch.os_cache("napari-trsmi")) / "environments"


def interpreter(name: str) -> Path | None:
    """The Python that runs a method; None where its package is nowhere.

    Parameters
    ----------
    name
        Of the environment; empty for the one that this runs in.
    """
    if not name:
        return Path(sys.executable)
    own = _python(environments_folder() / name)
    if own.is_file() and not (environments_folder() / name / _FAILED).is_file():
        return own
    return Path(sys.executable) if find_spec(ENVIRONMENTS[name].module) else None


def why_missing(name: str) -> str:
    """Why there is no interpreter, in words."""
    failed = environments_folder() / name / _FAILED
    if failed.is_file():
        return f"cannot be installed: {failed.read_text(encoding='utf-8').strip()}"
    return f"not installed (napari-trsmi benchmark --install {name})"


def version_in(name: str) -> str:
    """The version of an environment's package, ``""`` where it is not installed."""
    wanted = ENVIRONMENTS[name].distribution
    folder = environments_folder() / name
    for path in ([str(path) for path in _site_packages(folder)], sys.path):
        found = next(iter(importlib.metadata.distributions(name=wanted, path=path)), None)
        if found is not None:
            return str(found.version)
    return ""


def install(name: str, say: Callable[[str], None]) -> bool:
    """Make an environment, replacing an earlier one, and see whether its package can be imported.

    Parameters
    ----------
    name
        Of the environment.
    say
        Tells the user.

    Returns
    -------
    Whether it worked. Why it did not is kept, and shown in every report.

    Raises
    ------
    InputError
        If there is no such environment.
    OutputError
        If its folder cannot be written.
    """
    if name not in ENVIRONMENTS:
        raise InputError(
            f"There is no environment {name!r} to install; there are {', '.join(ENVIRONMENTS)}."
        )
    environment = ENVIRONMENTS[name]
    folder = environments_folder() / name
    say(f"Installing {', '.join(environment.requirements)} into {folder}")
    try:
        if folder.exists():
            shutil.rmtree(folder)
        subprocess.run(  # noqa: S603  # our own interpreter
            [sys.executable, "-m", "venv", "--without-pip", str(folder)],
            check=True,
            capture_output=True,
        )
        _inherit(folder)
        reason = _install_into(folder, environment)
        if reason:
            (folder / _FAILED).write_text(reason, encoding="utf-8")
    except (OSError, subprocess.CalledProcessError) as error:
        raise OutputError(
            f"Cannot make the environment {folder}: {error}. Choose another folder "
            "(NAPARI_TRSMI_ENVS)."
        ) from error
    say(f"{name}: {reason or 'installed, version ' + version_in(name)}")
    return not reason


def _install_into(folder: Path, environment: Environment) -> str:
    """Install and import; why that failed, or ``""``."""
    python = str(_python(folder))
    log = folder / _LOG
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    # torch stays the one that is here: another may be a CUDA build of gigabytes
    pins = folder / "constraints.txt"
    pins.write_text(f"torch=={importlib.metadata.version('torch').split('+')[0]}\n")
    for command in (
        [*pip, "-c", str(pins), *environment.requirements],
        [python, "-c", f"import {environment.checked or environment.module}"],
    ):
        with log.open("a", encoding="utf-8") as file:
            ended = subprocess.run(  # noqa: S603  # names from the table above
                command, stdout=file, stderr=subprocess.STDOUT, check=False
            )
        if ended.returncode:
            return _last_word(log)
    return ""


def _last_word(log: Path) -> str:
    """The line of a log that says what went wrong."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line or line.startswith("ERROR")]
    return (errors or lines or ["no reason was given"])[-1][:300]


def _inherit(folder: Path) -> None:
    """Let an environment see the packages of this one, pip among them, after its own."""
    (site,) = _site_packages(folder)
    here = sysconfig.get_path("purelib")
    (site / "inherited.pth").write_text(f"import site; site.addsitedir({here!r})\n")


def _site_packages(folder: Path) -> list[Path]:
    """Where an environment keeps its packages; nothing if it is not there."""
    return [*folder.glob("lib/python*/site-packages"), *folder.glob("Lib/site-packages")]


def _python(folder: Path) -> Path:
    windows = sys.platform == "win32"
    return folder / ("Scripts/python.exe" if windows else "bin/python")

"""An environment for each package of others, so that their pins meet neither ours nor each other's.

An environment lies in ``TRSMI_BENCHMARK_ENVS/<name>`` (a cache folder of the user where that is
not set). uv makes it and installs into it what the extra of that name in this distribution asks
for; it sees nothing of the environment that the benchmark runs in.
"""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pooch
from packaging.requirements import Requirement
from uv import find_uv_bin

from napari_trsmi.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

ENVIRONMENTS = {
    "banksy": "banksy",
    "cellcharter": "cellcharter",
    "citefuse": "snf",
    "deepst": "torch_geometric, louvain",  # it needs the shims of its adapter itself
    "graphpca": "GraphPCA",
    "graphst": "GraphST",
    "harmony": "harmonypy",
    "mofa": "mofapy2",
    "past": "past",
    "scvi": "scvi",
    "smart": "smart.train",
    "smopca": "SMOPCA",
    "spamosaic": "torch_geometric, harmony, annoy, hnswlib",  # it needs its adapter's shim itself
    "spamv": "spamv",
    "spatialglue": "SpatialGlue",
    "spatialglue-3m": "SpatialGlue_3M",
    "spatialleiden": "spatialleiden",
    "stagate": "torch_geometric",
}
"""Every environment that an adapter runs in, and what is imported to see that it works."""

_ALONE = {"bio-smart"}
"""Packages whose own requirements are not installed: they pin a torch of 2024, and want R."""
_DISTRIBUTION = "trsmi-benchmark"
_FAILED = "failed.txt"
_LOG = "install.log"
_UV_OPTIONS = {
    "find-links": "--find-links",
    "index-url": "--default-index",
    "extra-index-url": "--index",
}
"""pip's settings of where packages lie, and uv's options for the same."""


def environments_folder() -> Path:
    """Where environments lie."""
    named = os.environ.get("TRSMI_BENCHMARK_ENVS")
    return Path(named) if named else Path(pooch.os_cache(_DISTRIBUTION)) / "environments"


def requirements(name: str) -> list[Requirement]:
    """What an environment needs, that of its rival first: the extra of that name."""
    declared = map(Requirement, importlib.metadata.requires(_DISTRIBUTION) or ())
    return [
        needed
        for needed in declared
        if needed.marker and not needed.marker.evaluate({"extra": ""})
        if needed.marker.evaluate({"extra": name})
    ]


def interpreter(name: str) -> Path | None:
    """The Python that runs a method; None where its environment is not there.

    Parameters
    ----------
    name
        Of the environment; empty for the one that this runs in.
    """
    if not name:
        return Path(sys.executable)
    folder = environments_folder() / name
    python = _python(folder)
    return python if python.is_file() and not (folder / _FAILED).is_file() else None


def why_missing(name: str) -> str:
    """Why there is no interpreter, in words."""
    failed = environments_folder() / name / _FAILED
    if failed.is_file():
        return f"cannot be installed: {failed.read_text(encoding='utf-8').strip()}"
    return f"not installed (trsmi-benchmark install {name})"


def version_in(name: str) -> str:
    """The version of an environment's package, ``""`` where it is not installed."""
    folder = environments_folder() / name
    places = [*folder.glob("lib/python*/site-packages"), *folder.glob("Lib/site-packages")]
    if not places:
        return ""
    wanted = requirements(name)[0].name
    path = [str(place) for place in places]
    found = next(iter(importlib.metadata.distributions(name=wanted, path=path)), None)
    return "" if found is None else str(found.version)


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
    folder = environments_folder() / name
    asked = requirements(name)
    say(f"Installing {', '.join(needed.name for needed in asked)} into {folder}")
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        reason = _install_into(folder, name, asked)
        if reason:
            (folder / _FAILED).write_text(reason, encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"Cannot make the environment {folder}: {error}. Choose another folder "
            "(TRSMI_BENCHMARK_ENVS)."
        ) from error
    say(f"{name}: {reason or 'installed, version ' + version_in(name)}")
    return not reason


def _install_into(folder: Path, name: str, asked: list[Requirement]) -> str:
    """Make it, install and import; why that failed, or ``""``."""
    python = str(_python(folder))
    uv = [find_uv_bin(), "--no-config", "--no-progress"]
    pip = [*uv, "pip", "install", "--python", python, *_where_packages_lie()]
    alone = [_plain(needed) for needed in asked if needed.name in _ALONE]
    others = [_plain(needed) for needed in asked if needed.name not in _ALONE]
    for command in (
        [*uv, "venv", "--allow-existing", "--python", sys.executable, str(folder)],
        [*pip, *others],
        *([[*pip, "--no-deps", *alone]] if alone else []),
        [python, "-c", f"import {ENVIRONMENTS[name]}"],
    ):
        with (folder / _LOG).open("a", encoding="utf-8") as file:
            ended = subprocess.run(  # noqa: S603  # names from the table above
                command, stdout=file, stderr=subprocess.STDOUT, check=False
            )
        if ended.returncode:
            return _last_word(folder / _LOG)
    return ""


def _where_packages_lie() -> list[str]:
    """Uv's options for the indexes that pip is set up to use, which uv does not read by itself."""
    pip = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(pip, capture_output=True, text=True, check=False)  # noqa: S603
    options: dict[str, list[str]] = {}
    for line in listed.stdout.splitlines():  # of lesser weight first: global, user, environment
        name, _, value = line.partition("=")
        option = _UV_OPTIONS.get(name.rpartition(".")[2])
        if option:
            options[option] = " ".join(shlex.split(value)).split()
    chosen = [word for option, values in options.items() for v in values for word in (option, v)]
    # of all that is offered the newest, as pip takes it
    return ["--index-strategy", "unsafe-best-match", *chosen]


def _plain(needed: Requirement) -> str:
    """A requirement as an installer takes it, without the extra that it is of."""
    return f"{needed.name}{needed.specifier}"


def _last_word(log: Path) -> str:
    """The line of a log that says what went wrong."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
    wrong = [n for n, line in enumerate(lines) if "Error" in line or line.startswith("error")]
    said = " ".join(lines[wrong[-1] if wrong else -1 :])
    return said[:400] or "no reason was given"


def _python(folder: Path) -> Path:
    windows = sys.platform == "win32"
    return folder / ("Scripts/python.exe" if windows else "bin/python")

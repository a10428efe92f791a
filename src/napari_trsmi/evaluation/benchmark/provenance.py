"""Where a result comes from: machine, versions, and a fingerprint of the code that made it."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

_PACKAGE = Path(__file__).parents[2]
_RECORDED = ("napari-trsmi", "torch", "numpy", "scipy", "scikit-learn", "scanpy", "anndata")

SHARED_CODE = ("preprocessing", "clustering", "evaluation/metrics.py")
"""What every score depends on: the features, the common clustering, the metrics."""

TRSMI_CODE = (
    *("config.py", "integration.py", "graphs", "model", "training"),
    "evaluation/benchmark/methods/trsmi.py",
)


@cache
def machine() -> dict[str, Any]:
    """What this computer is, in plain JSON types."""
    return {
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": _cores(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
    }


@cache
def versions() -> dict[str, str]:
    """Versions of what this package computes with."""
    found = {}
    for package in _RECORDED:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # pragma: no cover  # all are dependencies
            continue
    return found


def settings_digest(**parts: Any) -> str:
    """A short fingerprint of everything that an outcome depends on.

    Parameters
    ----------
    parts
        In plain JSON types.
    """
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def code_digest(*places: str) -> str:
    """A fingerprint of some of the package's code, without comments, docstrings and layout.

    Parameters
    ----------
    places
        Files, or folders whole, below the package.
    """
    sha = hashlib.sha256()
    for path in _python_files(places):
        sha.update(str(path.relative_to(_PACKAGE)).encode())
        sha.update(_without_words(path.read_text(encoding="utf-8")).encode())
    return sha.hexdigest()[:16]


def module_file(function: str) -> str:
    """The file of ``module:function``, below the package."""
    module = function.partition(":")[0]
    return module.removeprefix("napari_trsmi.").replace(".", "/") + ".py"


def _python_files(places: Iterable[str]) -> list[Path]:
    found: set[Path] = set()
    for place in places:
        path = _PACKAGE / place
        found |= set(path.rglob("*.py")) if path.is_dir() else {path}
    return sorted(path for path in found if path.is_file())


def _without_words(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body
            if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
                node.body = body[1:]
    return ast.dump(tree)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

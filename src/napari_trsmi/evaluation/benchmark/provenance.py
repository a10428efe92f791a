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
    from collections.abc import Iterable, Iterator

_PACKAGE = Path(__file__).parents[2]
_NAME = "napari_trsmi"
_RECORDED = ("napari-trsmi", "torch", "numpy", "scipy", "scikit-learn", "scanpy", "anndata")

FEATURES_CODE = "preprocessing/__init__.py"
SCORING_CODE = "evaluation/benchmark/scoring.py"
_COMPUTES = (
    *("clustering", "config.py", "evaluation/benchmark/methods", "evaluation/benchmark/rivals"),
    *(
        "analysis/metrics.py",
        "graphs",
        "integration.py",
        "model",
        "preprocessing",
        "spots",
        "training",
    ),
)
"""What numbers come from; the rest of the package carries them about."""


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
def code_digest(*files: str) -> str:
    """A fingerprint of code and of all that it imports of this package to compute with.

    Comments, docstrings and layout do not count, nor does what is imported for types alone.

    Parameters
    ----------
    files
        Below the package; one that is not there does not count.
    """
    sha = hashlib.sha256()
    for path, tree in sorted(_with_imports(files).items()):
        sha.update(path.encode())
        sha.update(ast.dump(tree).encode())
    return sha.hexdigest()[:16]


def module_file(function: str) -> str:
    """The file of ``module:function``, below the package."""
    module = function.partition(":")[0]
    return module.removeprefix("napari_trsmi.").replace(".", "/") + ".py"


def _with_imports(files: Iterable[str]) -> dict[str, ast.Module]:
    """The code by file, without words."""
    found: dict[str, ast.Module] = {}
    waiting = [file for file in files if (_PACKAGE / file).is_file()]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found[file] = _Code().visit(ast.parse((_PACKAGE / file).read_text(encoding="utf-8")))
            waiting += [name for name in _imported(found[file]) if name.startswith(_COMPUTES)]
    return found


class _Code(ast.NodeTransformer):
    """Leaves out docstrings and what is there for type checkers only."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
        return super().generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        for_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return None if for_types else self.generic_visit(node)


def _imported(tree: ast.Module) -> Iterator[str]:
    """The package's own files that some code imports."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            place = "/".join(name.split(".")[1:])
            for file in (f"{place}.py", f"{place}/__init__.py"):
                if name.startswith(f"{_NAME}.") and (_PACKAGE / file).is_file():
                    yield file


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

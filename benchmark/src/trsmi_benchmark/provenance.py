"""Where a row comes from: machine, versions, and a fingerprint of the code that made it."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

import napari_trsmi

if TYPE_CHECKING:
    from collections.abc import Iterator

_RECORDED = ("napari-trsmi", "torch", "numpy", "scipy", "scikit-learn", "scanpy", "anndata")
_OURS = ("napari_trsmi", "trsmi_benchmark")
_NO_NUMBERS = ("napari_trsmi.data", "napari_trsmi.output", "trsmi_benchmark.exchange")
"""Rooms that carry numbers about and make none."""


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
def code_digest(module: str) -> str:
    """A fingerprint of a module and of all of ours that it imports to compute with.

    Comments, docstrings and layout do not count, nor does what is imported for types alone.

    Parameters
    ----------
    module
        Its name; one that is not there does not count.
    """
    sha = hashlib.sha256()
    for name, tree in sorted(with_imports(module).items()):
        sha.update(name.encode())
        sha.update(ast.dump(tree).encode())
    return sha.hexdigest()[:16]


def with_imports(module: str) -> dict[str, ast.Module]:
    """The code of a module and of those of ours that it imports, without words, by name."""
    found: dict[str, ast.Module] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = _file(name)
        if name in found or file is None:
            continue
        found[name] = _Code().visit(ast.parse(file.read_text(encoding="utf-8")))
        waiting += [other for other in _imported(found[name]) if not other.startswith(_NO_NUMBERS)]
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
    """Names that may be modules of ours, of what some code imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "napari_trsmi":  # public names live elsewhere
                public = (getattr(napari_trsmi, alias.name) for alias in node.names)
                yield from (getattr(thing, "__module__", "") for thing in public)
            else:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file(module: str) -> Path | None:
    """The source of a module of ours."""
    if module.partition(".")[0] not in _OURS or module in _OURS:
        return None
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:  # a name in a module, not a module
        return None
    return Path(spec.origin) if spec is not None and spec.origin else None


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

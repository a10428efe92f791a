"""Dataclasses that hold arrays compare by identity: arrays have no single answer to ``==``."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import napari_trsmi

PACKAGE = Path(napari_trsmi.__file__).parent
ARRAYS = {"AnnData", "DataFrame", "Index", "Matrix", "NDArray", "Series", "Tensor", "csr_array"}


def _dataclasses() -> dict[str, tuple[set[str], bool]]:
    """List the words in the types of each dataclass's fields, and whether it has its own ``==``."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        if "benchmark" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                made = [ast.unparse(decorator) for decorator in node.decorator_list]
                for decorator in made:
                    if decorator.startswith("dataclass"):
                        found[node.name] = _words(node), "eq=False" not in decorator
    return found


def _words(dataclass: ast.ClassDef) -> set[str]:
    types = [ast.unparse(f.annotation) for f in dataclass.body if isinstance(f, ast.AnnAssign)]
    held = [kind for kind in types if not kind.startswith("Callable")]
    return {word for kind in held for word in re.findall(r"\w+", kind)}


def test_what_holds_arrays_compares_by_identity():
    classes = _dataclasses()
    holding: set[str] = set()
    while (
        new := {name for name, (words, _) in classes.items() if words & (ARRAYS | holding)}
        - holding
    ):
        holding |= new
    assert {"SpatialOmics", "TRSMIResult", "Problem", "RunJob", "Finished"} <= holding
    assert sorted(name for name in holding if classes[name][1]) == []

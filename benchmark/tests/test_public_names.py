"""The benchmark stands on what every user of napari-trsmi has."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import napari_trsmi
import trsmi_benchmark

ROOT = Path(trsmi_benchmark.__file__).parent


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_public_names_are_imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert all(not alias.name.startswith("napari_trsmi.") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("napari_trsmi"):
            assert node.module in ("napari_trsmi", "napari_trsmi.errors")
            if node.module == "napari_trsmi":
                assert {alias.name for alias in node.names} <= set(napari_trsmi.__all__)

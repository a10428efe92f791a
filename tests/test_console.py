"""The session of docs/console.md, line by line."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from napari.components import ViewerModel

from napari_trsmi.cli import main

SESSION = Path(__file__).parents[1] / "docs" / "console.md"


def _blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", SESSION.read_text(), re.DOTALL | re.MULTILINE)


def test_every_line_of_the_session_runs(tmp_path, monkeypatch, capsys):
    pytest.importorskip("spatialdata")
    pytest.importorskip("squidpy")
    monkeypatch.chdir(tmp_path)
    for command in _blocks("bash"):
        program, *arguments = shlex.split(command)
        assert program == "napari-trsmi"
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.output
    viewer = ViewerModel()
    names = {"viewer": viewer}
    blocks = _blocks("python")
    assert len(blocks) > 5
    for block in blocks:
        exec(compile(block, SESSION.name, "exec"), names)  # noqa: S102
    assert [layer.name for layer in viewer.layers[-3:]] == [
        "TRSMI domains",
        "Boundaries of TRSMI domains",
        "Disagreements of TRSMI domains",
    ]
    written = {path.name for path in tmp_path.iterdir()}
    assert written >= {"result.h5ad", "domains.geojson", "domains.zarr", "domains.png"}
    assert "simulated/rna.h5ad" in capsys.readouterr().out

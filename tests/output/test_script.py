"""A script is run in a process of its own, as a user would; the others in this one."""

from __future__ import annotations

import runpy
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest

from napari_trsmi import Config, integrate, load, read_result, simulate
from napari_trsmi.output.script import as_python
from napari_trsmi.output.tables import write_table
from napari_trsmi.viewer.domains.edits import DomainEdits


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Simulated tables as files."""
    folder = tmp_path_factory.mktemp("tables")
    data = simulate("complementary", n_spots=150, image=False)
    paths = {}
    for modality in data.modalities[:2]:
        paths[modality.name] = str(folder / f"{modality.name}.h5ad")
        write_table(modality.table, folder / f"{modality.name}.h5ad")
    return paths


@pytest.fixture(scope="module")
def run(files):
    return integrate(files, n_domains=3, epochs=2, seed=7, teleports=(0.3, 0.2, 0.1))


@pytest.fixture
def repeated(tmp_path, monkeypatch):
    """Run a script in an empty folder and return what it writes."""

    def run(script, *, apart=False):
        path = tmp_path / "again.py"
        path.write_text(script, encoding="utf-8")
        if apart:
            done = subprocess.run(
                [sys.executable, path], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
        else:
            monkeypatch.chdir(tmp_path)
            runpy.run_path(str(path))
        return read_result(tmp_path / "domains.h5ad")

    return run


def test_only_what_differs_from_the_defaults_is_there(run, files):
    script = as_python(run)
    call = script.split("integrate(\n")[1].split("\n)")[0].splitlines()
    assert [line.strip().split("=")[0] for line in call[1:]] == [
        "n_domains",
        "seed",
        "teleports",
        "epochs",
    ]
    for path in files.values():
        assert path in call[0]
    assert "#" not in script


def test_the_script_finds_identical_domains_with_the_same_edits(run, repeated):
    edits = DomainEdits(run)
    edits.rename("2", 'Cortex "L2"')
    edits.merge(["1", "3"])
    edits.recolor("1", "#123456")
    edits.recolor_all({'Cortex "L2"': "#abcdef"})
    edited = edits.result()
    again = repeated(as_python(edited), apart=True)
    pd.testing.assert_series_equal(again.domains, edited.domains)
    assert again.colors == edited.colors
    assert again.record["parameters"] == edited.record["parameters"]


def test_every_input_is_repeated(files, tmp_path, repeated):
    data = load(files)
    xy = pd.DataFrame(data.coordinates * 2, index=data.spots, columns=["x", "y"])
    xy.to_csv(tmp_path / "xy.csv", index_label="spot")
    result = integrate(
        [f"{name}={path}" for name, path in files.items()],
        positions=str(tmp_path / "xy.csv"),
        n_domains=3,
        epochs=1,
    )
    script = as_python(result)
    assert f'positions="{tmp_path / "xy.csv"}"' in script
    assert "seed=0" in script
    again = repeated(script)
    pd.testing.assert_series_equal(again.domains, result.domains)


def test_simulated_tables_are_simulated_again(repeated):
    how = {"setting": "complementary", "n_spots": 120, "image": False}
    data = replace(simulate(**how), load_arguments={"simulate": how})
    result = integrate(data, n_domains=3, epochs=1)
    script = as_python(result)
    assert 'trsmi.simulate(setting="complementary", n_spots=120, image=False)' in script
    pd.testing.assert_series_equal(repeated(script).domains, result.domains)


def test_what_came_from_memory_is_to_be_filled_in(files):
    tables = {m.name: m.table for m in load(files).modalities}
    xy = load(files).coordinates
    result = integrate(tables, positions=xy, image=None, n_domains=3, epochs=1)
    script = as_python(result)
    assert "# The tables came from memory" in script
    assert '{"rna": "rna.h5ad", "protein": "protein.h5ad"}' in script
    assert "# The positions came from memory" in script
    assert 'positions="positions.csv"' in script
    given = as_python(result, tables=files)
    assert "# The tables came from memory" not in given
    assert files["rna"] in given


def test_an_older_name_of_a_parameter_is_known(run):
    older = {"seed": 0, "border_contrast": 1.5}
    script = as_python(replace(run, record={**run.record, "parameters": older}))
    assert "    edge_contrast=1.5,\n" in script


def test_an_image_from_memory_is_left_out(run):
    record = {**run.record, "inputs": {**run.record["inputs"], "image": None}}
    script = as_python(replace(run, record=record))
    assert "# The image came from memory; the domains do not depend on it." in script
    assert "image=" not in script


def test_what_cannot_be_repeated_is_said(run):
    stopped = {**run.record, "stopped": "stopped by the user after 1 of 2 epochs"}
    script = as_python(replace(run, record=stopped))
    assert "# That run was stopped by the user after 1 of 2 epochs; this one goes to the end." in (
        script
    )
    named = replace(run, domains=run.domains.cat.rename_categories({"1": "tumour"}))
    assert "# Its domains have names of their own" in as_python(named)
    largest_last = run.domains.cat.rename_categories({"1": "3", "3": "1"})
    largest_last = largest_last.cat.reorder_categories(["1", "2", "3"])
    assert "# Its domains have names of their own" in as_python(replace(run, domains=largest_last))


def test_the_script_is_python_whatever_the_record_lacks(make_result):
    script = as_python(make_result())
    compile(script, "again.py", "exec")
    assert "trsmi.integrate(" in script
    assert set(Config.model_fields) >= {"seed", "teleports"}
    assert "teleports=[0.2, 0.1]" in script

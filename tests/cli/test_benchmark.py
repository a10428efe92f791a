"""The command, end to end on a small simulation."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from functools import partial
from io import BytesIO
from zipfile import ZipFile

import pandas as pd
import pytest

from napari_trsmi.data.public import downloads
from napari_trsmi.evaluation.benchmark import environments
from napari_trsmi.evaluation.benchmark.store import Store

SMALL = ("--data", "simulated_published", "--n-spots", 100)


def test_quick_then_report(invoke, tmp_path):
    store = tmp_path / "results.sqlite"
    quick = ("benchmark", "--quick", "--n-spots", 100, "--store", store)
    ended = invoke(*quick)
    assert ended.exit_code == 0, ended.output
    for words in ("Overall-Avg", "TRSMI", "Concatenation, one spatial"):
        assert words in ended.stdout
    assert "[6/6] simulated_published@100, concatenated_mean_1, seed 1" in ended.stderr
    again = invoke(*quick)
    assert again.stdout == ended.stdout
    assert f"6 runs in {store} from before" in again.stderr
    written = invoke("benchmark", "report", store, "--output", tmp_path / "report", "--no-umap")
    assert written.exit_code == 0, written.output
    readme = (tmp_path / "report" / "README.md").read_text()
    assert "| **TRSMI** | " in readme
    assert (tmp_path / "report" / "report.html").stat().st_size > 20_000
    runs = pd.read_csv(tmp_path / "report" / "runs.csv").query("domains == 'common'")
    means = runs.groupby("method")["Overall-Avg"].mean()
    assert f"{means['trsmi']:.2f} ± " in readme
    assert list(runs.groupby("method")["seed"].nunique()) == [2, 2, 2]


def test_ablation_and_sensitivity(invoke, tmp_path):
    store = tmp_path / "results.sqlite"
    limits = ("--seeds", 1, "--time-limit", 0.001, "--store", store)
    ended = invoke("benchmark", "ablation", *SMALL, *limits)
    assert ended.exit_code == 0, ended.output
    ended = invoke("benchmark", "sensitivity", "--factor", "beta_0", *SMALL, *limits)
    assert ended.exit_code == 0, ended.output
    with Store(store, create=False) as results:
        runs = results.runs()
    assert [run.status for run in runs] == ["over_time"] * 16
    assert runs[0].message == "over 0.06 s"
    assert sum(run.method.startswith("sensitivity/default/beta_0=") for run in runs) == 10


def test_help_names_options_and_commands(invoke):
    shown = invoke("benchmark", "--help").stdout
    for words in ("--quick", "--memory-limit", "ablation", "sensitivity", "report", "Exit codes"):
        assert words in shown


def test_lists(invoke, monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_TRSMI_DATA", str(tmp_path))
    monkeypatch.setenv("NAPARI_TRSMI_ENVS", str(tmp_path))
    ended = invoke("benchmark", "--list")
    assert ended.exit_code == 0
    assert "mouse_brain_p22" in ended.stdout
    assert "not here" in ended.stdout
    assert "spatialglue_3m" in ended.stdout


def test_absent_data_sets_are_left_out_and_said(invoke, monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_TRSMI_DATA", str(tmp_path))
    run = ("--methods", "one_domain", "--seeds", 1, "--store", tmp_path / "r.sqlite")
    ended = invoke("benchmark", *SMALL, "--data", "her2_a1", *run)
    assert ended.exit_code == 0, ended.output
    assert "her2_a1 is left out: there is no" in ended.stderr
    ended = invoke("benchmark", "--data", "her2_a1", *run)
    assert ended.exit_code == 2
    assert "None of the data sets is here" in ended.stderr


def test_public_data_sets_are_downloaded_on_request(invoke, monkeypatch, tmp_path, tables, zenodo):
    content = BytesIO()
    with ZipFile(content, "w") as file:
        file.write(tables / "rna.h5ad", "HLN/adata_RNA.h5ad")
        file.write(tables / "protein.h5ad", "HLN/adata_ADT.h5ad")
        file.writestr("HLN/GT_labels.txt", "\n".join(str(i % 3) for i in range(200)))
    zenodo.files = {"HLN.zip": content.getvalue()}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(downloads, "download", partial(downloads.download, server=zenodo.address))
    run = ("benchmark", "--data", "public_lymph_node", "--methods", "one_domain", "--seeds", 1)
    run += ("--store", tmp_path / "results.sqlite")
    assert "--download gets it" in invoke(*run).stderr
    assert not zenodo.asked
    ended = invoke(*run, "--download")
    assert ended.exit_code == 0, ended.output
    assert "Downloading Human lymph node" in ended.stderr
    assert "[1/1] public_lymph_node, one_domain, seed 0: Overall-Avg" in ended.stderr
    asked = len(zenodo.asked)
    assert invoke(*run, "--download").exit_code == 0
    assert len(zenodo.asked) == asked


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--methods", "trmsi"), 2, "no method 'trmsi'"),
        (("--data", "brain"), 2, "no data set 'brain'"),
        (("--seeds", "some"), 2, "neither a whole number nor 'auto'"),
        (("--seeds", "0"), 2, "give 1 or more"),
        (("--store", "results.txt"), 3, "must end in .sqlite or .db"),
        (("--install", "spatialglu"), 2, "no environment 'spatialglu'"),
        (("sensitivity", "--factor", "gamma"), 2, "no factor 'gamma'"),
        (("report", "missing.sqlite", "-o", "out"), 2, "no results file"),
    ],
)
def test_what_cannot_be_done_is_said(invoke, tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    ended = invoke("benchmark", *arguments)
    assert ended.exit_code == code, ended.output
    assert words in ended.output
    assert "Traceback" not in ended.output


def test_install_tells_how_it_went(invoke, monkeypatch):
    asked = []

    def install(name, say):
        asked.append(name)
        say(f"{name}: installed")
        return name != "scvi"

    monkeypatch.setattr(environments, "install", install)
    ended = invoke("benchmark", "--install", "mofa")
    assert (ended.exit_code, asked) == (0, ["mofa"])
    assert "mofa: installed" in ended.stderr
    ended = invoke("benchmark", "--install", "all")
    assert asked[1:] == list(environments.ENVIRONMENTS)
    assert "shows why" in ended.stderr


@pytest.fixture
def _listens_to_interrupts():
    """What a shell starts in the background ignores SIGINT, and so would all that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.usefixtures("_listens_to_interrupts")
def test_interrupted_it_says_how_to_go_on(tmp_path):
    store = tmp_path / "results.sqlite"
    command = [sys.executable, "-m", "napari_trsmi", "benchmark", *map(str, SMALL)]
    command += ["--methods", "one_domain,trsmi", "--seeds", "1", "--store", str(store)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        first = running.stderr.readline()
        running.send_signal(signal.SIGINT)
        _, stderr = running.communicate(timeout=60)
    assert "one_domain" in first
    assert running.returncode == 130
    assert "1 run in" in stderr
    assert stderr.endswith("Interrupted.\n")
    assert "Traceback" not in stderr
    with sqlite3.connect(store) as results:
        rows = results.execute("SELECT method, status, measured FROM runs").fetchall()
    results.close()
    assert [(method, status) for method, status, _ in rows] == [("one_domain", "done")]
    assert json.loads(rows[0][2])["p_value"] == 1

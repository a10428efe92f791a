"""The command, end to end on a small simulation."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from zipfile import ZipFile

import pandas as pd
import pytest
from click.testing import CliRunner

from napari_trsmi import public_data, simulate
from trsmi_benchmark import environments
from trsmi_benchmark.cli import main
from trsmi_benchmark.rows import read_rows

SMALL = ("--data", "simulated_published", "--n-spots", 100)


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_quick_then_report(tmp_path):
    rows = tmp_path / "rows.jsonl"
    quick = ("run", "--quick", "--n-spots", 100, "--rows", rows)
    ended = invoke(*quick)
    assert ended.exit_code == 0, ended.output
    for words in ("Overall-Avg", "TRSMI", "One spatial mean"):
        assert words in ended.stdout
    assert "[6/6] simulated_published@100, means_1, seed 1: ARI" in ended.stderr
    again = invoke(*quick)
    assert again.stdout == ended.stdout
    assert f"6 runs in {rows} from before" in again.stderr
    written = invoke("report", rows, "--output", tmp_path / "report")
    assert written.exit_code == 0, written.output
    readme = (tmp_path / "report" / "README.md").read_text()
    assert "| **TRSMI** | " in readme
    assert "_maps.png" in readme
    assert (tmp_path / "report" / "report.html").stat().st_size > 20_000
    shown = invoke("show", rows)
    assert shown.exit_code == 0, shown.output
    assert "Simulations" in shown.stdout
    assert "1.00 (1)" in shown.stdout
    runs = pd.read_csv(tmp_path / "report" / "runs.csv").query("domains == 'common'")
    means = runs.groupby("method")["Overall-Avg"].mean()
    assert f"{means['means_1']:.1f} ± " in readme
    assert list(runs.groupby("method")["seed"].nunique()) == [2, 2, 2]


def test_ablation_and_sensitivity(tmp_path):
    rows = tmp_path / "rows.jsonl"
    limits = ("--seeds", 1, "--time-limit", 0.001, "--rows", rows)
    ended = invoke("ablation", *SMALL, *limits)
    assert ended.exit_code == 0, ended.output
    ended = invoke("sensitivity", "--factor", "beta_0", *SMALL, *limits)
    assert ended.exit_code == 0, ended.output
    found = read_rows([rows])
    assert [row.status for row in found] == ["over_time"] * 16
    assert found[0].message == "over 0.06 s"
    assert sum(row.method.startswith("sensitivity/default/beta_0=") for row in found) == 10


def test_help_names_options_and_commands():
    shown = invoke("--help").stdout + invoke("run", "--help").stdout
    for words in ("--quick", "--memory-limit", "ablation", "sensitivity", "report", "install"):
        assert words in shown


def test_lists(monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_TRSMI_DATA", str(tmp_path))
    monkeypatch.setenv("TRSMI_BENCHMARK_ENVS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")
    ended = invoke("list")
    assert ended.exit_code == 0, ended.output
    for words in ("mouse_brain_p22", "not here", "spatialglue_3m", "regions", "naive"):
        assert words in ended.stdout


@pytest.mark.parametrize("width", ["60", "200"])
def test_nothing_of_the_table_is_cut_off(monkeypatch, width, tmp_path):
    monkeypatch.setenv("COLUMNS", width)
    run = ("--data", "simulations", "--n-spots", 40, "--methods", "one_domain,permuted")
    ended = invoke("run", *run, "--seeds", 1, "--rows", tmp_path / "rows.jsonl")
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.count("simulated_") == 6
    assert "…" not in ended.stdout


def test_absent_data_sets_are_left_out_and_said(monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_TRSMI_DATA", str(tmp_path))
    run = ("--methods", "one_domain", "--seeds", 1, "--rows", tmp_path / "r.jsonl")
    ended = invoke("run", *SMALL, "--data", "cortex_151507", *run)
    assert ended.exit_code == 0, ended.output
    assert "cortex_151507 is left out: there is no" in ended.stderr
    ended = invoke("run", "--data", "cortex_151507", *run)
    assert ended.exit_code == 2
    assert "None of the data sets is here" in ended.stderr


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of files that has Zenodo's record of the lymph node; returns its address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "server"
    data = simulate("complementary", n_spots=200, image=False)
    number = public_data.RECORDS["praga"].number
    records = folder / "api" / "records"
    records.mkdir(parents=True)
    with ZipFile(folder / "HLN.zip", "w") as file:
        for modality, name in zip(data.modalities[:2], ("RNA", "ADT"), strict=True):
            table = modality.table.copy()
            table.obsm["spatial"] = data.coordinates
            table.write_h5ad(tmp_path / "table.h5ad")
            file.write(tmp_path / "table.h5ad", f"HLN/adata_{name}.h5ad")
        file.writestr("HLN/GT_labels.txt", "\n".join(str(i % 3) for i in range(200)))
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    address = f"http://127.0.0.1:{server.server_port}"
    content = (folder / "HLN.zip").read_bytes()
    entry = {
        "key": "HLN.zip",
        "size": len(content),
        "checksum": f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}",
        "links": {"self": f"{address}/HLN.zip"},
    }
    (records / str(number)).write_text(json.dumps({"files": [entry]}))
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.02))
    thread.start()
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


def test_public_data_sets_are_downloaded_on_request(monkeypatch, tmp_path, server):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(public_data, "download", partial(public_data.download, server=server))
    run = ("run", "--data", "public_lymph_node", "--methods", "one_domain", "--seeds", 1)
    run += ("--rows", tmp_path / "rows.jsonl")
    assert "--download gets it" in invoke(*run).stderr
    ended = invoke(*run, "--download")
    assert ended.exit_code == 0, ended.output
    assert "Downloading Human lymph node" in ended.stderr
    assert "[1/1] public_lymph_node, one_domain, seed 0: ARI 0.0" in ended.stderr
    assert "Downloading" not in invoke(*run, "--download").stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("run", "--methods", "trsmy"), 2, "no method 'trsmy'"),
        (("run", "--data", "brain"), 2, "no data set 'brain'"),
        (("run", "--seeds", "some"), 2, "neither a whole number from 1 nor 'auto'"),
        (("run", "--seeds", "0"), 2, "neither a whole number from 1 nor 'auto'"),
        (("run", "--rows", "results.txt"), 3, "must end in .jsonl"),
        (("run", "--rows", "missing/results.jsonl"), 3, "there is no folder missing"),
        (("install", "spatialglu"), 2, "no environment 'spatialglu'"),
        (("sensitivity", "--factor", "gamma"), 2, "no factor 'gamma'"),
        (("report", "missing.jsonl", "-o", "out"), 2, "no rows in missing.jsonl"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    ended = invoke(*arguments)
    assert ended.exit_code == code, ended.output
    assert words in ended.output
    assert "Traceback" not in ended.output


def test_install_tells_how_it_went(monkeypatch):
    asked = []

    def install(name, say):
        asked.append(name)
        say(f"{name}: installed")
        return name != "scvi"

    monkeypatch.setattr(environments, "install", install)
    ended = invoke("install", "mofa")
    assert (ended.exit_code, asked) == (0, ["mofa"])
    assert "mofa: installed" in ended.stderr
    ended = invoke("install", "all")
    assert asked[1:] == list(environments.ENVIRONMENTS)
    assert "shows why" in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_says_how_to_go_on(tmp_path, number):
    rows = tmp_path / "rows.jsonl"
    command = [sys.executable, "-m", "trsmi_benchmark", "run", *map(str, SMALL)]
    command += ["--methods", "one_domain,trsmi", "--seeds", "1", "--rows", str(rows)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    ) as running:
        first = running.stderr.readline()
        running.send_signal(number)
        _, stderr = running.communicate(timeout=60)
    assert "one_domain" in first
    assert running.returncode == 130
    assert "1 run in" in stderr
    assert stderr.endswith("Interrupted.\n")
    assert "Traceback" not in stderr
    (row,) = read_rows([rows])
    assert (row.method, row.status, row.measured["p_value"]) == ("one_domain", "done", 1)

"""``napari-trsmi demo``: the first thing that anyone runs."""

from __future__ import annotations

import sys
from dataclasses import replace

import pandas as pd
import pytest
from PIL import Image

from napari_trsmi import read_result, simulate
from napari_trsmi.cli import demo

FILES = {"domains.h5ad", "domains.csv", "domains.png"}


@pytest.fixture
def answered(job, make_result, unpainted):
    """Let the stand-in answer with the truth, mostly."""
    data = simulate("tissue", image=False)
    result = make_result(n_spots=data.n_spots, n_domains=6)
    domains = (data.annotations["domain"].cat.codes + 1).astype(str).astype("category")
    job.result = replace(
        result,
        domains=domains,
        confidence=result.confidence.set_axis(data.spots),
        modality_weights=result.modality_weights.set_axis(data.spots),
        annotations=data.annotations,
        coordinates=data.coordinates,
    )
    return job


def test_for_real(invoke, tmp_path):
    ended = invoke("demo", "--output", tmp_path / "demo", "--epochs", 1, "--no-window")
    assert ended.exit_code == 0, ended.output
    assert {path.name for path in (tmp_path / "demo").iterdir()} == FILES
    result = read_result(tmp_path / "demo" / "domains.h5ad")
    assert result.n_domains == 6
    table = pd.read_csv(tmp_path / "demo" / "domains.csv", index_col=0, dtype={1: str})
    assert list(table["trsmi_domain"]) == list(result.domains)
    with Image.open(tmp_path / "demo" / "domains.png") as picture:
        assert picture.width > 800


def test_says_where_the_files_are_and_scores_against_the_truth(invoke, answered, tmp_path):
    ended = invoke("demo", "-o", tmp_path, "--no-window")
    assert ended.exit_code == 0, ended.output
    for name in FILES:
        assert f"Wrote {tmp_path / name}\n" in ended.stdout
    (ari,) = [line.split() for line in ended.stdout.splitlines() if line.split()[:1] == ["ARI"]]
    assert ari[1:3] == ["100.00", "0.00"]


def test_is_safe_to_run_twice(invoke, answered, tmp_path):
    arguments = ("demo", "-o", tmp_path, "--no-window", "--seed", 0)
    assert invoke(*arguments).exit_code == 0
    (tmp_path / "domains.csv").write_text("old")
    assert invoke(*arguments).exit_code == 0
    assert (tmp_path / "domains.csv").read_text() != "old"


def test_a_file_in_the_way_of_the_folder(invoke, job, tmp_path):
    (tmp_path / "demo").touch()
    ended = invoke("demo", "-o", tmp_path / "demo")
    assert ended.exit_code == 3
    assert "Cannot make the folder" in ended.stderr
    assert job.calls == 0


class TestWindow:
    @pytest.fixture
    def shown(self, monkeypatch):
        shown = []
        monkeypatch.setattr(demo, "_show", shown.append)
        return shown

    @pytest.fixture
    def display(self, monkeypatch):
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setenv("DISPLAY", ":0")
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)

    @pytest.mark.usefixtures("display")
    def test_opens_where_there_is_a_display(self, invoke, answered, tmp_path, shown):
        invoke("demo", "-o", tmp_path)
        assert shown == [answered.result]

    @pytest.mark.usefixtures("display")
    def test_stays_closed_when_told(self, invoke, answered, tmp_path, shown):
        invoke("demo", "-o", tmp_path, "--no-window")
        assert shown == []

    @pytest.mark.usefixtures("display")
    @pytest.mark.parametrize("why", ["no display", "offscreen", "no binding"])
    def test_stays_closed_where_it_cannot_open(self, monkeypatch, why):
        assert demo._can_open_windows()
        if why == "no display":
            monkeypatch.delenv("DISPLAY")
        elif why == "offscreen":
            monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
        else:
            monkeypatch.setattr(demo, "find_spec", lambda _name: None)
        assert not demo._can_open_windows()

    @pytest.mark.usefixtures("display")
    def test_a_mac_needs_no_display_variable(self, monkeypatch):
        monkeypatch.delenv("DISPLAY")
        monkeypatch.setattr(sys, "platform", "darwin")
        assert demo._can_open_windows()

    @pytest.mark.usefixtures("real_window")
    def test_shows_tissue_and_domains(self, make_napari_viewer, make_result, monkeypatch):
        import napari

        opened, ran = [], []

        def open_viewer(*, title):
            opened.append(make_napari_viewer(title=title, show=True))
            return opened[-1]

        monkeypatch.setattr(napari, "Viewer", open_viewer)
        monkeypatch.setattr(napari, "run", lambda: ran.append(True))
        demo._show(make_result())
        assert ran == [True]
        assert [layer.name for layer in opened[0].layers] == ["Tissue", "TRSMI domains"]

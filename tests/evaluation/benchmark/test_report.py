from __future__ import annotations

import re

import numpy as np
import pytest

from napari_trsmi.errors import InputError
from napari_trsmi.evaluation.benchmark.document import (
    Picture,
    Section,
    Table,
    as_html,
    as_markdown,
)
from napari_trsmi.evaluation.benchmark.report import write_report
from napari_trsmi.evaluation.benchmark.store import Store


@pytest.fixture
def write(tmp_path, make_data_set):
    """Write the report of some runs on the data set ``one``; returns both texts."""

    def write(runs, *, umap=False, said=None, **about):
        with Store(tmp_path / "r.sqlite") as store:
            store.add_data_set(make_data_set(**about))
            for run in runs:
                store.add(run)
            say = [].append if said is None else said.append
            paths = write_report(store, tmp_path, umap=umap, say=say)
        assert [path.name for path in paths] == ["README.md", "report.html", "runs.csv"]
        return [path.read_text(encoding="utf-8") for path in paths[:2]]

    return write


def rows_of(markdown, heading):
    """The rows of the first table below a heading, by their first cell."""
    below = markdown.split(f"# {heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\n)+", below, re.M).group()
    rows = [
        [cell.strip() for cell in line.strip("|\n").split(" | ")] for line in table.splitlines()
    ]
    return {row[0].strip("* "): row[1:] for row in rows[2:]} | {"": rows[0]}


def test_every_run_has_its_row(write, make_run):
    runs = [
        *(make_run("trsmi", 60.0 + seed, seed=seed, group="trsmi") for seed in range(3)),
        *(make_run("rival", 50.0 - seed**2, seed=seed, own=45.0) for seed in range(3)),
        make_run("slow", None, status="over_time", message="over 20 min"),
        make_run("big", None, status="over_memory", message="over 8 GB"),
        make_run("broken", None, status="failed", message="ValueError: a | b"),
        make_run("counted", None, status="unfit", message="needs counts", measured=LIMITS),
        make_run("gone", None, status="missing", message="not installed", measured=LIMITS),
        make_run("lucky", 5.0, measured={**LIMITS, "p_value": 0.4}),
        make_run("one_domain", 20.0, group="degenerate"),
    ]
    markdown, html = write(runs)
    quality = rows_of(markdown, "Quality: Overall-Avg")
    assert quality["Trsmi"] == ["1.00 (1)", "**61.00 ± 1.00**"]
    assert quality["Rival"][1] == "48.33 ± 2.08"
    assert quality["Slow"][1] == "over 20 min"
    assert quality["Big"][1] == "over 8 GB"
    assert quality["Broken"][1] == "ValueError: a \\| b"
    assert quality["Counted"] == ["", "needs counts"]
    assert quality["Gone"] == ["", "not installed"]
    assert "chance, p = 0.4" in quality["Lucky"][1]
    assert quality["One_domain"][0] == ""
    against = rows_of(markdown, "TRSMI against each other method")
    assert re.fullmatch(r"\+12\.67 \(p = 0\.\d+, paired t, n = 3\)", against["Rival"][0])
    cost = markdown.split("# Time and memory")[1]
    assert "> 6" in cost
    assert "| **Trsmi** | 5 | 3 | 300 | 1 |" in cost
    assert "45.00 ± 0.00" in markdown  # its own domains
    assert "Not scored:" in markdown
    for words in (
        "Labels are used to score and for nothing else",
        "one setting of its parameters for all data sets",
        "A processor, 2 cores",
        "numpy 2.0",
        "Runs of 2026-01-02",
        "13 runs: 8 done, 1 over the time limit",
    ):
        assert words in markdown, words
        assert words.replace("'", "&#39;") in html, words


LIMITS = {"time_limit": 60.0, "memory_limit": 2.0**30}


def test_the_page_stands_alone(write, make_run):
    _, html = write([make_run("trsmi", 60.0, group="trsmi"), make_run("rival", 50.0)])
    sources = re.findall(r'(?:src|href)="([^"]{1,30})', html)
    assert sources
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in sources)
    assert "http" not in html


def test_pictures_are_beside_the_markdown(write, make_run, tmp_path):
    markdown, _ = write([make_run("trsmi", 60.0, group="trsmi"), make_run("rival", 50.0)])
    named = re.findall(r"!\[[^\]]+\]\((images/[^)]+)\)", markdown)
    assert {name.rpartition("_")[2] for name in named} == {"boxes.png", "maps.png", "cost.png"}
    for name in named:
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_umaps_are_made_once(write, make_run):
    rng = np.random.default_rng(0)
    embedding = rng.normal(size=(12, 4)).astype(np.float32)
    said = []
    runs = [make_run("trsmi", 60.0, group="trsmi", embedding=embedding)]
    for _ in range(2):
        markdown, _ = write(runs, umap=True, said=said)
        assert "one_umap.png" in markdown
    assert said == ["UMAP of trsmi on one"]


def test_labels_of_several_columns_have_a_chapter(write, make_run):
    metrics = make_run("x", 30.0).scores["label"]
    scores = {"label": metrics, "other": {**metrics, "ARI": 10.0}}
    runs = [make_run("trsmi", 30.0, group="trsmi", scores=scores)]
    runs += [make_run("only_rna", 30.0, group="baseline", scores=scores)]
    between = {"other": {"ARI": 44.4}}
    markdown, _ = write(runs, more_labels=["other"], between_labels=between)
    rows = rows_of(markdown, "Data set one: consistency of the modalities")
    assert rows["Trsmi"] == ["30.0", "10.0", "20.0", "100.0"]
    assert "44.4 (`other`)" in markdown


def sweep(make_run, name, value, overall, factor, label, seed=0):
    group = name.partition("/")[0]
    description = {"label": label, "group": group, "parameters": {}, "about": ""}
    description |= {"factor": factor, "value": value}
    return make_run(name, overall, seed=seed, group=group, description=description)


def test_ablation_and_sensitivity_have_chapters(write, make_run):
    runs = [
        sweep(make_run, f"ablation/default/{name}", None, overall + seed, "default", name, seed)
        for name, overall in (("none", 50.0), ("all four", 52.0))
        for seed in range(2)
    ]
    runs += [
        sweep(
            make_run,
            f"sensitivity/default/{factor}={value:g}",
            value,
            40.0 + value,
            f"default/{factor}",
            f"{factor}: {value:g}",
        )
        for factor, values in (("epochs", (1.0, 10.0, 100.0)), ("beta", (1.5, 2.0)))
        for value in values
    ]
    markdown, _ = write(runs)
    ablation = rows_of(markdown, "Ablation: Data set one, preset default")
    assert ablation["all four"][:2] == ["2", "52.50 ± 0.71"]
    factors = rows_of(markdown, "Sensitivity: Data set one, preset default")
    assert factors["epochs"][0] == "41.00 to 140.00"
    assert factors["beta"][1] == "1.5: 41.5, 2: 42.0"
    assert "one_ablation_default.png" in markdown
    assert "one_sensitivity_default.png" in markdown
    assert "Quality: Overall-Avg" not in markdown


def test_mixed_settings_are_said(write, make_run):
    runs = [make_run("trsmi", 60.0, group="trsmi")]
    markdown, _ = write(runs)
    assert "Not all runs" not in markdown
    runs.append(make_run("trsmi", 60.0, group="trsmi", seed=1, settings="1"))
    markdown, _ = write(runs)
    assert "Not all runs of a method are of the same code" in markdown
    assert "trsmi on one" in markdown


def test_an_empty_store_has_no_report(tmp_path):
    with Store(tmp_path / "r.sqlite") as store, pytest.raises(InputError, match="no runs yet"):
        write_report(store, tmp_path, umap=False, say=print)


def test_text_cannot_become_markup():
    sections = [
        Section("A <title>", 1, ["**bold** and `code` and <script>", Picture("p.png", "x", b"1")]),
        Section("B", 2, [Table(("a", "b"), (("<i>", "1|2"),), frozenset({0}))]),
    ]
    html = as_html(sections)
    assert "<script>" not in html
    assert "<b>bold</b> and <code>code</code>" in html
    assert "&lt;i&gt;" in html
    assert 'href="#b"' in html
    markdown = as_markdown(sections)
    assert "| **<i>** | 1\\|2 |" in markdown
    assert "![x](images/p.png)" in markdown

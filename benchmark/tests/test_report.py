from __future__ import annotations

import re

import pytest

from napari_trsmi.errors import InputError
from trsmi_benchmark.data.sections import CASES
from trsmi_benchmark.report.document import Picture, Section, Table, as_html, as_markdown
from trsmi_benchmark.report.writing import write_report

LIMITS = {"time_limit": 60.0, "memory_limit": 2.0**30}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write the report of some rows; returns both texts."""
    monkeypatch.setenv("NAPARI_TRSMI_DATA", str(tmp_path))

    def write(rows, *, said=None):
        paths = write_report(rows, tmp_path / "report", say=[].append if said is None else said)
        assert [path.name for path in paths] == ["README.md", "report.html", "runs.csv"]
        return [path.read_text(encoding="utf-8") for path in paths[:2]]

    return write


@pytest.fixture(scope="module")
def digest():
    """That of the simulation that hand-made rows are of."""
    return CASES["simulated_noisy"].of_size(60).load().digest


def rows_of(markdown, heading):
    """The rows of the first table below a heading, by their first cell."""
    below = markdown.split(f"# {heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\n)+", below, re.M).group()
    rows = [
        [cell.strip() for cell in line.strip("|\n").split(" | ")] for line in table.splitlines()
    ]
    return {row[0].strip("* "): row[1:] for row in rows[2:]} | {"": rows[0]}


def cortex(make_row, method, values, **fields):
    """A row on each section of the cortex, at as many seeds as there are values."""
    names = [name for name, case in CASES.items() if case.study == "Cortex"]
    return [
        make_row(method, value + 10 * place, case=name, seed=seed, **fields)
        for place, name in enumerate(names)
        for seed, value in enumerate(values)
    ]


def test_annotated_tissue_is_the_headline_and_a_study_counts_once(write, make_row):
    rows = [
        *cortex(make_row, "trsmi", [40.0, 42.0], group="trsmi", common=80.0),
        *cortex(make_row, "few_axes", [50.0, 52.0], group="naive", common=20.0),
        make_row("trsmi", 60.0, case="prefrontal_bz9", group="trsmi"),
        make_row("few_axes", 50.0, case="prefrontal_bz9", group="naive"),
        make_row("trsmi", 99.0, case="sim_triplet", group="trsmi"),
        make_row("few_axes", 40.0, case="mouse_brain_h3k27me3", group="naive"),
    ]
    markdown, _ = write(rows)
    places = [markdown.index(f"## {t}\n") for t in ("Real annotated tissue", "Simulations")]
    assert places == sorted(places)
    assert "## States of spots\n" in markdown
    headline = rows_of(markdown, "Real annotated tissue")
    assert headline[""][4:] == ["Cortex (4)", "Prefrontal cortex, STARmap"]
    assert headline["Trsmi"] == ["1.50 (2)", "1.50 (2)", "1.00 (1)", "56.0 ± 1.4", "60.0"]
    assert headline["Few_axes"] == ["1.50 (2)", "1.50 (2)", "2.00 (1)", "66.0 ± 1.4", "50.0"]
    lost = rows_of(markdown, "Where TRSMI loses to a naive row")
    assert set(lost) == {"", *(f"Cortex {n}" for n in (151507, 151670, 151673, 151675))}
    assert lost["Cortex 151507"] == ["ARI 41.0 ± 1.4", "Few_axes (+10.0)"]
    sections = rows_of(markdown, "Real annotated tissue, section by section")
    assert sections["Few_axes"][:2] == ["**51.0 ± 1.4**", "**61.0 ± 1.4**"]
    assert "Simulations, section by section" not in markdown  # each is a study


def test_every_run_has_its_row(write, make_row):
    rows = [
        *(make_row("trsmi", 60.0 + seed, seed=seed, group="trsmi") for seed in range(3)),
        *(make_row("rival", 50.0 - seed**2, seed=seed, common=45.0) for seed in range(3)),
        make_row("slow", None, status="over_time", message="over 20 min"),
        make_row("broken", None, status="failed", message="ValueError: a | b"),
        make_row("counted", None, status="unfit", message="needs counts", measured=LIMITS),
        make_row("gone", None, status="missing", message="not installed", measured=LIMITS),
        make_row("embeds", None, common=5.0, measured={**LIMITS, "p_value": 0.4}),
        make_row("one_domain", 20.0, group="degenerate"),
    ]
    markdown, html = write(rows)
    quality = rows_of(markdown, "Simulations")
    assert quality["Trsmi"] == ["1.00 (1)", "1.00 (1)", "", "61.0 ± 1.0"]
    assert quality["Rival"] == ["2.00 (1)", "2.00 (1)", "1.00 (1)", "48.3 ± 2.1"]
    assert quality["Slow"][3] == quality["Broken"][3] == "failed"
    assert quality["Counted"] == ["", "", "", ""]
    assert quality["One_domain"][0] == ""
    nine = rows_of(markdown, "Simulation, noisy, 12 spots")
    assert nine["Trsmi"][:2] == ["3", "own"]
    assert nine["Rival"][-1] == "45.0 ± 0.0"
    assert nine["Embeds"][1] == "common clustering"
    unscored = rows_of(
        markdown.split("Not scored:")[1].replace("| method", "# x\n| method", 1), "x"
    )
    assert unscored["Slow"][0] == "over 20 min"
    assert unscored["Broken"][0] == "ValueError: a \\| b"
    assert unscored["Counted"][0] == "needs counts"
    assert unscored["Gone"][0] == "not installed"
    against = rows_of(markdown, "TRSMI against each other method")
    assert re.fullmatch(r"\+12\.7 \(p = 0\.\d+, paired t, n = 3\)", against["Rival"][0])
    cost = markdown.split("Time and memory:")[1]
    assert "| Slow | > 6 | > 5 | > 300 |" in cost
    assert "| **Trsmi** | 4 | 2 | 300 | 1 |" in cost
    for words in (
        "Labels are used to score and for nothing else",
        "The domains that are scored are each method's own",
        "A processor, 2 cores",
        "numpy 2.0",
        "Runs of 2026-01-02",
        "12 runs: 8 done, 1 over the time limit",
    ):
        assert words in markdown, words
        assert words.replace("'", "&#39;") in html, words


def test_maps_are_drawn_where_the_data_set_is_the_same(write, make_row, digest, tmp_path):
    import numpy as np

    from trsmi_benchmark.rows import packed

    domains = packed(np.arange(60) % 5 + 1)
    provenance = make_row("x", 1.0).provenance | {"data": digest}
    row = make_row(
        "trsmi",
        60.0,
        case="simulated_noisy@60",
        group="trsmi",
        provenance=provenance,
        domains=domains,
    )
    markdown, html = write([row])
    named = re.findall(r"!\[[^\]]+\]\((images/[^)]+)\)", markdown)
    assert {name.rpartition("_")[2] for name in named} == {"boxes.png", "maps.png"}
    for name in named:
        assert (tmp_path / "report" / name).read_bytes().startswith(b"\x89PNG")
    sources = re.findall(r'(?:src|href)="([^"]{1,30})', html)
    assert sources
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in sources)
    assert "http" not in html
    said = []
    other = make_row("trsmi", 60.0, case="simulated_noisy@60", group="trsmi")
    markdown, _ = write([other], said=said.append)
    assert "maps.png" not in markdown
    assert "has changed since its rows were made" in said[0]


def test_data_that_are_not_here_are_reported_without_maps(write, make_row):
    said = []
    markdown, _ = write(
        [make_row("trsmi", 60.0, case="cortex_151507", group="trsmi")], said=said.append
    )
    assert said[0].startswith("cortex_151507 is left out")
    assert "its maps are not drawn" in markdown


def test_labels_of_several_columns_have_a_chapter(write, make_row):
    scores = {"own": {"atac_cluster": {**ALL, "ARI": 30.0}, "rna_cluster": {**ALL, "ARI": 10.0}}}
    fields = {"case": "mouse_brain_p22", "scores": scores}
    rows = [make_row("trsmi", 30.0, group="trsmi", **fields)]
    rows += [make_row("only_rna", 30.0, group="naive", **fields)]
    markdown, _ = write(rows)
    found = rows_of(markdown, "Mouse brain P22, ATAC: consistency of the modalities")
    assert found["Trsmi"] == ["30.0", "10.0", "20.0", "100.0"]


ALL = dict.fromkeys(
    (
        *("MI", "NMI", "AMI", "FMI", "ARI", "V-measure", "F1", "Jaccard", "Completeness"),
        *("Info-Avg", "Clust-Avg", "Class-Avg", "Overall-Avg"),
    ),
    1.0,
)


def sweep(make_row, name, value, overall, factor, label, seed=0):
    group = name.partition("/")[0]
    description = {"label": label, "group": group, "parameters": {}}
    description |= {"factor": factor, "value": value}
    return make_row(name, overall, seed=seed, group=group, description=description)


def test_ablation_and_sensitivity_have_chapters(write, make_row):
    rows = [
        sweep(make_row, f"ablation/default/{name}", None, overall + seed, "default", name, seed)
        for name, overall in (("none", 50.0), ("all four", 52.0))
        for seed in range(2)
    ]
    rows += [
        sweep(
            make_row,
            f"sensitivity/default/{factor}={value:g}",
            value,
            40.0 + value,
            f"default/{factor}",
            f"{factor}: {value:g}",
        )
        for factor, values in (("epochs", (1.0, 10.0, 100.0)), ("beta", (1.5, 2.0)))
        for value in values
    ]
    markdown, _ = write(rows)
    ablation = rows_of(markdown, "Ablation: Simulation, noisy, 12 spots, preset default")
    assert ablation["all four"][:2] == ["2", "52.5 ± 0.7"]
    factors = rows_of(markdown, "Sensitivity: Simulation, noisy, 12 spots, preset default")
    assert factors["epochs"][0] == "41.00 to 140.00"
    assert factors["beta"][1] == "1.5: 41.5, 2: 42.0"
    assert "_ablation_default.png" in markdown
    assert "_sensitivity_default.png" in markdown
    assert "## Simulations\n" not in markdown


def test_mixed_settings_are_said(write, make_row):
    rows = [make_row("trsmi", 60.0, group="trsmi")]
    markdown, _ = write(rows)
    assert "Not all runs" not in markdown
    rows.append(make_row("trsmi", 60.0, group="trsmi", seed=1, settings="1"))
    markdown, _ = write(rows)
    assert "Not all runs of a method are of the same code" in markdown
    assert "trsmi on simulated_noisy@12" in markdown


def test_without_rows_there_is_no_report(tmp_path):
    with pytest.raises(InputError, match="no rows yet"):
        write_report([], tmp_path, say=print)


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

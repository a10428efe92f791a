"""``napari-trsmi run``: what it passes on, what it writes, what it says, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings

import anndata
import numpy as np
import pytest
from PIL import Image

from napari_trsmi import Config, read_result, simulate
from napari_trsmi.errors import DeviceError, InputError, OutputError, TrainingError, TRSMIWarning


def options_for(config: Config) -> list[str]:
    """Spell out every field of a config as an option."""
    options = []
    for name, value in config:
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            options.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            options.append(f"--{flag}={text}")
    return options


@pytest.fixture(scope="module")
def ended(invoke, tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    ended = invoke(
        "run",
        f"rna={tables / 'rna.h5ad'}",
        f"protein={tables / 'protein.h5ad'}",
        *("--image", tables / "tissue.png", "--n-domains", 5, "--epochs", 2, "--seed", 3),
        *("--output", folder / "out.h5ad", "--figure", folder / "out.png", "--json"),
    )
    assert ended.exit_code == 0, ended.output
    return ended, folder


class TestRealRun:
    def test_writes_a_result_of_these_tables(self, ended, tables):
        result = read_result(ended[1] / "out.h5ad")
        assert result.n_domains == 5
        assert set(result.domains.index) == set(anndata.read_h5ad(tables / "rna.h5ad").obs_names)
        assert list(result.modality_weights) == ["rna", "protein"]
        assert result.record["parameters"]["seed"] == 3
        assert len(result.history) == 2
        assert "domain" in result.annotations

    def test_keeps_image_and_spot_size(self, ended, tables):
        result = read_result(ended[1] / "out.h5ad")
        np.testing.assert_array_equal(result.image.pixels, Image.open(tables / "tissue.png"))
        simulated = simulate("complementary", n_spots=200)
        assert result.spot_diameter == pytest.approx(simulated.spot_diameter)

    def test_draws_the_figure(self, ended):
        with Image.open(ended[1] / "out.png") as figure:
            assert figure.width > figure.height > 100

    def test_stdout_is_the_summary_alone(self, ended):
        summary = json.loads(ended[0].stdout)
        assert summary["n_spots"] == 200
        assert sum(summary["sizes"].values()) == 200
        assert summary["output"] == str(ended[1] / "out.h5ad")
        assert summary["figure"] == str(ended[1] / "out.png")
        assert summary["interrupted"] is False

    def test_says_what_was_matched_how_far_it_is_and_what_was_written(self, ended):
        lines = ended[0].stderr.splitlines()
        assert any("200 spots" in line and "matched by name" in line for line in lines)
        assert any(line.startswith("Epoch 2 of 2: loss ") for line in lines)
        assert f"Wrote {ended[1] / 'out.h5ad'}" in lines
        assert f"Wrote {ended[1] / 'out.png'}" in lines
        assert len(lines) == len(set(lines)), "each note once"


def test_every_parameter_has_an_option(invoke, job, tables, tmp_path):
    published = Config.from_preset("published", n_domains=7, seed=11)
    output = tmp_path / "out.csv"
    ended = invoke("run", tables / "rna.h5ad", "-o", output, *options_for(published))
    assert ended.exit_code == 0, ended.output
    assert job.config == published


def test_options_not_given_leave_the_preset_as_it_is(invoke, job, tables, tmp_path):
    for preset in ("default", "published"):
        output = tmp_path / f"{preset}.csv"
        arguments = ("run", tables / "rna.h5ad", "-o", output, "--preset", preset)
        assert invoke(*arguments, "--epochs", 5).exit_code == 0
        assert job.config == Config.from_preset(preset, epochs=5)


def test_the_number_of_domains_may_be_left_open(invoke, job, tables, tmp_path):
    output = tmp_path / "out.csv"
    ended = invoke("run", tables / "rna.h5ad", "-o", output, "--n-domains", "auto")
    assert ended.exit_code == 0, ended.output
    assert job.config == Config()


@pytest.mark.usefixtures("unpainted")
def test_sample_is_the_tissue_or_the_setting_named(invoke, job, tmp_path):
    invoke("run", "--sample", "-o", tmp_path / "a.csv")
    assert job.data.annotations["domain"].nunique() == 6
    invoke("run", "--sample", "dropout", "-o", tmp_path / "b.csv", "--seed", "4")
    expected = simulate("dropout", seed=4)
    assert job.data.annotations.equals(expected.annotations)


@pytest.mark.usefixtures("unpainted")
def test_a_wrong_picture_is_said(invoke, tables, tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    named = [f"rna={tables / 'rna.h5ad'}", f"protein={tables / 'protein.h5ad'}"]
    ended = invoke(
        *("run", *named, "--image", tmp_path / "dot.png", "--image-features", "texture"),
        *("--output", tmp_path / "out.h5ad"),
    )
    assert ended.exit_code != 0
    assert "lie outside image (1 x 1 pixels)" in " ".join(ended.output.split())
    assert not (tmp_path / "out.h5ad").exists()


def test_several_stains_are_named(invoke, job, tables, tmp_path):
    rna, first = f"rna={tables / 'rna.h5ad'}", tables / "tissue.png"
    said = ["run", rna, "-o", tmp_path / "a.csv", "--image", f"HE={first}"]
    assert invoke(*said, "--image", f"Ki67={first}").exit_code == 0
    assert job.data.image_name == "HE"
    assert list(job.data.further_images) == ["Ki67"]
    ended = invoke(*said, "--image", first)
    assert ended.exit_code == 2
    assert "each needs a name" in ended.output


def test_image_features_reach_the_run(invoke, job, tmp_path):
    invoke("run", "--sample", "-o", tmp_path / "a.csv", "--image-features", "texture")
    assert job.image_features == "texture"


def test_image_scale_features_and_positions_reach_the_tables(invoke, job, tables, tmp_path):
    table = anndata.read_h5ad(tables / "protein.h5ad")
    table.obsm["X_clr"] = np.random.default_rng(0).normal(size=(200, 4))
    positions = tmp_path / "positions.csv"
    rows = "".join(f"{spot},{i},{i % 7}\n" for i, spot in enumerate(table.obs_names))
    positions.write_text("spot,x,y\n" + rows)
    table.write_h5ad(tmp_path / "features.h5ad")
    ended = invoke(
        *("run", tmp_path / "features.h5ad", "--features", "clr", "--positions", positions),
        *("--image", tables / "tissue.png", "--image-scale", 0.25, "-o", tmp_path / "out.csv"),
    )
    assert ended.exit_code == 0, ended.output
    assert job.data.names == ("clr",)
    np.testing.assert_array_equal(job.data.coordinates[:, 0], np.arange(200))
    assert job.data.image.scale == 0.25


def test_table_of_domains(invoke, job, tables, tmp_path):
    ended = invoke("run", tables / "rna.h5ad", "-o", tmp_path / "out.csv")
    rows = [line.split() for line in ended.stdout.splitlines() if "%" in line]
    assert rows == [["■", name, "16", "33.3%"] for name in ("1", "2", "3")]


def test_quiet_leaves_warnings_and_errors(invoke, job, tables, tmp_path, monkeypatch):
    output = tmp_path / "out.csv"
    ended = invoke("run", tables / "rna.h5ad", "-o", output, "--quiet")
    assert (ended.exit_code, ended.output) == (0, "")

    def warn(*_, **__):
        warnings.warn("Few spots are shared.", TRSMIWarning, stacklevel=1)
        warnings.warn("Few spots are shared.", TRSMIWarning, stacklevel=1)
        warnings.warn("a library's", FutureWarning, stacklevel=1)
        return job.result

    monkeypatch.setattr("napari_trsmi.integration.integrate", warn)
    ended = invoke("run", tables / "rna.h5ad", "-o", output, "--quiet", "--overwrite")
    assert ended.output == "Warning: Few spots are shared.\n"


class TestRefusals:
    """Each ends before the job, with one message and nothing written."""

    @pytest.fixture(autouse=True)
    def _nothing_happens(self, job, tmp_path):
        before = set(tmp_path.iterdir())
        yield
        assert job.calls == 0
        assert {path.name for path in set(tmp_path.iterdir()) - before} <= {"there.h5ad"}

    def refused(self, ended, code, *words):
        assert ended.exit_code == code, ended.output
        assert ended.stdout == ""
        assert "Traceback" not in ended.stderr
        assert ended.stderr.count("Error: ") == 1
        for word in words:
            assert word in ended.stderr

    def test_no_tables(self, invoke, tmp_path):
        self.refused(invoke("run", "-o", tmp_path / "o.csv"), 2, "--sample")

    def test_tables_beside_the_sample(self, invoke, tables, tmp_path):
        ended = invoke("run", tables / "rna.h5ad", "-o", tmp_path / "o.csv", "--sample")
        self.refused(ended, 2, "or --sample")

    def test_positions_beside_the_sample(self, invoke, tmp_path):
        ended = invoke("run", "-o", tmp_path / "o.csv", "--positions", "p.csv", "--sample")
        self.refused(ended, 2, "give it alone")

    def test_unknown_sample(self, invoke, tmp_path):
        ended = invoke("run", "--sample", "moon", "-o", tmp_path / "o.csv")
        self.refused(ended, 2, "'moon'", "tissue")

    def test_no_output(self, invoke, tables):
        self.refused(invoke("run", tables / "rna.h5ad"), 2, "--output")

    def test_missing_table(self, invoke, tmp_path):
        ended = invoke("run", tmp_path / "no.h5ad", "-o", tmp_path / "o.csv")
        self.refused(ended, 2, "no.h5ad")

    def test_output_is_there(self, invoke, tables, tmp_path):
        (tmp_path / "there.h5ad").write_text("precious")
        ended = invoke("run", tables / "rna.h5ad", "-o", tmp_path / "there.h5ad")
        self.refused(ended, 3, "there.h5ad", "--overwrite")
        assert (tmp_path / "there.h5ad").read_text() == "precious"

    def test_output_is_checked_before_the_tables(self, invoke, tmp_path):
        ended = invoke("run", "no.h5ad", "-o", tmp_path / "nowhere" / "o.csv")
        self.refused(ended, 3, "nowhere")

    def test_figure_of_an_unknown_kind(self, invoke, tables, tmp_path):
        arguments = ("run", tables / "rna.h5ad", "-o", tmp_path / "o.csv", "--figure", "o.gif")
        self.refused(invoke(*arguments), 3, "o.gif", ".png")

    @pytest.mark.parametrize(
        ("option", "word"),
        [
            ("--n-domains=some", "'some' is neither a whole number nor 'auto'"),
            ("--n-domains=1", "give 2 or more"),
            ("--epochs=-1", "-1 is not in the range"),
            ("--diffusion-steps=2,x", "'2,x' is no list such as 2,4,8"),
            ("--diffusion-steps=2,4", "same length"),
            ("--max-domains=1", "range"),
            ("--device=gpu", "'gpu' is not one of"),
            ("--nonsense", "--nonsense"),
        ],
    )
    def test_parameters(self, invoke, tables, tmp_path, option, word):
        ended = invoke("run", tables / "rna.h5ad", "-o", tmp_path / "o.csv", option)
        self.refused(ended, 2, word)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("Table a is bad."), 2, "Error: Table a is bad."),
        (OutputError("Disk full."), 3, "Error: Disk full."),
        (DeviceError("No GPU."), 4, "Error: No GPU."),
        (MemoryError(), 4, "Error: Memory ran out."),
        (TrainingError("Loss is nan."), 1, "Error: Loss is nan."),
        (KeyError("x"), 1, "defect in napari-trsmi: KeyError: 'x'"),
        (KeyboardInterrupt(), 130, "Interrupted."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_how_errors_end(invoke, job, tables, tmp_path, error, code, message):
    job.error = error
    arguments = ("run", tables / "rna.h5ad", "-o", tmp_path / "out.h5ad")
    ended = invoke(*arguments)
    assert ended.exit_code == code
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" in invoke(*arguments, "--debug").stderr


@pytest.mark.skipif(sys.platform == "darwin", reason="there may be an MPS device")
def test_missing_device(invoke, tables, tmp_path):
    ended = invoke("run", tables / "rna.h5ad", "-o", tmp_path / "out.h5ad", "--device", "mps")
    assert ended.exit_code == 4
    assert "device='mps'" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_shows_bounds_defaults_and_what_the_paper_has(invoke):
    lines = " ".join(invoke("run", "--help").stdout.split())
    assert "--spatial-neighbors INTEGER Neighbours in the spatial graph." in lines
    default, published = (Config.from_preset(preset) for preset in ("default", "published"))
    assert (
        f"[default: {default.spatial_neighbors}; published: {published.spatial_neighbors}; "
        "1<=x<=100]"
    ) in lines
    assert "--rpr / --no-rpr Residual near-identity encoder (RPR). [default: on]" in lines
    assert lines.index("--n-domains") < lines.index("Advanced parameters:") < lines.index("--rpr")
    assert "130 interrupted" in lines


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_a_bar_on_a_terminal(tables, tmp_path):
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "napari_trsmi", "run", str(tables / "protein.h5ad")]
    command += ["-o", str(tmp_path / "out.csv"), "--epochs", "40", "--n-domains", "3"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=environment
    ) as running:
        os.close(theirs)
        shown = b""
        while True:
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # Linux's way to say that the other side has closed
                break
            if not chunk:
                break
            shown += chunk
        stdout = running.stdout.read().decode()
    os.close(ours)
    assert running.returncode == 0
    assert "/40" in shown.decode()
    assert "loss 0." in shown.decode() or "loss 1." in shown.decode()
    assert "Epoch" not in shown.decode()
    assert "loss" not in stdout
    assert "Domain" in stdout


class TestEverything:
    """The small result is the default: a cluster job keeps its counts where they are."""

    def run(self, invoke, tables, output, *more):
        given = [f"{name}={tables / name}.h5ad" for name in ("rna", "protein")]
        return invoke("run", *given, "--n-domains", 3, "--output", output, *more)

    def test_counts_of_the_first_table_go_along(self, invoke, tables, tmp_path):
        ended = self.run(invoke, tables, tmp_path / "all.h5ad", "--everything")
        assert ended.exit_code == 0, ended.output
        assert "holds rna, with the domains, and not protein" in ended.stderr
        whole, counts = (
            anndata.read_h5ad(path) for path in (tmp_path / "all.h5ad", tables / "rna.h5ad")
        )
        assert "trsmi_domain" in whole.obs
        assert (whole.X != counts[whole.obs_names].X).nnz == 0

    def test_all_tables_go_into_an_h5mu(self, invoke, tables, tmp_path):
        import mudata

        ended = self.run(invoke, tables, tmp_path / "all.h5mu", "--quiet")
        assert ended.exit_code == 0, ended.output
        assert list(mudata.read_h5mu(tmp_path / "all.h5mu").mod) == ["rna", "protein"]

    def test_a_csv_has_no_place_for_counts(self, invoke, tables, tmp_path):
        ended = self.run(invoke, tables, tmp_path / "all.csv", "--everything")
        assert ended.exit_code == 2
        assert "no place in a .csv" in ended.stderr

    def test_counts_of_several_sections_go_along(self, invoke, tables, tmp_path):
        given = [f"--section={name}=rna={tables / 'rna.h5ad'}" for name in ("one", "two")]
        few = ["--n-domains=3", "--n-components=5"]
        ended = invoke("run", *given, *few, "--everything", "--output", tmp_path / "all.h5ad")
        assert ended.exit_code == 0, ended.output
        whole, own = (
            anndata.read_h5ad(path) for path in (tmp_path / "all.h5ad", tables / "rna.h5ad")
        )
        assert list(whole.obs["trsmi_section"].cat.categories) == ["one", "two"]
        assert whole.X.sum() == 2 * own.X.sum()


def test_a_checkpoint_goes_to_the_run(job, invoke, tables, tmp_path):
    arguments = ["run", tables / "protein.h5ad", "-o", tmp_path / "out.h5ad"]
    assert invoke(*arguments, "--checkpoint", tmp_path / "kept", "--resume").exit_code == 0
    assert job.how == {"checkpoint": str(tmp_path / "kept"), "resume": True}
    ended = invoke(*arguments, "--overwrite", "--resume")
    assert ended.exit_code == 2
    assert "--checkpoint DIR" in ended.output

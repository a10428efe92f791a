"""Several sections in one run: which, what each brings, and how the run is got again."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_trsmi import integrate, load
from napari_trsmi import open as open_section
from napari_trsmi.config import Config
from napari_trsmi.errors import InputError
from napari_trsmi.output.script import as_python
from napari_trsmi.training.stop import StopToken
from napari_trsmi.viewer.attached import dataset_of
from napari_trsmi.viewer.run.candidates import candidates_of_layer
from napari_trsmi.viewer.run.following import FollowedLayers
from napari_trsmi.viewer.run.inputs import RunInputs
from napari_trsmi.viewer.run.job import Failed, Finished, run_steps
from napari_trsmi.viewer.run.sections import RunSections
from napari_trsmi.viewer.section.layers import spots_data

FEW = Config(n_domains=3, all_scales=False, n_components=10, spatial_neighbors=4)


@pytest.fixture(scope="module")
def made(make_sections):
    return make_sections()


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def inputs():
    return RunInputs()


@pytest.fixture
def sections(viewer, inputs):
    """The sections of a window, kept up with what is opened in it."""
    sections = RunSections(inputs)
    followed = FollowedLayers(viewer, inputs, sections)
    viewer.layers.events.inserted.connect(lambda event: followed.take(event.value))
    viewer.layers.events.removed.connect(lambda event: followed.let_go(event.value))
    return sections


def _opened(viewer, made, **tables):
    """Open sections together, each with the tables that are named."""
    given = {name: {table: made[name][table] for table in own} for name, own in tables.items()}
    return open_section(viewer, given)


def _done(job):
    steps = run_steps(job, StopToken())
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_sections_that_are_opened_together_are_ticked(viewer, sections, inputs, made):
    layers = _opened(viewer, made, a=["rna", "adt"], b=["rna"], c=["adt"])
    assert [s.name for s in sections.sections] == ["a", "b", "c"]
    assert sections.are_together
    assert inputs.points is layers[-1]  # the last one is shown
    assert sections.summary() == (
        "588 spots in 3 sections: a (rna, protein), b (rna) and c (protein)."
    )
    assert sections.n_spots == 588
    assert all(layer.visible for layer in layers)


def test_the_run_is_that_of_the_sections_in_python(viewer, sections, made):
    _opened(viewer, made, a=["rna", "adt"], b=["rna"], c=["adt"])
    outcome = _done(sections.job(FEW))
    assert isinstance(outcome, Finished), outcome
    expected = integrate(
        {
            "a": {"rna": made["a"]["rna"], "protein": made["a"]["adt"]},
            "b": {"rna": made["b"]["rna"]},
            "c": {"protein": made["c"]["adt"]},
        },
        config=FEW,
    )
    assert list(outcome.result.domains) == list(expected.domains)
    assert outcome.result.section_names == ("a", "b", "c")
    rna, protein = outcome.dataset.modalities
    assert list(rna.measured) == [True] * 392 + [False] * 196
    assert np.isnan(protein.values_of(0)[196:392]).all()
    assert not np.isnan(protein.values_of(0)[392:]).any()


def test_one_section_can_be_run_although_several_are_open(viewer, sections, inputs, made):
    _opened(viewer, made, a=["rna"], b=["rna"])
    for section in sections.sections:
        sections.tick(section, ticked=False)
    sections.show(sections.sections[1])
    assert sections.summary() == "196 spots in rna."
    sections.tick(sections.sections[0], ticked=True)
    assert "Tick a second section" in sections.summary()
    outcome = _done(sections.job(FEW))
    assert outcome.result.section_names == ()
    # where it lies in the grid is no place of its own
    np.testing.assert_array_equal(outcome.result.coordinates, dataset_of(inputs.points).coordinates)


def test_what_is_chosen_for_a_section_is_kept_while_another_is_shown(
    viewer, sections, inputs, made
):
    _opened(viewer, made, a=["rna", "adt"], b=["rna"])
    first, second = sections.sections
    sections.show(first)
    inputs.set_used(inputs.choices[0], used=False)
    sections.show(second)
    assert [choice.candidate.name for choice in inputs.used] == ["rna"]
    sections.show(first)
    assert [choice.candidate.name for choice in inputs.used] == ["adt"]


class TestOneByOne:
    """Sections that are opened one after the other."""

    @pytest.fixture
    def files(self, made, tmp_path):
        paths = {}
        for section in ("a", "b", "c"):
            for table in ("rna", "adt"):
                paths[section, table] = tmp_path / f"{section}_{table}.h5ad"
                made[section][table].write_h5ad(paths[section, table])
        return paths

    def test_a_table_joins_its_section_whichever_is_shown(self, viewer, sections, files):
        for key in (("a", "rna"), ("b", "rna"), ("a", "adt")):
            open_section(viewer, files[key])
        assert [len(s.inputs.choices) for s in sections.sections] == [2, 1]
        assert sections.shown is sections.sections[0]
        assert not sections.ticked

    def test_the_script_of_the_run_names_the_files(self, viewer, sections, files):
        for key in (("a", "rna"), ("a", "adt"), ("b", "rna")):
            open_section(viewer, files[key])
        for section in sections.sections:
            sections.tick(section, ticked=True)
        sections.rename(sections.sections[0], "left")
        script = as_python(_done(sections.job(FEW)).result)
        assert str(files["a", "adt"]) in script
        assert "came from memory" not in script
        space = {}
        exec(script.replace('"domains.h5ad"', f'"{files["a", "rna"].parent / "d.h5ad"}"'), space)  # noqa: S102
        assert space["result"].section_names == ("left", "b_rna")

    def test_tables_from_memory_are_to_be_filled_in_section_by_section(
        self, viewer, sections, made
    ):
        _opened(viewer, made, a=["rna", "adt"], b=["rna"])
        script = as_python(_done(sections.job(FEW)).result)
        assert '"a": {"rna": "a_rna.h5ad", "protein": "a_protein.h5ad"}' in script


def test_the_script_of_a_file_with_a_column(viewer, sections, made, tmp_path):
    import anndata

    tables = {name: own["rna"].copy() for name, own in made.items()}
    path = tmp_path / "rna.h5ad"
    anndata.concat(tables, label="sample", index_unique="-").write_h5ad(path)
    open_section(viewer, path)
    sections.tick(sections.sections[0], ticked=False)
    result = _done(sections.job(FEW)).result
    script = as_python(result)
    assert 'library_key="sample").only(["b", "c"])' in script
    space = {}
    exec(script.replace('"domains.h5ad"', f'"{tmp_path / "d.h5ad"}"'), space)  # noqa: S102
    assert list(space["result"].domains) == list(result.domains)


class TestBadInput:
    def test_nothing_in_common_and_no_bridge(self, viewer, sections, made):
        _opened(viewer, made, a=["rna"], b=["adt"])
        with pytest.raises(InputError, match="no section has both"):
            sections.summary()

    def test_other_features(self, viewer, sections, made):
        other = made["b"]["rna"].copy()
        other.var_names = [f"other{j}" for j in range(other.n_vars)]
        open_section(viewer, {"a": {"rna": made["a"]["rna"]}, "b": {"rna": other}})
        outcome = _done(sections.job(FEW))
        assert isinstance(outcome, Failed)
        assert "0 features in common" in outcome.reason

    def test_too_few_spots(self, viewer, sections, made):
        few = made["b"]["rna"][:15].copy()
        open_section(viewer, {"a": {"rna": made["a"]["rna"]}, "b": {"rna": few}})
        outcome = _done(sections.job(FEW))
        assert isinstance(outcome, Failed)
        assert "Section 'b' has 15 spots" in outcome.reason

    def test_a_section_without_a_ticked_table_is_named(self, viewer, sections, inputs, made):
        _opened(viewer, made, a=["rna"], b=["rna"])
        inputs.set_used(inputs.choices[0], used=False)
        with pytest.raises(InputError, match=r"Section 'b': No modality is ticked"):
            sections.summary()

    def test_names_that_are_taken_or_none(self, viewer, sections, made):
        _opened(viewer, made, a=["rna"], b=["rna"])
        with pytest.raises(InputError, match="There is a section 'b' already"):
            sections.rename(sections.sections[0], "b")
        with pytest.raises(InputError, match="no name for a section"):
            sections.rename(sections.sections[0], "x/y")
        assert [s.name for s in sections.sections] == ["a", "b"]

    def test_a_picture_takes_part_in_one_section_alone(self, viewer, sections, inputs, made):
        _opened(viewer, made, a=["rna"], b=["rna"])
        inputs.add(candidates_of_layer(Image(np.zeros((9, 9, 3)), rgb=True, name="H&E")))
        with pytest.raises(InputError, match=r"a run of one section alone\. Untick H&E"):
            sections.summary()

    def test_two_tables_of_a_kind_go_by_their_names(self, viewer, sections, made):
        second = made["a"]["rna"].copy()
        second.X = second.X[:, ::-1].copy()
        both = {"rna": made["a"]["rna"], "rna_2": second}
        open_section(viewer, {"a": both, "b": {"rna": made["b"]["rna"]}})
        assert "a (rna, rna_2) and b (rna)" in sections.summary()

    def test_domains_of_several_sections_are_no_section(self, viewer, sections, inputs, made):
        from napari_trsmi import add_domains

        given = {name: {"rna": made[name]["rna"]} for name in ("a", "b")}
        layer = add_domains(viewer, integrate(given, config=FEW))
        inputs.points = layer
        with pytest.raises(InputError, match="several sections that were run together"):
            inputs.summary()


def test_a_closed_section_is_forgotten(viewer, sections, made):
    layers = _opened(viewer, made, a=["rna"], b=["rna"], c=["rna"])
    viewer.layers.remove(layers[1])
    assert [s.name for s in sections.sections] == ["a", "c"]
    assert sections.summary().startswith("392 spots in 2 sections")
    viewer.layers.clear()
    assert not sections.sections


def test_a_copy_of_a_layer_is_no_section(viewer, sections, made):
    (layer,) = viewer.layers[:] or [
        viewer.add_layer(Layer.create(*spots_data(load({"rna": made["a"]["rna"]}), "a")))
    ]
    viewer.add_layer(Layer.create(*layer.as_layer_data_tuple()))
    assert len(sections.sections) == 1
    assert len(sections.sections[0].inputs.choices) == 1

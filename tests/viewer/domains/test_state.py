"""The domains of a run at its scales, under the edits of a user."""

from __future__ import annotations

import numpy as np
import pytest

from napari_trsmi.errors import InputError
from napari_trsmi.output.results import read_result, write_result
from napari_trsmi.output.script import as_python
from napari_trsmi.viewer.domains.edits import DomainEdits


@pytest.fixture
def run(make_scaled_result):
    return make_scaled_result(n_domains=4)


@pytest.fixture
def edits(run):
    return DomainEdits(run)


def shown(edits):
    return list(edits.domains)


def test_each_scale_shows_what_the_run_found_there(edits, run):
    assert (edits.scale, edits.scales) == (1, (0, 0.5, 1))
    for scale in (0.5, 0, 1):
        edits.set_scale(scale)
        assert edits.scale == scale
        assert shown(edits) == list(run.domains_by_scale[scale])
        result, direct = edits.result(), run.at_scale(scale)
        assert list(result.domains) == list(direct.domains)
        assert result.scale == scale
        np.testing.assert_allclose(result.confidence, direct.confidence, rtol=1e-6)
        assert result.colors == direct.colors


def test_only_domains_with_spots_are_listed(edits):
    edits.set_scale(0.5)
    assert edits.names == ("1", "2", "3")
    edits.set_scale(0)
    assert edits.names == ("1", "2", "3", "4", "new")


def test_names_colours_and_merges_go_along(edits):
    edits.rename("1", "Stroma")
    edits.recolor("2", "#123456")
    edits.merge(["3", "4"])
    edits.set_scale(0)
    assert edits.names == ("Stroma", "2", "3", "new")
    assert edits.colors["2"] == "#123456"
    edits.rename("new", "Immune")
    edits.set_scale(1)
    assert edits.names == ("Stroma", "2", "3")
    with pytest.raises(InputError, match="at another scale"):
        edits.rename("2", "Immune")
    edits.set_scale(0)
    assert "Immune" in edits.names


def test_a_domain_that_comes_back_has_its_name_and_colour(edits):
    edits.rename("4", "Rim")
    before = edits.colors
    edits.set_scale(0.5)
    assert "Rim" not in edits.names
    edits.set_scale(1)
    assert edits.colors == before


def test_spots_assigned_by_hand_stay(edits, run):
    spots = run.domains.index[[0, 1, 13]]
    edits.assign(spots, "Mine")
    edits.set_scale(0.5)
    assert set(run.domains.index[edits.members(["Mine"])]) == set(spots)
    edits.set_scale(1)
    assert set(run.domains.index[edits.members(["Mine"])]) == set(spots)


def test_what_is_hidden_stays_hidden(edits):
    edits.set_visible(["2"], False)
    edits.set_scale(0)
    assert not edits.is_visible("2")
    assert edits.is_visible("new")


def test_undo_and_redo_step_between_scales(edits):
    regions = shown(edits)
    edits.set_scale(0)
    states = shown(edits)
    edits.undo()
    assert (edits.scale, shown(edits)) == (1, regions)
    edits.redo()
    assert (edits.scale, shown(edits)) == (0, states)
    edits.set_scale(0.1)  # the nearest is shown already
    edits.undo()
    assert not edits.can_undo


def test_one_scale_cannot_be_moved(make_result):
    edits = DomainEdits(make_result())
    assert edits.scales == ()
    with pytest.raises(InputError, match="one scale alone"):
        edits.set_scale(0)


def test_a_file_keeps_names_at_every_scale(edits, tmp_path):
    edits.rename("1", "Stroma")
    edits.set_scale(0)
    path = tmp_path / "domains.h5ad"
    write_result(edits.result(), path)
    again = DomainEdits(read_result(path))
    assert (again.scale, again.names) == (0, ("Stroma", "2", "3", "4", "new"))
    again.set_scale(1)
    assert again.names == ("Stroma", "2", "3", "4")


def test_the_script_goes_to_the_scale(edits, run):
    edits.set_scale(0)
    edits.rename("2", "Rim")
    assert "edits.set_scale(0.0)\nedits.rename(" in as_python(edits.result())

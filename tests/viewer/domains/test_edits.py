"""Edits of domains, checked against the plain meaning of each on a small run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from napari_trsmi import read_result, write_result
from napari_trsmi.errors import InputError
from napari_trsmi.palette import PALETTE
from napari_trsmi.viewer.domains.edits import DomainEdits


@pytest.fixture
def edits(make_result):
    return DomainEdits(make_result(n_domains=4))


def test_a_run_without_edits_is_itself(make_result):
    run = make_result()
    edits = DomainEdits(run)
    assert edits.result() is run
    assert edits.colors == run.colors
    assert edits.counts == {"1": 20, "2": 20, "3": 20}
    assert edits.n_spots == 60
    assert not edits.can_undo
    assert not edits.can_redo
    edits.undo()
    edits.redo()
    assert edits.result() is run


def test_names_colours_and_merges_are_in_the_result_and_its_file(make_result, tmp_path):
    run = make_result(n_domains=4)
    edits = DomainEdits(run)
    edits.rename("2", " white matter ")
    edits.recolor("white matter", "red")
    assert edits.merge(["4", "white matter", "4"]) == "white matter"
    result = edits.result()
    expected = run.domains.astype(str).replace({"2": "white matter", "4": "white matter"})
    assert result.domains.astype(str).equals(expected)
    assert result.colors == {"1": PALETTE[0], "white matter": "#ff0000", "3": PALETTE[2]}
    assert result.record["edits"] == [
        {"edit": "rename", "domain": "2", "to": "white matter"},
        {"edit": "recolor", "domain": "white matter", "to": "#ff0000"},
        {"edit": "merge", "domains": ["white matter", "4"], "to": "white matter"},
    ]
    assert "edits" not in run.record
    kept = read_result(write_result(result, tmp_path / "edited.h5ad"))
    assert kept.record == result.record
    again = DomainEdits(kept)
    assert again.colors == edits.colors
    again.rename("1", "cortex")
    assert [edit["edit"] for edit in again.result().record["edits"]] == [
        "rename",
        "recolor",
        "merge",
        "rename",
    ]


def test_the_largest_of_the_merged_domains_keeps_its_name_and_place(make_result):
    edits = DomainEdits(make_result(n_domains=4))
    edits.merge(["1", "3"])  # equal: the first
    assert edits.names == ("1", "2", "4")
    edits.merge(["2", "1"])
    assert edits.counts == {"1": 45, "4": 15}
    edits.merge(["4", "1"])
    assert edits.counts == {"1": 60}


def test_a_new_edit_after_undo_drops_what_was_undone(edits):
    edits.rename("1", "a")
    edits.rename("2", "b")
    edits.undo()
    assert edits.names == ("a", "2", "3", "4")
    edits.rename("3", "c")
    assert not edits.can_redo
    assert edits.names == ("a", "2", "c", "4")
    edits.undo()
    edits.undo()
    assert edits.names == ("1", "2", "3", "4")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda edits: edits.rename("1", "  "), "needs a name"),
        (lambda edits: edits.rename("1", "2"), "'2' already"),
        (lambda edits: edits.rename("9", "x"), r"no domain '9'. There are 1, 2, 3 and 4"),
        (lambda edits: edits.recolor("1", "reddish"), "'reddish' is no colour"),
        (lambda edits: edits.merge(["1"]), "two or more"),
        (lambda edits: edits.merge(["1", "1"]), "two or more"),
        (lambda edits: edits.merge(["1", "5"]), "no domain '5'"),
    ],
)
def test_edits_that_make_no_sense_are_refused_and_change_nothing(edits, edit, message):
    with pytest.raises(InputError, match=message):
        edit(edits)
    assert not edits.can_undo


def test_an_edit_that_changes_nothing_is_none(edits):
    edits.rename("1", "1")
    edits.recolor("1", PALETTE[0].upper())
    assert not edits.can_undo


def test_several_colours_are_one_edit(edits):
    before = edits.colors
    edits.recolor_all({"2": "#111111", "4": "#222222", "1": before["1"], "elsewhere": "#333333"})
    assert edits.colors == {**before, "2": "#111111", "4": "#222222"}
    assert edits.result().record["edits"] == [
        {"edit": "recolor", "domain": "2", "to": "#111111"},
        {"edit": "recolor", "domain": "4", "to": "#222222"},
    ]
    edits.undo()
    assert edits.colors == before
    edits.recolor_all(before)
    assert edits.can_redo  # nothing was done


def test_hiding_follows_the_spots_through_merges_and_undo(edits, make_result):
    told = []
    edits.visibility_changed.connect(lambda: told.append(edits.shown.sum()))
    edits.set_visible(["2"], False)
    edits.set_visible(["2"], False)  # nothing new
    assert told == [45]
    assert not edits.is_visible("2")
    edits.merge(["3", "2"])  # what is shown in part is shown whole
    assert edits.shown.all()
    edits.solo(["1"])
    assert np.flatnonzero(edits.shown).tolist() == edits.members(["1"]).tolist()
    edits.undo()
    assert [name for name in edits.names if edits.is_visible(name)] == ["1"]
    edits.merge(["3", "4"])
    assert not edits.is_visible("3")
    edits.set_visible(["3"], True)
    edits.set_visible(["1"], False)
    assert np.flatnonzero(edits.shown).tolist() == edits.members(["3"]).tolist()
    edits.show_all()
    assert edits.shown.all()
    assert edits.result().domains.notna().all()


class AnyEdits(RuleBasedStateMachine):
    """Whatever is done, every spot has one domain, and undo goes back the way it came."""

    make_result = None

    def __init__(self):
        super().__init__()
        self.edits = DomainEdits(type(self).make_result(n_domains=6))
        self.seen = [self.picture()]
        self.at = 0

    def picture(self):
        return (list(self.edits.domains), self.edits.colors, self.edits.result().record)

    def did(self):
        if self.picture() != self.seen[self.at]:
            self.seen[self.at + 1 :] = [self.picture()]
            self.at += 1

    @rule(data=st.data(), new=st.sampled_from(["a", "b", "c", "1"]))
    def rename(self, data, new):
        name = data.draw(st.sampled_from(self.edits.names))
        if new not in self.edits.names:
            self.edits.rename(name, new)
        self.did()

    @rule(data=st.data(), color=st.sampled_from(PALETTE))
    def recolor(self, data, color):
        self.edits.recolor(data.draw(st.sampled_from(self.edits.names)), color)
        self.did()

    @precondition(lambda self: len(self.edits.names) > 1)
    @rule(data=st.data())
    def merge(self, data):
        chosen = st.lists(st.sampled_from(self.edits.names), min_size=2, unique=True)
        self.edits.merge(data.draw(chosen))
        self.did()

    @rule()
    def undo(self):
        self.edits.undo()
        self.at = max(self.at - 1, 0)

    @rule()
    def redo(self):
        self.edits.redo()
        self.at = min(self.at + 1, len(self.seen) - 1)

    @rule(data=st.data(), visible=st.booleans())
    def show(self, data, visible):
        self.edits.set_visible([data.draw(st.sampled_from(self.edits.names))], visible)

    @invariant()
    def states_agree(self):
        assert self.picture() == self.seen[self.at]
        assert sum(self.edits.counts.values()) == self.edits.n_spots
        domains = np.asarray(self.edits.domains)
        for name, count in self.edits.counts.items():
            assert (domains == name).sum() == count == len(self.edits.members([name]))
            assert self.edits.shown[domains == name].any() == self.edits.is_visible(name)
        assert self.edits.result().colors == self.edits.colors
        assert list(self.edits.result().domains) == list(domains)


def test_any_order_of_edits_is_consistent(make_result):
    AnyEdits.make_result = staticmethod(make_result)
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        AnyEdits, settings=settings(max_examples=20, stateful_step_count=20, deadline=None)
    )


def test_a_name_that_was_typed_wins_a_merge_over_a_number(make_result):
    edits = DomainEdits(make_result(n_domains=4))
    edits.assign(edits.result().domains.index[:3], "4")  # the others are smaller now
    edits.rename("2", "lumen")
    assert edits.counts["lumen"] < edits.counts["4"]
    color = edits.colors["lumen"]
    assert edits.merge(["4", "lumen"]) == "lumen"
    assert edits.colors["lumen"] == color


def test_spots_are_assigned_one_by_one_with_undo(make_result):
    run = make_result(n_domains=3)
    edits = DomainEdits(run)
    spots = run.domains.index
    some = [*spots[run.domains == "1"][:4], *spots[run.domains == "2"][:5]]
    edits.assign(some, "tumour")
    assert edits.names == ("1", "2", "3", "tumour")
    assert edits.counts["tumour"] == 9
    assert (edits.result().domains[some] == "tumour").all()
    others = run.domains.index.difference(some)
    assert (edits.result().domains[others].astype(str) == run.domains[others].astype(str)).all()
    edits.assign(some[:2], "3")
    assert edits.counts == {"1": 16, "2": 15, "3": 22, "tumour": 7}
    edits.merge(["1", "tumour"])
    edits.undo()
    edits.undo()
    edits.undo()
    assert edits.result() is run
    edits.redo()
    assert edits.counts["tumour"] == 9


def test_a_domain_without_spots_is_gone(make_result):
    run = make_result(n_domains=3)
    edits = DomainEdits(run)
    edits.assign(run.domains.index[run.domains == "1"], "3")
    assert edits.names == ("2", "3")
    assert edits.counts == {"2": 20, "3": 40}
    assert (edits.result().domains[run.domains == "2"] == "2").all()
    assert edits.colors == {name: run.colors[name] for name in ("2", "3")}


@pytest.mark.parametrize(
    ("spots", "name", "reason"),
    [([], "x", "Select spots"), (["nowhere"], "x", "Select spots"), (["spot_1"], " ", "a name")],
)
def test_what_cannot_be_assigned_is_refused(edits, spots, name, reason):
    with pytest.raises(InputError, match=reason):
        edits.assign(spots, name)


def test_hidden_spots_come_back_with_their_domain_or_all(make_result):
    edits = DomainEdits(make_result(n_domains=3))
    members = edits.members(["1"])
    edits.hide_spots(members[:3])
    assert not edits.shown[members[:3]].any()
    assert edits.shown.sum() == 57
    assert edits.is_visible("1")
    edits.set_visible(["1"], True)
    assert edits.shown.all()
    edits.hide_spots(members)
    edits.show_all()
    assert edits.shown.all()

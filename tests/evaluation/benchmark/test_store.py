from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from napari_trsmi.errors import InputError, OutputError
from napari_trsmi.evaluation.benchmark.store import Store


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "results.sqlite") as store:
        yield store


def test_a_run_survives_the_disk(tmp_path, make_run):
    run = make_run(
        "a", 50.0, own=40.0, notes=("one", "two"), embedding=np.eye(12, 4, dtype=np.float32)
    )
    with Store(tmp_path / "r.sqlite") as store:
        store.add(run)
    with Store(tmp_path / "r.sqlite", create=False) as store:
        found = store.find(run.key)
        (listed,) = store.runs(arrays=True)
    for other in (found, listed):
        for name in ("key", "status", "scores", "own_scores", "measured", "notes", "provenance"):
            assert getattr(other, name) == getattr(run, name)
        for name in ("domains", "own_domains", "embedding"):
            np.testing.assert_array_equal(getattr(other, name), getattr(run, name))


def test_the_same_key_is_replaced_and_the_latest_settings_are_listed(store, make_run):
    store.add(make_run("a", 1.0))
    store.add(make_run("a", 2.0))
    store.add(make_run("a", 3.0, settings="1", started="2026-05-01T00:00:00.000+00:00"))
    store.add(make_run("a", 4.0, settings="2", started="2026-03-01T00:00:00.000+00:00"))
    (run,) = store.runs()
    assert run.scores["label"]["ARI"] == 3.0
    assert run.domains is None  # not read unless asked for
    assert store.find(("one", "a", 0, "0")).scores["label"]["ARI"] == 2.0
    assert store.find(("one", "a", 1, "0")) is None


def test_data_sets_and_layouts_are_kept(store, make_run, make_data_set):
    data = make_data_set()
    store.add_data_set(data)
    found = store.data_sets()["one"]
    assert found.about == data.about
    np.testing.assert_array_equal(found.coordinates, data.coordinates)
    run = make_run("a", 1.0)
    assert store.layout(run) is None
    store.add_layout(run, np.arange(3), np.ones((3, 2)))
    np.testing.assert_array_equal(store.layout(run)[0], [0, 1, 2])


def test_data_sets_keep_the_order_in_which_they_came(store, make_data_set):
    for name in ("one", "two", "one"):
        store.add_data_set(make_data_set(name, note=f"again {name}"))
    assert list(store.data_sets()) == ["one", "two"]
    store.add_data_set(make_data_set("one", note="other"))
    assert store.data_sets()["one"].about["note"] == "other"
    assert list(store.data_sets()) == ["one", "two"]


def test_each_run_is_on_the_disk_at_once(store, make_run):
    store.add(make_run("a", 1.0))
    with sqlite3.connect(store.path) as other:
        assert other.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_closed_it_is_one_file(tmp_path, make_run):
    with Store(tmp_path / "r.sqlite") as store:
        store.add(make_run("a", 1.0))
    assert [path.name for path in tmp_path.iterdir()] == ["r.sqlite"]


def test_other_files_are_refused(tmp_path):
    text = tmp_path / "notes.sqlite"
    text.write_text("not a database, and long enough to be read as one " * 30)
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as other:
        other.execute("CREATE TABLE songs (name)")
    other.close()
    later = tmp_path / "later.sqlite"
    Store(later).close()
    with sqlite3.connect(later) as other:
        other.execute("PRAGMA user_version=99")
    other.close()
    for path, words in (
        (text, "no results file"),
        (foreign, "another program"),
        (later, "another version"),
    ):
        before = path.read_bytes()
        with pytest.raises(InputError, match=words):
            Store(path)
        assert path.read_bytes() == before


def test_a_missing_file_is_made_only_when_that_is_wanted(tmp_path):
    with pytest.raises(InputError, match="no results file"):
        Store(tmp_path / "r.sqlite", create=False)
    with pytest.raises(OutputError, match="Cannot open"):
        Store(tmp_path / "missing" / "r.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_is_explained(tmp_path, make_run):
    store = Store(tmp_path / "r.sqlite")
    store.close()
    with pytest.raises(OutputError, match="Cannot use the results file"):
        store.add(make_run("a", 1.0))

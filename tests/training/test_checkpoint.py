import numpy as np
import pytest

from napari_trsmi.errors import InputError, OutputError
from napari_trsmi.training.checkpoint import Checkpoint, Kept

RUN = {"tables": {"rna": {"digest": "a", "read in parts": False}}, "parameters": {"seed": 0}}


@pytest.fixture
def checkpoint(tmp_path):
    made = Checkpoint(tmp_path / "kept")
    assert made.begin(RUN, resume=False) is False
    return made


def step():
    arrays = {
        "a/0": np.arange(6.0).reshape(2, 3),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "view": np.arange(8)[::2],
        "number": np.float32(3),
    }
    return Kept({name: np.asarray(array) for name, array in arrays.items()}, {"notes": ["ä"]})


def test_a_step_is_read_as_it_was_kept(checkpoint):
    made = checkpoint.kept("step", step)
    read = checkpoint.kept("step", lambda: pytest.fail("it is there"))
    assert read.told == made.told == {"notes": ["ä"]}
    assert set(read.arrays) == set(made.arrays)
    for name, array in step().arrays.items():
        for found in (made.arrays[name], read.arrays[name]):
            assert found.dtype == array.dtype
            np.testing.assert_array_equal(found, array)
        flags = [found.flags["F_CONTIGUOUS"] for found in (made.arrays[name], read.arrays[name])]
        assert flags[0] == flags[1]


def test_nothing_is_kept_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nowhere = Checkpoint()
    assert not nowhere.is_kept
    assert nowhere.begin(RUN, resume=True) is False
    assert nowhere.read("step") is None
    nowhere.kept("step", step)
    assert list(tmp_path.iterdir()) == []


def test_it_is_resumed_only_when_asked_for(checkpoint, tmp_path):
    with pytest.raises(InputError, match=r"holds the checkpoint of a run already.*--resume"):
        Checkpoint(tmp_path / "kept").begin(RUN, resume=False)
    assert Checkpoint(tmp_path / "kept").begin(RUN, resume=True) is True
    assert Checkpoint(tmp_path / "new").begin(RUN, resume=True) is False


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parameters": {"seed": 1}}, "seed was 0 and is 1"),
        ({"tables": {"rna": {"digest": "b"}}}, "table 'rna' has other values"),
        ({"tables": {"adt": {"digest": "a"}}}, "table 'adt' came and table 'rna' went"),
        (
            {"tables": {"rna": {"digest": "a", "read in parts": True}}},
            "table 'rna' was read whole",
        ),
        ({"spots": {"digest": "x"}}, "spots was None and is"),
    ],
)
def test_another_run_is_refused_by_name(checkpoint, tmp_path, changes, said):
    before = (tmp_path / "kept" / "run.json").read_bytes()
    with pytest.raises(InputError, match=f"is of another run: {said}"):
        Checkpoint(tmp_path / "kept").begin(RUN | changes, resume=True)
    assert (tmp_path / "kept" / "run.json").read_bytes() == before


@pytest.mark.parametrize("part", ["start", "middle", "end", "empty"])
def test_a_damaged_step_is_named_and_left_alone(checkpoint, tmp_path, part):
    checkpoint.keep("step", Kept({"a": np.arange(1000.0)}, {}))
    file = tmp_path / "kept" / "step.npz"
    content = bytearray(file.read_bytes())
    if part == "middle":
        content[len(content) // 2] ^= 1
    broken = {"start": content[9:], "middle": content, "end": content[:-40], "empty": b""}[part]
    file.write_bytes(broken)
    with pytest.raises(InputError, match=r"step\.npz is damaged .*left as it is"):
        checkpoint.read("step")
    assert file.read_bytes() == broken


def test_nothing_is_unpickled(checkpoint, tmp_path):
    np.savez(tmp_path / "kept" / "step.npz", told=np.array([{}], dtype=object))
    with pytest.raises(InputError, match=r"step\.npz is damaged"):
        checkpoint.read("step")


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_damaged_description_is_named(checkpoint, tmp_path, content):
    (tmp_path / "kept" / "run.json").write_text(content)
    with pytest.raises(InputError, match=r"run\.json is damaged"):
        Checkpoint(tmp_path / "kept").begin(RUN, resume=True)


def test_steps_without_a_description_are_not_taken_over(checkpoint, tmp_path):
    checkpoint.keep("step", step())
    (tmp_path / "kept" / "run.json").unlink()
    with pytest.raises(InputError, match=r"holds step\.npz and no run\.json"):
        Checkpoint(tmp_path / "kept").begin(RUN, resume=True)


def test_what_a_killed_run_left_half_written_is_removed(checkpoint, tmp_path):
    left = tmp_path / "kept" / ".step.npz.12345678.part"
    left.write_bytes(b"x")
    Checkpoint(tmp_path / "kept").begin(RUN, resume=True)
    assert not left.exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        Checkpoint(tmp_path / "file").begin(RUN, resume=False)

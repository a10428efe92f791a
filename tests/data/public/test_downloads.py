"""Downloads from a real server on this machine, which misbehaves when it is told to."""

from __future__ import annotations

import errno
import io
import shutil
import zipfile
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pooch
import pytest

from napari_trsmi.data.public import downloads, fetching
from napari_trsmi.data.public.downloads import RECORDS, DownloadProgress, download, files_of
from napari_trsmi.data.public.fetching import RemoteFile, fetch
from napari_trsmi.errors import InputError, OutputError

NUMBER = RECORDS["praga"].number
CONTENT = np.random.default_rng(0).bytes(3_000_000)


@pytest.fixture
def zenodo(zenodo):
    zenodo.files = {"brain.h5ad": CONTENT, "notes.txt": b"two lines\nof text\n"}
    return zenodo


@pytest.fixture
def get(zenodo, tmp_path):
    return partial(download, "praga", folder=tmp_path / "cache", server=zenodo.address)


def ranges(zenodo, name="brain.h5ad"):
    return [asked for path, asked in zenodo.asked if path.endswith(f"/{name}/content")]


def test_files_arrive_and_are_what_the_record_says(get, zenodo, tmp_path):
    brain, notes = get()
    assert brain == tmp_path / "cache" / str(NUMBER) / "brain.h5ad"
    assert brain.read_bytes() == CONTENT
    assert notes.read_text() == "two lines\nof text\n"
    assert {path.name for path in brain.parent.iterdir()} == {"brain.h5ad", "notes.txt"}


def test_the_second_time_needs_no_network(get, zenodo):
    first = get()
    zenodo.shutdown()
    before = len(zenodo.asked)
    assert get() == first
    assert len(zenodo.asked) == before


def test_progress_counts_the_bytes_of_all_files(get):
    seen: list[DownloadProgress] = []
    get(on_progress=seen.append)
    total = len(CONTENT) + 18
    assert {step.total for step in seen} == {total}
    done = [step.done for step in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, total)
    assert len(done) > 5
    assert Counter(step.file for step in seen)["notes.txt"] >= 1


def test_a_broken_connection_is_taken_up_where_it_broke(get, zenodo):
    zenodo.cut = [1_000_000, 500_000]
    seen: list[DownloadProgress] = []
    (brain,) = get(files=["brain.h5ad"], on_progress=seen.append)
    assert brain.read_bytes() == CONTENT
    assert ranges(zenodo) == [None, "bytes=1000000-", "bytes=1500000-"]
    done = [step.done for step in seen]
    assert done == sorted(done)


def test_it_resumes_in_another_session(get, zenodo, tmp_path):
    class EnoughError(Exception):
        pass

    def stop(progress: DownloadProgress) -> None:
        if progress.done > 1_000_000:
            raise EnoughError

    with pytest.raises(EnoughError):
        get(files=["brain.h5ad"], on_progress=stop)
    folder = tmp_path / "cache" / str(NUMBER)
    assert [path.name for path in folder.iterdir()] == ["brain.h5ad.part"]
    arrived = (folder / "brain.h5ad.part").stat().st_size
    assert 1_000_000 < arrived < len(CONTENT)
    (brain,) = get(files=["brain.h5ad"])
    assert brain.read_bytes() == CONTENT
    assert ranges(zenodo)[-1] == f"bytes={arrived}-"


def test_a_server_without_ranges_starts_again(get, zenodo):
    zenodo.ranged, zenodo.cut = False, [1_000_000]
    (brain,) = get(files=["brain.h5ad"])
    assert brain.read_bytes() == CONTENT


def test_a_server_that_always_breaks_off_is_given_up(get, zenodo, tmp_path):
    zenodo.cut = [1_000_000, *[0] * 9]
    with pytest.raises(InputError, match=r"brain.h5ad broke off after 1.0 MB of 3.0 MB.*is kept"):
        get(files=["brain.h5ad"], retries=2)
    assert len(ranges(zenodo)) == 4  # bytes arrived the first time, which does not count
    assert (tmp_path / "cache" / str(NUMBER) / "brain.h5ad.part").stat().st_size == 1_000_000


def test_a_wrong_checksum_leaves_nothing(get, zenodo, tmp_path):
    zenodo.described["brain.h5ad"] = {"checksum": f"md5:{'0' * 32}"}
    with pytest.raises(InputError, match=r"brain.h5ad arrived with another checksum.*md5:000"):
        get(files=["brain.h5ad"])
    assert not list((tmp_path / "cache" / str(NUMBER)).iterdir())


def test_a_part_of_something_else_is_replaced(get, zenodo, tmp_path):
    folder = tmp_path / "cache" / str(NUMBER)
    folder.mkdir(parents=True)
    (folder / "brain.h5ad.part").write_bytes(b"another file's start")
    (brain,) = get(files=["brain.h5ad"])
    assert brain.read_bytes() == CONTENT
    assert ranges(zenodo) == ["bytes=20-", None]


@pytest.mark.parametrize("left", [len(CONTENT), len(CONTENT) + 5])
def test_a_part_that_is_whole_or_longer_is_settled(get, zenodo, tmp_path, left):
    folder = tmp_path / "cache" / str(NUMBER)
    folder.mkdir(parents=True)
    (folder / "brain.h5ad.part").write_bytes((CONTENT + b"extra")[:left])
    (brain,) = get(files=["brain.h5ad"])
    assert brain.read_bytes() == CONTENT
    assert len(ranges(zenodo)) == (left > len(CONTENT))


def test_a_damaged_file_in_the_cache_is_downloaded_again(get, zenodo):
    (brain,) = get(files=["brain.h5ad"])
    brain.write_bytes(CONTENT[:-1] + b"x")
    (brain,) = get(files=["brain.h5ad"])
    assert brain.read_bytes() == CONTENT
    assert len(ranges(zenodo)) == 2


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_final(get, zenodo, status):
    zenodo.status = [status] * 9
    with pytest.raises(InputError, match=rf"127.0.0.1:\d+ refuses http.*: {status}"):
        get(files=["brain.h5ad"])
    assert len(ranges(zenodo)) == 1


def test_a_busy_server_is_asked_again(get, zenodo):
    zenodo.status = [503, 429]
    (brain,) = get(files=["brain.h5ad"])
    assert brain.read_bytes() == CONTENT


def test_a_server_that_sends_more_is_not_believed(get, zenodo, tmp_path):
    zenodo.described["brain.h5ad"] = {"size": 1_000}
    with pytest.raises(InputError, match=r"sends more than the 0.0 MB"):
        get(files=["brain.h5ad"], retries=1)
    assert not list((tmp_path / "cache" / str(NUMBER)).iterdir())


def test_no_network_is_said_in_one_sentence(zenodo, tmp_path):
    zenodo.shutdown()
    zenodo.server_close()
    with pytest.raises(InputError, match=r"Cannot reach 127.0.0.1:\d+: .*refused.*proxy"):
        files_of("praga", folder=tmp_path, server=zenodo.address)


def test_a_network_that_fails_later_is_tried_again(get, zenodo, tmp_path):
    (notes,) = get(files=["notes.txt"])
    notes.unlink()
    zenodo.shutdown()
    zenodo.server_close()
    with pytest.raises(InputError, match="Cannot reach"):
        get(files=["notes.txt"], retries=1)


def test_names_that_are_not_there(get, zenodo, tmp_path):
    with pytest.raises(InputError, match=r"no record 'mouse'. Choose one of praga, spatialglue"):
        download("mouse", folder=tmp_path)
    with pytest.raises(InputError, match=r"no file 'liver.h5ad'. It has brain.h5ad, notes.txt"):
        get(files=["liver.h5ad"])
    assert not ranges(zenodo)


@pytest.mark.parametrize(
    "described",
    [
        {"key": "../../outside.h5ad"},
        {"links": {"self": "http://elsewhere.example/brain.h5ad"}},
        {"links": {"self": "file:///etc/hostname"}},
        {"checksum": "0123"},
        {"checksum": None},
        {"checksum": "crc:0123"},
        {"checksum": "md5:xyz"},
        {"key": ".."},
        {"key": "."},
        {"key": ""},
        {"key": "a\\b"},
        {"key": "a\0b"},
        {"key": "brain.part"},
        {"key": "notes.txt"},
        {"size": -1},
        {"size": 10**15},
    ],
    ids=str,
)
def test_a_list_that_leads_elsewhere_is_refused(get, zenodo, described):
    zenodo.described["brain.h5ad"] = described
    with pytest.raises(InputError, match="lists a file that is not taken"):
        get()
    assert len(zenodo.asked) == 1


@pytest.mark.parametrize(
    "described", [{"links": {}}, {"size": float("inf")}, {"size": float("nan")}, {"size": None}]
)
def test_a_list_of_another_form_is_refused(get, zenodo, tmp_path, described):
    zenodo.described["brain.h5ad"] = described
    with pytest.raises(InputError, match="does not describe the record as it used to"):
        get()
    assert not (tmp_path / "cache").exists()


def test_only_the_web_is_downloaded(tmp_path):
    with pytest.raises(InputError, match="no web address"):
        fetch(RemoteFile("a", "ftp://host/a", 1, "md5:0"), tmp_path)


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def test_archives_are_unpacked_once(get, zenodo, tmp_path):
    members = {"node/rna.h5ad": b"rna", "node/adt.h5ad": b"adt", "__MACOSX/node/._rna.h5ad": b"?"}
    zenodo.files = {"lymph.zip": archive(**members)}
    folder = tmp_path / "cache" / str(NUMBER) / "lymph" / "node"
    assert get() == [folder / "adt.h5ad", folder / "rna.h5ad"]
    assert (folder / "rna.h5ad").read_bytes() == b"rna"
    (folder / "rna.h5ad").write_bytes(b"edited")
    get()
    assert (folder / "rna.h5ad").read_bytes() == b"edited"


def test_an_archive_cannot_write_outside_its_folder(get, zenodo, tmp_path):
    zenodo.files = {"lymph.zip": archive(**{"../../../stolen.txt": b"?"})}
    (inside,) = get()
    assert inside.is_relative_to(tmp_path / "cache" / str(NUMBER) / "lymph")


def test_an_archive_that_unpacks_to_far_more_is_left_packed(get, zenodo, tmp_path, monkeypatch):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", bytes(2_000_000))
    zenodo.files = {"lymph.zip": buffer.getvalue()}
    monkeypatch.setattr(downloads, "_HARMLESS", 1_000_000)
    with pytest.raises(InputError, match=r"unpacks to 2\.0 MB"):
        get()
    assert [path.name for path in (tmp_path / "cache" / str(NUMBER)).iterdir()] == ["lymph.zip"]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [(6, 1, "encrypted"), (8, 99, "damaged"), (40, 77, "damaged"), (50, 5, "damaged")],
)
def test_damaged_and_encrypted_archives(get, zenodo, tmp_path, place, value, message):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("rna.h5ad", CONTENT[:5_000])
    content = bytearray(buffer.getvalue())
    central = content.index(b"PK\1\2")
    if place < 10:  # the header, and its copy at the end
        content[place] = content[central + place + 2] = value
    else:
        content[place] ^= value
    zenodo.files = {"lymph.zip": bytes(content)}
    with pytest.raises(InputError, match=message):
        get()
    assert [path.name for path in (tmp_path / "cache" / str(NUMBER)).iterdir()] == ["lymph.zip"]


@pytest.mark.parametrize("name", ["brain.h5ad.part", f"../{NUMBER}.part", "lymph.part"])
def test_links_are_not_written_through(get, zenodo, tmp_path, name):
    zenodo.files["lymph.zip"] = archive(rna=b"rna")
    folder = tmp_path / "cache" / str(NUMBER)
    folder.mkdir(parents=True)
    precious = tmp_path / "precious"
    if name.startswith("lymph"):
        precious.mkdir()
    else:
        precious.write_text("precious")
    (folder / name).symlink_to(precious)
    get()
    if precious.is_dir():
        assert not list(precious.iterdir())
    else:
        assert precious.read_text() == "precious"
    assert (folder / "brain.h5ad").read_bytes() == CONTENT


def test_a_list_without_end_is_refused(get, zenodo, monkeypatch):
    monkeypatch.setattr(fetching, "LARGEST_LIST", 100)
    with pytest.raises(InputError, match="sends a list of more than"):
        get()


def test_no_more_is_read_than_the_file_has(get, zenodo, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "_CHUNK", 1_000)
    zenodo.described["brain.h5ad"] = {"size": 10_000}
    seen: list[DownloadProgress] = []
    with pytest.raises(InputError, match="sends more"):
        get(files=["brain.h5ad"], on_progress=seen.append)
    assert seen[-1].done <= 10_000


def test_a_damaged_list_in_the_cache_is_asked_for_again(get, zenodo, tmp_path):
    get(files=["notes.txt"])
    (tmp_path / "cache" / f"{NUMBER}.json").write_text("{")
    get(files=["notes.txt"])
    assert sum(path.endswith(str(NUMBER)) for path, _ in zenodo.asked) == 2


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("ftp://127.0.0.1/brain", "no web address"),
        ("file:///etc/hostname", "refuses"),
        ("/api/records/elsewhere", "refuses"),
    ],
)
def test_redirects_stay_on_the_web(get, zenodo, target, message):
    zenodo.redirect = target
    with pytest.raises(InputError, match=message):
        get(files=["brain.h5ad"], retries=0)


def test_encrypted_addresses_do_not_lead_to_plain_ones():
    handler = fetching._WebOnly()
    asked = fetching.web.Request("https://zenodo.org/a")
    with pytest.raises(InputError, match="not encrypted"):
        handler.redirect_request(asked, None, 302, "", {}, "http://zenodo.org/a")


@pytest.mark.parametrize("limit", ["_ANSWER", "_LIST_TIME", "_WINDOW"])
def test_servers_that_take_for_ever_are_given_up(get, zenodo, monkeypatch, limit):
    get(files=["notes.txt"])
    if limit == "_WINDOW":
        monkeypatch.setattr(fetching, "_WINDOW", 1e-9)
        monkeypatch.setattr(fetching, "_SLOWEST", 1e18)
        with pytest.raises(InputError, match="bytes a second"):
            get(files=["brain.h5ad"])
        return
    zenodo.silent = limit == "_ANSWER"
    monkeypatch.setattr(fetching, limit, 0.2 if zenodo.silent else -1)
    with pytest.raises(InputError, match=r"no answer|takes more"):
        files_of("praga", server=zenodo.address, folder=Path("/nonexistent/cache"))


def test_what_is_called_zip_but_is_none(get, zenodo):
    zenodo.files = {"lymph.zip": b"no archive"}
    with pytest.raises(InputError, match=r"lymph.zip is no zip archive"):
        get()


def test_a_full_disk_is_noticed_before_the_download(get, zenodo, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=1_000)
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OutputError, match=r"no room.*3.0 MB are needed and 0.0 MB are free"):
        get(files=["brain.h5ad"])


def test_a_disk_that_fills_up_keeps_what_is_there(get, monkeypatch, tmp_path):
    class Full(io.FileIO):
        def write(self, content):
            if self.tell() > 1_000_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(content)

    monkeypatch.setattr(fetching, "_own_file", lambda path, append: Full(path, "ab"))
    with pytest.raises(OutputError, match=r"no room for .*brain.h5ad: 3.0 MB are needed"):
        get(files=["brain.h5ad"])
    part = tmp_path / "cache" / str(NUMBER) / "brain.h5ad.part"
    assert part.stat().st_size > 1_000_000


def test_a_folder_that_cannot_be_written_to(get, tmp_path):
    (tmp_path / "cache").write_text("a file is in the way")
    with pytest.raises(OutputError, match="Choose a folder that you may write to"):
        get()


def test_the_cache_is_the_users_own(monkeypatch, zenodo, tmp_path):
    assert "napari-trsmi" in str(pooch.os_cache("napari-trsmi"))
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    (notes,) = download("praga", files=["notes.txt"], server=zenodo.address)
    assert notes == tmp_path / "napari-trsmi" / str(NUMBER) / "notes.txt"


def test_every_record_says_what_it_is():
    assert downloads.SERVER == "https://zenodo.org"
    assert RECORDS["praga"].number == 14591305
    for record in RECORDS.values():
        assert record.holds
        assert record.citation

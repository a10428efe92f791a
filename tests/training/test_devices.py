import os

import psutil
import pytest
import torch
from threadpoolctl import threadpool_info

from napari_trsmi.errors import DeviceError
from napari_trsmi.training import devices
from napari_trsmi.training.devices import (
    available_devices,
    choose_device,
    cpu_threads,
    explained,
    is_out_of_memory,
    memory_in_use,
)


@pytest.fixture
def machine(monkeypatch):
    """Pretend that PyTorch finds some devices."""

    def have(*, cuda=False, mps=False, build="12.8"):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.version, "cuda", build)

    return have


@pytest.mark.parametrize(
    ("found", "expected"),
    [({"cuda": True, "mps": True}, "cuda"), ({"mps": True}, "mps"), ({}, "cpu")],
)
def test_auto_takes_a_gpu_if_there_is_one(machine, found, expected):
    machine(**found)
    assert choose_device("auto").type == expected
    assert choose_device(expected).type == expected
    assert choose_device("cpu").type == "cpu"


def test_a_missing_device_is_an_error_that_lists_what_is_there(machine):
    machine(mps=True)
    with pytest.raises(DeviceError, match=r"'cuda' was asked for.*none\. Available: mps, cpu"):
        choose_device("cuda")


def test_a_cpu_build_of_pytorch_is_named_as_the_reason(machine):
    machine(build=None)
    with pytest.raises(DeviceError, match="PyTorch is a CPU build"):
        choose_device("cuda")
    with pytest.raises(DeviceError) as caught:
        choose_device("mps")
    assert "CPU build" not in str(caught.value)


def test_devices_are_listed_with_their_free_memory_as_auto_chooses(machine, monkeypatch):
    machine()
    (cpu,) = available_devices()
    assert (cpu.name, cpu.label) == ("cpu", "CPU")
    assert 0 < cpu.free <= psutil.virtual_memory().total
    machine(cuda=True, mps=True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (11, 80))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100")
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 30)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 10)
    found = available_devices()
    assert [device.name for device in found] == ["cuda", "mps", "cpu"]
    assert (found[0].label, found[0].free) == ("NVIDIA H100", 11)
    assert found[1].free == 20
    assert found[0].name == choose_device("auto").type


def blas():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_threads_follow_the_spots_and_are_put_back(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    before = torch.get_num_threads()
    there = blas()
    seen = []
    for threads, n_spots in ((0, 50), (0, 5_000), (0, 10**6), (3, 50)):
        with cpu_threads(threads, n_spots) as chosen:
            assert torch.get_num_threads() == chosen
            assert set(blas()) == {chosen}
            seen.append(chosen)
        assert torch.get_num_threads() == before
        assert blas() == there
    assert seen == [1, 2, 4, 3]


def test_threads_are_put_back_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), cpu_threads(before + 1, 50):
        raise ZeroDivisionError
    assert torch.get_num_threads() == before


def test_memory_is_the_process_s_on_the_cpu_and_pytorch_s_on_a_gpu(monkeypatch):
    rss = psutil.Process().memory_info().rss
    assert memory_in_use(torch.device("cpu")) == pytest.approx(rss, rel=0.2)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _: 11)
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 12)
    assert memory_in_use(torch.device("cuda")) == 11
    assert memory_in_use(torch.device("mps")) == 12


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("MPS backend out of memory (MPS allocated: 17 GB)", True),
        ("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes", True),
        ("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes", True),
        ("mat1 and mat2 shapes cannot be multiplied", False),
    ],
)
def test_running_out_of_memory_is_told_by_its_words(message, expected):
    assert is_out_of_memory(RuntimeError(message)) == expected


def test_a_real_allocation_that_is_too_large_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA: tried to allocate 2 GiB"))


@pytest.mark.parametrize(("needed", "size"), [(3 << 29, "1.5 GiB"), (7 << 20, "7 MiB")])
def test_the_error_says_how_much_is_needed_and_what_to_lower(needed, size):
    out = torch.OutOfMemoryError("first line\nsecond")
    error = explained(out, needed, torch.device("cuda"))
    assert isinstance(error, DeviceError)
    for said in (size, "cuda", "feature_neighbors", "allow_cpu_fallback", "first line"):
        assert said in str(error)
    assert "second" not in str(error)


def test_platforms_without_affinity_count_pytorchs_threads(monkeypatch):
    monkeypatch.delattr(devices.os, "sched_getaffinity", raising=False)
    with cpu_threads(0, 10**6) as chosen:
        assert chosen == torch.get_num_threads()

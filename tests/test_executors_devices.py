"""Devices, asked of the driver's own tool: what there is, what is chosen, what is refused."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ganbench.errors import UsageError
from ganbench.executors import cgroups, devices

Machine = Callable[..., None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Machine]:
    """Pretend that ``nvidia-smi`` lists these GPUs, and that the driver says nothing without it."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(devices, "LISTED", tmp_path / "gpus")
    monkeypatch.setattr(devices, "DEVICES", tmp_path)

    def pretend(*names: str, visible: str | None = None, code: int = 0, error: Exception | None = None) -> None:
        def answer(command: list[str], **options: Any) -> Any:
            assert command[0] == "nvidia-smi"
            if error is not None:
                raise error
            return subprocess.CompletedProcess(command, code, "".join(f"{name}\n" for name in names), "")

        monkeypatch.setattr(subprocess, "run", answer)
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        devices.gpus.cache_clear()

    yield pretend
    devices.gpus.cache_clear()


def refusal(request: str) -> str:
    with pytest.raises(UsageError) as caught:
        devices.choose(request)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_auto_takes_a_gpu_where_there_is_one(machine: Machine) -> None:
    machine("NVIDIA H100", "NVIDIA A10")
    assert devices.gpus() == ("NVIDIA H100", "NVIDIA A10")
    assert devices.choose("auto") == "cuda"
    assert devices.choose("cpu") == "cpu"
    assert devices.choose("cuda") == "cuda"
    assert devices.choose("cuda:1") == "cuda:1"


@pytest.mark.parametrize(
    "how",
    [
        {"error": FileNotFoundError()},
        {"error": PermissionError()},
        {"error": subprocess.TimeoutExpired("nvidia-smi", 20)},
        {"code": 9},
        {},
    ],
)
def test_without_a_gpu_auto_is_the_cpu(machine: Machine, how: dict[str, Any]) -> None:
    machine(*(["NVIDIA-SMI has failed"] if "code" in how else []), **how)
    assert devices.gpus() == ()
    assert devices.choose("auto") == "cpu"
    assert "use --device cpu" in refusal("cuda")
    assert "use --device cpu" in refusal("cuda:0")


def information(place: Path, bus: str, text: str) -> None:
    folder = place / "gpus" / bus
    folder.mkdir(parents=True)
    (folder / "information").write_text(text)


def test_without_the_tool_the_driver_tells_which_gpus_may_be_opened(machine: Machine, tmp_path: Path) -> None:
    information(tmp_path, "0000:82:00.0", "Model: \t\t NVIDIA A10\nBus Location: \t 0000:82:00.0\nDevice Minor: \t 0\n")
    information(tmp_path, "0000:01:00.0", "Model: \t\t NVIDIA H100\nDevice Minor: \t 1\n")
    information(tmp_path, "0000:03:00.0", "Model: \t\t NVIDIA L4\nDevice Minor: \t 2\n")
    information(tmp_path, "0000:04:00.0", "what an old driver says")
    for number in (0, 1):  # not nvidia2, as in a container that was given two of three
        (tmp_path / f"nvidia{number}").touch()
    machine(error=FileNotFoundError())
    assert devices.gpus() == ("NVIDIA H100", "NVIDIA A10")
    assert devices.choose("auto") == "cuda"
    assert devices.choose("cuda:1") == "cuda:1"
    machine(error=FileNotFoundError(), visible="1")
    assert devices.gpus() == ("NVIDIA A10",)
    for how in ({"code": 9}, {"error": subprocess.TimeoutExpired("nvidia-smi", 20)}):  # it is there, and knows better
        machine(**how)
        assert devices.choose("auto") == "cpu"


def test_an_index_out_of_range_says_what_there_is(machine: Machine) -> None:
    machine("A", "B")
    assert refusal("cuda:2") == "device 'cuda:2' does not exist; this machine has cuda:0 to cuda:1"


@pytest.mark.parametrize(
    "request_", ["", "gpu", "CUDA", "cuda:", "cuda:-1", "cuda:x", "cuda:1:2", "cuda: 1", "cpu:0", "cuda:²", "mps"]
)
def test_what_is_no_device(machine: Machine, request_: str) -> None:
    machine("A", "B", "C")
    assert refusal(request_) == f"device '{request_}' must be auto, cpu, cuda or cuda:i"


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("0,1", ("A", "B")),
        ("1", ("B",)),
        (" 1 , 0 ", ("B", "A")),
        ("", ()),
        # CUDA takes what stands before the first index that is none.
        ("-1", ()),
        ("0,-1,1", ("A",)),
        ("7", ()),
        ("1,7,0", ("B",)),
    ],
)
def test_hidden_gpus_are_not_there(machine: Machine, visible: str, names: tuple[str, ...]) -> None:
    machine("A", "B", visible=visible)
    assert devices.gpus() == names
    assert devices.choose("auto") == ("cuda" if names else "cpu")


def test_a_gpu_may_be_named_by_its_identifier(machine: Machine) -> None:
    machine("A", "B", visible="GPU-8932f937-d72c-4106-c12f-20bd9faed9f6")
    assert len(devices.gpus()) == 1
    machine(visible="GPU-8932f937-d72c-4106-c12f-20bd9faed9f6")
    assert devices.gpus() == ()


def test_a_part_of_a_gpu_has_an_identifier_only(machine: Machine) -> None:
    parts = ("MIG-41b3359c-e721-56e5-8009-12e5797ed514", "MIG-65b79fff-6d3c-5490-a288-b31ec705f310")
    machine("A", visible=",".join(parts))
    assert devices.gpus() == parts
    assert devices.leasable("cuda", ()) == parts
    assert devices.leasable("cuda", (parts[1],)) == parts[1:]


def test_what_cuda_does_not_see_is_leased_to_nobody(machine: Machine) -> None:
    machine("A", "B", "C", visible="2,0,-1,1")
    assert devices.leasable("cuda", ()) == ("2", "0")
    with pytest.raises(UsageError, match="'2' does not exist; this machine has 0 to 1"):
        devices.leasable("cuda", ("2",))


def test_a_folder_of_the_driver_that_cannot_be_read_is_passed_over(machine: Machine, tmp_path: Path) -> None:
    information(tmp_path, "0000:02:00.0", "Device Minor: 0\n")
    (tmp_path / "nvidia0").touch()
    (tmp_path / "gpus" / "0000:01:00.0" / "information").mkdir(parents=True)  # no file
    (tmp_path / "gpus" / "0000:02:00.0" / "information").write_bytes(b"Model: \xff\nDevice Minor: 0\n")
    (tmp_path / "gpus" / "0000:03:00.0").mkdir()
    (tmp_path / "gpus" / "0000:03:00.0" / "information").write_text("Model:\nDevice Minor: 0\n")
    machine(error=FileNotFoundError())
    assert devices.gpus() == ("\ufffd", "NVIDIA GPU")


def test_blank_lines_are_no_gpus_and_a_driver_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    given: list[Any] = []

    def answer(command: list[str], **options: Any) -> Any:
        given.append(options)
        return subprocess.CompletedProcess(command, 0, "\n NVIDIA H100 \n\n", "")

    monkeypatch.setattr(subprocess, "run", answer)
    devices.gpus.cache_clear()
    assert devices.gpus() == ("NVIDIA H100",)
    devices.gpus.cache_clear()
    assert given == [{"capture_output": True, "text": True, "timeout": devices.ANSWER_SECONDS}]


@pytest.mark.parametrize(
    ("names", "visible", "driver", "found"),
    [
        ((), None, True, True),
        ((), None, False, False),
        ((), "", True, False),
        ((), "0", True, False),
        (("A",), None, True, False),
    ],
)
def test_a_driver_that_lists_no_gpu_though_none_is_hidden(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, names: tuple[str, ...], visible: str | None,
    driver: bool, found: bool,
) -> None:  # fmt: skip
    machine(*names, visible=visible)
    monkeypatch.setattr(devices, "DRIVER", tmp_path / "nvidiactl")
    if driver:
        devices.DRIVER.touch()
    assert devices.unlisted() is found


def test_memory_is_that_of_the_machine_where_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "memory", lambda: None)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1000}.__getitem__)
    assert devices.main_memory() == 4096000
    for limit, expected in ((2**20, 2**20), (2**40, 4096000)):
        monkeypatch.setattr(cgroups, "memory", lambda limit=limit: limit)
        assert devices.main_memory() == expected
    monkeypatch.setattr(cgroups, "memory", lambda: None)

    def unknown(name: str) -> NoReturn:
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr(os, "sysconf", unknown)
    assert devices.main_memory() is None


def test_nothing_is_visible_where_nothing_is(machine: Machine) -> None:
    machine(visible="0")
    assert devices.gpus() == ()


def test_the_driver_is_asked_once(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine("A")
    assert devices.gpus() == ("A",)

    def never(*arguments: Any, **keywords: Any) -> NoReturn:
        raise AssertionError

    monkeypatch.setattr(subprocess, "run", never)
    assert devices.gpus() == ("A",)


def test_cores_are_those_this_process_may_use() -> None:
    assert 1 <= devices.cores() <= (os.cpu_count() or 1)
    if hasattr(os, "sched_setaffinity"):
        before = os.sched_getaffinity(0)
        try:
            os.sched_setaffinity(0, {min(before)})
            assert devices.cores() == 1
        finally:
            os.sched_setaffinity(0, before)


@pytest.mark.parametrize(("limit", "cores"), [(None, 4), (2, 2), (9, 4)])
def test_cores_are_no_more_than_a_container_was_given(
    monkeypatch: pytest.MonkeyPatch, limit: int | None, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(cgroups, "processors", lambda: limit)
    assert devices.cores() == cores


@pytest.mark.parametrize(("told", "cores"), [(6, 6), (None, 1)])
def test_where_that_is_not_said_cores_are_the_machines(
    monkeypatch: pytest.MonkeyPatch, told: int | None, cores: int
) -> None:
    """As on macOS."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: told)
    monkeypatch.setattr(cgroups, "processors", lambda: None)
    assert devices.cores() == cores

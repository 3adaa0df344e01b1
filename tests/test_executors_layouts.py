"""How trials are laid out over the devices of this machine, and what cannot be."""

from pathlib import Path

import pytest

from ganbench import processes
from ganbench.errors import UsageError
from ganbench.executors import Layout, Wish, devices
from ganbench.executors.layouts import on_this_machine
from ganbench.plan import PlanRequest
from ganbench.planning.request import RunRequest


@pytest.fixture
def four_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "gpus", lambda: ("A100",) * 4)
    monkeypatch.setattr(devices, "cores", lambda: 16)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("four_gpus")
@pytest.mark.parametrize(
    ("wish", "leases", "per_device", "slots", "threads"),
    [
        (Wish(), ("0", "1", "2", "3"), 1, 4, 4),
        (Wish(devices=("0", "2")), ("0", "2"), 1, 2, 8),
        (Wish(devices=("0", "2"), per_device=2), ("0", "2"), 2, 4, 4),
        (Wish(device="cuda:3"), ("3",), 1, 1, 16),
        (Wish(device="cuda:3", jobs=2), ("3",), 2, 2, 8),
        (Wish(jobs=2), ("0", "1", "2", "3"), 1, 2, 8),
        (Wish(devices=("GPU-8f3c",)), ("GPU-8f3c",), 1, 1, 16),
    ],
)
def test_trials_are_laid_out_over_gpus(
    wish: Wish, leases: tuple[str, ...], per_device: int, slots: int, threads: int
) -> None:
    place = on_this_machine(wish)
    assert (place.device, place.devices, place.per_device) == ("cuda", leases, per_device)
    assert (place.slots, place.threads, place.shared) == (slots, threads, per_device > 1)


@pytest.mark.usefixtures("four_gpus")
def test_indices_count_the_visible_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    assert on_this_machine(Wish(devices=("0", "2"))).devices == ("4", "6")
    assert on_this_machine(Wish(device="cuda:1")).devices == ("5",)


@pytest.mark.usefixtures("four_gpus")
@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        (Wish(devices=("4",)), "'4' does not exist; this machine has 0 to 3"),
        (Wish(devices=("0", "0")), "contains a device twice"),
        (Wish(devices=("zero",)), "'zero' does not exist"),
        (Wish(device="cuda:1", devices=("0",)), "both choose devices"),
        (Wish(device="cpu", devices=("0",)), "--devices is for GPUs"),
        (Wish(device="cpu", per_device=2), "--per-device is for GPUs"),
        (Wish(devices=("0",), per_device=2, jobs=3), "more than 1 device"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(wish: Wish, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        on_this_machine(wish)


def test_one_thread_trials_side_by_side_up_to_the_cores() -> None:
    place = on_this_machine(Wish(device="cpu"))
    assert place == Layout(device="cpu", slots=devices.cores(), threads=1, memory=devices.main_memory())


def test_a_limit_of_memory_that_nothing_would_watch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = PlanRequest(losses=(), architectures=(), datasets=())
    request = RunRequest(plan=plan, seeds=(0,), out=Path("runs"), device="cpu", memory_limit=2**30)
    on_this_machine(request.wish)
    monkeypatch.setattr(processes, "_PROC", Path("/nowhere"))
    on_this_machine(Wish(device="cpu"))
    with pytest.raises(UsageError, match="--memory-limit needs /proc"):
        on_this_machine(request.wish)

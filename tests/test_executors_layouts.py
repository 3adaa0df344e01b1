"""How trials are laid out over the devices of this machine, and what cannot be."""

from pathlib import Path

import pytest

from ganbench import processes
from ganbench.errors import UsageError
from ganbench.executors import AUTO, Layout, Wish, devices
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
        # What does not divide evenly still finds a place, and no GPU has more room than needed.
        (Wish(devices=("0", "2"), jobs=3), ("0", "2"), 2, 3, 5),
        (Wish(devices=("0", "2"), per_device=2, jobs=4), ("0", "2"), 2, 4, 4),
        (Wish(devices=("0", "2"), per_device=3, jobs=1), ("0", "2"), 3, 1, 16),
        (Wish(devices=("0",), per_device=20), ("0",), 20, 20, 1),
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
def test_a_device_that_the_environment_names_twice_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """No option has named it."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0,1,2")
    told = "^CUDA_VISIBLE_DEVICES=1,0,1,2 contains a device twice; name it once, and use --per-device 2 "
    with pytest.raises(UsageError, match=told):
        on_this_machine(Wish())
    assert on_this_machine(Wish(devices=("1", "3"))).devices == ("0", "2")
    with pytest.raises(UsageError, match=r"^--devices 0,2 contains a device twice"):
        on_this_machine(Wish(devices=("0", "2")))


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
        (
            Wish(devices=("0",), per_device=2, jobs=3),
            "--jobs 3 is more than 1 device with --per-device 2 can run",
        ),
        (Wish(devices=("0",), per_device=AUTO, jobs=17), "--jobs 17 is more than 1 .* with --per-device auto can run"),
        (Wish(options={"partition": "gpu"}), "executor 'local' has no option 'partition'"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(wish: Wish, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        on_this_machine(wish)


@pytest.mark.parametrize(("cores", "each"), [(2, 1), (4, 1), (16, 4), (63, 15), (64, 16), (256, 16)])
def test_where_their_number_is_found_out_each_has_a_core_and_there_is_a_most(
    monkeypatch: pytest.MonkeyPatch, four_gpus: None, cores: int, each: int
) -> None:
    monkeypatch.setattr(devices, "cores", lambda: cores)
    place = on_this_machine(Wish(per_device=AUTO))
    assert (place.per_device, place.slots, place.shared) == (each, 4 * each, each > 1)
    assert place.threads == max(1, cores // (4 * each))
    assert on_this_machine(Wish(per_device=AUTO, jobs=3)).slots == 3


@pytest.mark.parametrize(("jobs", "slots", "threads"), [(0, 8, 1), (1, 1, 8), (3, 3, 2), (8, 8, 1), (9, 9, 1)])
def test_trials_on_processors_share_them(monkeypatch: pytest.MonkeyPatch, jobs: int, slots: int, threads: int) -> None:
    monkeypatch.setattr(devices, "cores", lambda: 8)
    place = on_this_machine(Wish(device="cpu", jobs=jobs))
    assert (place.device, place.slots, place.threads) == ("cpu", slots, threads)
    assert (place.devices, place.per_device, place.shared, place.adaptive) == ((), 1, False, False)


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (Layout(device="cpu", slots=2, threads=1), "cpu, 2 at once with 1 thread each"),
        (Layout(device="cpu", slots=0, threads=4), "cpu, as many at once as fit with 4 threads each"),
        (Layout(device="cuda", slots=1, threads=8, devices=("2",)), "cuda (device 2), 1 at once with 8 threads each"),
        (
            Layout(device="cuda", slots=6, threads=2, devices=("0", "2"), per_device=3, adaptive=True),
            "cuda (devices 0, 2), up to 6 at once, as long as more are faster, with 2 threads each",
        ),
    ],
)
def test_a_layout_in_words(layout: Layout, words: str) -> None:
    assert layout.sentence() == words


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

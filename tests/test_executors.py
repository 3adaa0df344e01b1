"""Executors: where trials are laid out, options, what is noted of a cluster. Each executor has a file of its own."""

import os
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from ganbench import processes
from ganbench.errors import GanbenchError, UsageError
from ganbench.executors import Executor, JobState, Layout, Settings, Wish, devices, ray, ray_site
from ganbench.executors.handed import Handed, forget, left_behind, read_handed, refuse_what_others_hold
from ganbench.executors.local import layout
from ganbench.executors.slurm import Slurm
from ganbench.files import write_json
from ganbench.plan import PlanRequest
from ganbench.planning.request import RunRequest
from ganbench.records.folder import TrialFolder


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
    place = layout(wish)
    assert (place.device, place.devices, place.per_device) == ("cuda", leases, per_device)
    assert (place.slots, place.threads, place.shared) == (slots, threads, per_device > 1)


@pytest.mark.usefixtures("four_gpus")
def test_indices_count_the_visible_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    assert layout(Wish(devices=("0", "2"))).devices == ("4", "6")
    assert layout(Wish(device="cuda:1")).devices == ("5",)


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
        layout(wish)


@pytest.mark.parametrize(
    ("executor", "option", "value", "complaint"),
    [
        (ray.Ray, "memory", "4G", "option memory=4G must be a whole number"),
        (ray.Ray, "memory", "0", "option memory=0 must be a whole number of at least 1"),
        (ray.Ray, "pack", "0", "option pack=0"),
        (ray.Ray, "attempts", "0", "option attempts=0"),
        (ray.Ray, "deadline", "soon", "option deadline=soon must be a duration"),
        (ray.Ray, "cpus", "9" * 400, "option cpus=9+ must be a number"),
        (Slurm, "pack", "0", "option pack=0"),
        (Slurm, "attempts", "x", "option attempts=x"),
        (Slurm, "deadline", "soon", "option deadline=soon"),
        (Slurm, "poll", "x", "option poll=x"),
        (Slurm, "grace", "x", "option grace=x"),
        (Slurm, "warning", "x", "option warning=x"),
        (Slurm, "setup", "nowhere", "option setup=nowhere: there is no such file"),
        (Slurm, "time", "4h", "option time=4h must be minutes, H:MM:SS or D-HH:MM:SS"),
        (Slurm, "mem", "lots", "option mem=lots must be a number of MiB"),
        (Slurm, "gpus", "two", "option gpus=two must be how many"),
    ],
)
def test_a_request_that_needs_no_cluster_to_be_refused_is_refused_before_one_is_asked(
    executor: type[Executor], option: str, value: str, complaint: str
) -> None:
    """By the layout, which ``--dry-run`` makes as well."""
    with pytest.raises(UsageError, match=complaint):
        executor.layout(Wish(options={option: value}))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("time", "60"), ("time", "4:00:00"), ("time", "1-12"), ("time", "1-12:00:00"), ("time", "UNLIMITED"),
        ("mem", "0"), ("mem", "500"), ("mem", "8G"), ("mem", "8gb"), ("gpus", "2"), ("gpus", "a100:1"),
        ("gpus", "a100:1,v100:1"), ("partition", "gpu,long"),
    ],
)  # fmt: skip
def test_what_slurm_takes_is_left_to_it(option: str, value: str) -> None:
    assert Slurm.layout(Wish(options={option: value})).device == ("cuda" if option == "gpus" else "cpu")


def test_one_thread_trials_side_by_side_up_to_the_cores() -> None:
    place = layout(Wish(device="cpu"))
    assert place == Layout(device="cpu", slots=devices.cores(), threads=1, memory=devices.main_memory())


def test_a_limit_of_memory_that_nothing_would_watch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = PlanRequest(losses=(), architectures=(), datasets=())
    request = RunRequest(plan=plan, seeds=(0,), out=Path("runs"), device="cpu", memory_limit=2**30)
    layout(request.wish)
    monkeypatch.setattr(processes, "_PROC", Path("/nowhere"))
    layout(Wish(device="cpu"))
    with pytest.raises(UsageError, match="--memory-limit needs /proc"):
        layout(request.wish)


def test_what_was_handed_over_is_remembered_until_the_trial_has_ended(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path)
    handed = Handed("slurm", "1124-230000-abcdef", 3, 1, time.time())
    handed.write(tmp_path)
    folder.write_status("running")
    assert read_handed(folder) == handed
    folder.write_status("done")
    assert read_handed(folder) is None
    folder.write_status("pending")
    forget(tmp_path)
    assert read_handed(folder) is None
    assert os.listdir(tmp_path) == ["status.json"]


@pytest.mark.parametrize(
    "change",
    [{"submission": "../../elsewhere"}, {"submission": 3}, {"index": "../x"}, {"executor": None}, {"time": "now"}],
)
def test_a_note_that_was_not_written_here_is_none(tmp_path: Path, change: dict[str, object]) -> None:
    folder = TrialFolder(tmp_path)
    folder.write_status("pending")
    content = {"executor": "slurm", "submission": "1124-230000-abcdef", "index": 3, "attempt": 1, "time": 1.0}
    write_json(Handed.path(tmp_path), content)
    assert read_handed(folder) is not None
    assert not left_behind(folder, "pending")
    write_json(Handed.path(tmp_path), content | change)
    assert read_handed(folder) is None
    assert left_behind(folder, "pending"), "it would be waited for without end"


def test_nobody_trains_beside_the_cluster_that_a_trial_was_left_to(tmp_path: Path) -> None:
    folders = [TrialFolder(tmp_path / name) for name in ("free", "left")]
    for folder in folders:
        folder.path.mkdir()
        folder.write_status("pending")
    Handed("slurm", "1124-230000-abcdef", 3, 1, time.time()).write(folders[1].path)
    refuse_what_others_hold(folders, "ganbench:slurm")
    refuse_what_others_hold(folders[:1], "local")
    with pytest.raises(UsageError, match=r"^left was left to slurm .*task 3\); collect it with --executor slurm"):
        refuse_what_others_hold(folders, "local")


@pytest.mark.parametrize(("reached", "given_up"), [(True, True), (False, False)])
def test_a_head_that_went_away_is_told_from_one_behind_a_proxy(
    monkeypatch: pytest.MonkeyPatch, reached: bool, given_up: bool
) -> None:
    """Whoever connects through ``ray://`` may never reach the head itself."""

    class Cluster:
        gcs_address = "10.0.0.1:6379"

        def get_runtime_context(self) -> "Cluster":
            return self

    answers = iter([""] if reached else [])
    monkeypatch.setattr(ray_site, "connect", lambda *_: Cluster())
    monkeypatch.setattr(ray_site, "check_that_it_fits", lambda *_: None)
    monkeypatch.setattr(ray_site, "check_the_nodes", lambda *_: None)
    monkeypatch.setattr(ray_site, "refusal", lambda address: address and next(answers, "nobody answers"))
    monkeypatch.setattr(ray_site, "KNOCK_SECONDS", 0.0)
    monkeypatch.setattr(ray, "SILENCE_SECONDS", 0.0)
    executor = ray.Ray(Settings(slots=1, timeout=None, server=lambda: pytest.fail("no server is needed")))
    gone = pytest.raises(GanbenchError, match=r"the Ray cluster at 10\.0\.0\.1:6379 is gone")
    with gone if given_up else nullcontext():
        for _ in range(3):
            executor.states()
            time.sleep(0.001)


def test_states_have_the_names_of_the_contract() -> None:
    assert {state.value for state in JobState} == {"pending", "running", "ended", "lost", "unknown"}

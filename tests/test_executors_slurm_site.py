"""What is read of a Slurm request and of Slurm's answers; no Slurm is asked."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import UsageError
from ganbench.executors import AUTO, Layout, Wish
from ganbench.executors import slurm_site as site
from ganbench.executors.slurm_site import Place, layout, places, terms


@pytest.mark.parametrize(
    ("time", "warning"),
    [
        ("", 60), ("UNLIMITED", 60), ("-1", 60), ("0", 60), ("1", 20), ("2", 40), ("3", 60), ("600", 60),
        ("0:45", 15), ("1:30", 30), ("2:00", 40), ("30:00", 60),
        ("0:01:30", 30), ("00:02:00", 40), ("1:00:00", 60), ("1:0:0", 60),
        ("0-0:02", 40), ("0-0:0:90", 30), ("0-1", 60), ("1-12", 60), ("1-12:00", 60), ("1-12:00:00", 60),
    ],
)  # fmt: skip
def test_a_job_is_asked_to_stop_in_the_last_third_of_its_time(time: str, warning: int) -> None:
    """Whichever of Slurm's forms says how long that is; one that is asked at its start would never train."""
    assert terms({"time": time} if time else {}, 1).warning == warning


@pytest.mark.parametrize(
    ("time", "warning"),
    [("30", 600), ("45:00", 900), ("3:00:00", 3600), ("0-1", 1200), ("0-1:30", 1800), ("1-0", 3600)],
)
def test_a_long_warning_is_shortened_to_a_third(time: str, warning: int) -> None:
    assert terms({"time": time, "warning": "1h"}, 1).warning == warning


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 1), ({"gres": "gpu"}, 1), ({"gres": "gpu:2"}, 2), ({"gres": "gpu:a100:12"}, 12), ({"gres": "gpu:a100"}, 1),
        ({"gres": "gres/gpu:3"}, 3), ({"gres": "gres:gpu:3"}, 3), ({"gres": "gpu:2, shard:4"}, 2),
        ({"gres": "shard:4"}, 1), ({"gres": "tmpdisk:8"}, 1), ({"gres": "tmpdisk:8,gpu:2"}, 2),
        ({"gres": "gpu:a100:1,gpu:v100:2"}, 3), ({"gres": "gpu:a100,gpu:v100"}, 2), ({"gres": "gpu:1g.10gb:2"}, 2),
        ({"gpus": "4"}, 4), ({"gpus": "a100:2"}, 2), ({"gpus": "a100:1,v100:1"}, 2), ({"gpus": "0"}, 1),
        ({"gpus-per-node": "2"}, 2), ({"gpus-per-task": "2"}, 2), ({"gpus": "20"}, 20),
    ],
)  # fmt: skip
def test_a_job_gets_as_many_gpus_as_are_asked_for(options: dict[str, str], count: int) -> None:
    """And, unless it is said, as many trials as run on them at once."""
    assert site.gpus(options) == count
    assert terms(options, 1).pack == count
    assert terms(options, 3).pack == 3 * count
    assert terms(options | {"pack": "5"}, 3).pack == 5


@pytest.mark.parametrize(
    ("options", "wish", "expected"),
    [
        ({}, {}, Layout(device="cpu", slots=0, threads=1)),
        ({"cpus-per-task": "6"}, {"jobs": 3}, Layout(device="cpu", slots=3, threads=6)),
        ({"cpus-per-task": "6"}, {"per_device": 2}, Layout(device="cpu", slots=0, threads=3, per_device=2)),
        ({"gres": "gpu:1", "cpus-per-task": "6"}, {}, Layout(device="cuda", slots=0, threads=6)),
        ({"gres": "gpu:2", "cpus-per-task": "6"}, {"device": "cuda"}, Layout(device="cuda", slots=0, threads=3)),
        (
            {"gpus": "2", "cpus-per-task": "8"},
            {"per_device": 2},
            Layout(device="cuda", slots=0, threads=2, per_device=2, shared=True),
        ),
        ({"gpus": "4", "cpus-per-task": "2"}, {}, Layout(device="cuda", slots=0, threads=1)),
        ({"gres": "shard:1"}, {}, Layout(device="cuda", slots=0, threads=1, shared=True)),
        # On the CPU, the GPUs of the job share none of its processors.
        ({"gres": "gpu:2", "cpus-per-task": "6"}, {"device": "cpu"}, Layout(device="cpu", slots=0, threads=6)),
        ({"gres": "gpu:0"}, {}, Layout(device="cpu", slots=0, threads=1)),
        ({"gres": "tmpdisk:8"}, {}, Layout(device="cpu", slots=0, threads=1)),
        ({"gres": "tmpdisk:8,gpu:1"}, {}, Layout(device="cuda", slots=0, threads=1)),
        ({"gpus": "10"}, {}, Layout(device="cuda", slots=0, threads=1)),
        # As sbatch reads them, in letters of either size.
        ({"mem": "8g", "time": "UNLIMITED"}, {}, Layout(device="cpu", slots=0, threads=1)),
    ],
)
def test_trials_run_where_gpus_are_asked_for_on_them(
    options: dict[str, str], wish: dict[str, Any], expected: Layout
) -> None:
    assert layout(Wish(options=options, **wish)) == expected


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        (Wish(devices=("0",)), "--devices is for this machine"),
        (Wish(device="cuda:1", options={"gres": "gpu:1"}), "--device cuda:1 is for this machine"),
        (Wish(device="cuda"), "--device cuda needs a GPU from Slurm"),
        (Wish(device="cuda", options={"gres": "gpu:0"}), "--device cuda needs a GPU from Slurm"),
        (Wish(device="cuda", options={"gpus": "0"}), "--device cuda needs a GPU from Slurm"),
        (Wish(per_device=AUTO, options={"gres": "gpu:1"}), "with Slurm give a number"),
        (Wish(options={"gpu": "1"}), "executor 'slurm' has no option 'gpu'"),
        (Wish(options={"cpus-per-task": "0"}), "option cpus-per-task=0"),
        (Wish(options={"time": "4h"}), "option time=4h must be minutes, H:MM:SS or D-HH:MM:SS"),
        (Wish(options={"time": "1:00:00:00"}), "option time=1:00:00:00 must be minutes"),
        (Wish(options={"mem": "8 G"}), "option mem=8 G must be a number of MiB or with a unit"),
        (Wish(options={"gpus": "1 a100"}), "option gpus=1 a100 must be how many, such as 1 or a100:1"),
    ],
)
def test_what_slurm_cannot_give_is_refused(wish: Wish, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        layout(wish)


def test_terms_that_are_not_given_are_those_of_the_documents() -> None:
    found = terms({}, 1)
    assert (found.attempts, found.deadline, found.poll, found.grace, found.setup) == (3, float("inf"), 5.0, 60.0, None)


def test_a_script_that_prepares_python_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "modules.sh"
    script.write_text("module load cuda")
    assert terms({"setup": str(script)}, 1).setup == script
    monkeypatch.setenv("HOME", str(tmp_path))
    assert terms({"setup": "~/modules.sh"}, 1).setup == script
    with pytest.raises(UsageError, match=f"option setup={tmp_path}: there is no such file"):
        terms({"setup": str(tmp_path)}, 1)


def test_the_queue_is_read_element_by_element() -> None:
    """Jobs of others, of other names and what is no element of an array are passed over; a reason may hold a bar."""
    listing = """
12_0|ganbench-a|RUNNING|None
12_17|ganbench-a|PENDING|Resources|and more
13_[1-9]|ganbench-b|PENDING|
14|ganbench-c|RUNNING|None
15_0|notebook|RUNNING|None
16_3|ganbench-d
 17_0|ganbench-e|FAILED|
"""
    assert places(listing) == {
        ("a", 0): Place("12_0", "RUNNING", "None"),
        ("a", 17): Place("12_17", "PENDING", "Resources|and more"),
        ("d", 3): Place("16_3", "", ""),
        ("e", 0): Place("17_0", "FAILED", ""),
    }


@pytest.mark.parametrize(
    ("state", "reason", "found"),
    [
        ("RUNNING", "None", ["active"]),
        ("COMPLETING", "JobHeldAdmin", ["active"]),
        ("RUNNING", "launch failed requeued held", ["active"]),
        ("PENDING", "Priority", ["active", "waits"]),
        ("REQUEUE_HOLD", "launch failed requeued held", ["active", "waits", "not_launched"]),
        ("PENDING", "(launch_failed_requeued_held)", ["active", "waits", "not_launched"]),
        ("PENDING", "DependencyNeverSatisfied", ["active", "waits", "held"]),
        ("SPECIAL_EXIT", "JobHeldUser", ["active", "waits"]),
        *((state, "None", ["active"]) for state in ("SUSPENDED", "STOPPED", "SIGNALING", "RESIZING", "STAGE_OUT")),
        *((state, "None", ["active", "waits"]) for state in ("CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD")),
        *((state, "None", []) for state in ("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED")),
        ("", "", []),
    ],
)
def test_what_a_state_and_its_reason_mean(state: str, reason: str, found: list[str]) -> None:
    place = Place("1_0", state, reason)
    assert [word for word in ("active", "waits", "not_launched", "held") if getattr(place, word)] == found


@pytest.mark.parametrize(
    ("output", "size"),
    [("MaxArraySize = 1001\n", 1000), ("A = 1\nMaxArraySize            = 5\nB = 2\n", 4), ("MaxArraySize = 1\n", 1),
     ("NotMaxArraySize = 7\n", 1000), ("", 1000)],
)  # fmt: skip
def test_an_array_is_no_larger_than_the_site_allows(monkeypatch: pytest.MonkeyPatch, output: str, size: int) -> None:
    monkeypatch.setattr(site, "call", lambda *command: subprocess.CompletedProcess(command, 0, output, ""))
    assert site.largest_array() == size


def test_a_job_is_cancelled_once_and_nothing_calls_for_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(site, "call", lambda *command: asked.append(command))
    site.cancel(["1_0", "2_0", "1_0"], "--full")
    site.cancel([])
    assert asked == [("scancel", "--full", "1_0", "2_0")]


def test_of_very_many_jobs_none_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(site, "call", lambda *command: asked.append(command))
    jobs = [f"1_{index}" for index in range(2 * site.CANCELLED_AT_ONCE + 1)]
    site.cancel(jobs, "--full")
    assert [len(command) - 2 for command in asked] == [site.CANCELLED_AT_ONCE, site.CANCELLED_AT_ONCE, 1]
    assert [name for command in asked for name in command[2:]] == jobs


def test_a_program_that_does_not_answer_is_told_from_one_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = site.call("sh", "-c", "echo $LC_ALL; read line || echo nothing to read; echo 'bad partition' >&2; exit 3")
    assert (answer.returncode, answer.stdout.split("\n")[:2]) == (3, ["C", "nothing to read"])
    assert not site.gave_no_answer(answer.stderr)
    monkeypatch.setattr(site, "COMMAND_SECONDS", 0.05)
    slow = site.call("sleep", "60")
    assert (slow.returncode, slow.stderr) == (1, "sleep timed out")
    assert site.gave_no_answer(slow.stderr)
    missing = site.call("no-such-program-of-slurm")
    assert (missing.returncode, missing.stderr) == (1, "no-such-program-of-slurm: No such file or directory")
    assert not site.gave_no_answer(missing.stderr)
    assert site.gave_no_answer("slurm_load_jobs error: UNABLE TO CONTACT slurm controller (connect failure)")


def test_a_program_is_not_interrupted_with_the_run_and_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of a submission would leave nobody knowing whether it was taken."""
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(subprocess, "run", lambda *_, **how: given.append(how))
    site.call("sbatch")
    assert given[0]["start_new_session"] is True
    assert given[0]["stdin"] == subprocess.DEVNULL
    assert (given[0]["errors"], given[0]["timeout"]) == ("replace", site.COMMAND_SECONDS)


def test_what_a_program_complains_about_is_one_line() -> None:
    assert site.one_line("sbatch: error: one\n\n  two  \n") == "sbatch: error: one; two"
    assert site.one_line(" \n") == "no message"

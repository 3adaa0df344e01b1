"""Submissions to Slurm: what their files say, what sbatch is given, and how long a controller may be away."""

import math
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ganbench.errors import GanbenchError, UsageError
from ganbench.executors import Job, Settings, slurm_jobs
from ganbench.executors import slurm_site as site
from ganbench.executors.node import read_task
from ganbench.executors.slurm_jobs import Submissions
from ganbench.provenance.fingerprint import fingerprint
from ganbench.store.handed import Handed


class Controller:
    """Stands for Slurm's programs; answers as the test says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.code, self.output, self.error = 0, "", ""

    def call(self, *command: str) -> "subprocess.CompletedProcess[str]":
        self.asked.append(command)
        return subprocess.CompletedProcess(command, self.code, self.output, self.error)

    def be_away(self) -> None:
        self.code, self.error = 1, "slurm_load_jobs error:\nUnable to contact slurm controller"


@pytest.fixture
def controller(monkeypatch: pytest.MonkeyPatch) -> Controller:
    found = Controller()
    monkeypatch.setattr(site, "call", found.call)
    monkeypatch.setattr("shutil.which", lambda program: program)
    return found


Make = Callable[..., Submissions]


@pytest.fixture
def make(controller: Controller, tmp_path: Path) -> Make:
    """Make them, with options of the executor's own, and other settings."""

    def made(options: dict[str, str] | None = None, **more: Any) -> Submissions:
        own = options or {}
        given: dict[str, Any] = {"slots": 0, "timeout": None, "out": tmp_path / "my runs", "server": pytest.fail} | more
        return Submissions(Settings(options=own, **given), site.terms(own, given.get("per_device", 1)))

    return made


def packs(path: Path) -> list[list[Job]]:
    return [[Job("a", path / "a"), Job("b", path / "b")], [Job("c", path / "c")]]


@pytest.mark.parametrize("missing", ["sbatch", "squeue", "scancel"])
def test_without_slurms_programs_nothing_can_be_submitted(
    missing: str, make: Make, monkeypatch: pytest.MonkeyPatch, controller: Controller
) -> None:
    monkeypatch.setattr("shutil.which", lambda program: None if program == missing else program)
    with pytest.raises(UsageError, match=f"there is no {missing} here"):
        make()
    assert controller.asked == []


def test_slurm_is_asked_whether_it_could_run_this(make: Make, controller: Controller) -> None:
    make({"partition": "gpu", "time": "60", "pack": "3", "python": "python3"})
    assert controller.asked == [
        ("sbatch", "--test-only", "--nodes=1", "--ntasks=1", "--partition=gpu", "--time=60", "--wrap=true")
    ]
    controller.code, controller.error = 1, "sbatch: error: invalid partition\n"
    with pytest.raises(UsageError) as caught:
        make()
    assert str(caught.value) == "Slurm cannot run this: sbatch: error: invalid partition; change --slurm"
    controller.be_away()  # which says nothing of the request
    make()


@pytest.mark.parametrize(
    "error",
    [
        "sbatch: error: DNS SRV lookup failed\nsbatch: fatal: Could not establish a configuration source\n",
        "sbatch: fatal: Unable to process configuration file\n",
        "sbatch: error: s_p_parse_file: unable to status file /etc/slurm/slurm.conf: No such file or directory\n",
    ],
)
def test_programs_of_slurm_on_a_machine_of_no_cluster_say_nothing_of_the_options(
    error: str, make: Make, controller: Controller
) -> None:
    controller.code, controller.error = 1, error
    with pytest.raises(
        UsageError, match=r"^Slurm is not set up here: sbatch: .*; run on a machine from which jobs are"
    ):
        make()


@pytest.mark.parametrize("deadline", ["", "90"])
def test_the_task_says_what_the_nodes_are_to_know(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deadline: str
) -> None:
    options = {"deadline": deadline} if deadline else {}
    made = make(
        options, timeout=70.0, memory_limit=2**30, device="cuda", threads=3, per_device=2, environment={"A": "1"}
    )
    before = time.time()
    monkeypatch.chdir(tmp_path)
    submission = made.write(packs(Path()), 2)  # wherever a job begins, the folders are where they are
    task = read_task(tmp_path / "my runs" / ".slurm" / submission / "task.json")
    assert (task.executor, task.submission, task.attempts) == ("slurm", submission, 2)
    assert task.packs == ((str(tmp_path / "a"), str(tmp_path / "b")), (str(tmp_path / "c"),))
    assert (task.device, task.threads, task.per_device) == ("cuda", 3, 2)
    assert (task.timeout, task.memory_limit) == (70.0, 2**30)
    assert task.folder == str(Path.cwd())
    assert task.expected == fingerprint()
    if deadline:
        assert task.deadline is not None
        assert math.isclose(task.deadline, before + 90, abs_tol=60)
    else:
        assert task.deadline is None
    assert made.write(packs(tmp_path), 2) != submission


@pytest.mark.parametrize("prepared", [False, True])
def test_the_job_runs_its_part_whatever_the_folders_are_called(make: Make, tmp_path: Path, prepared: bool) -> None:
    """The shell becomes Python, so that Python gets the signal at the end of the job's time."""
    python = tmp_path / "a python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$LOADED" "$$" "$@"\n')
    python.chmod(0o755)
    setup = tmp_path / "my setup"
    setup.write_text("LOADED=cuda; export LOADED\n")
    options = {"python": str(python)} | ({"setup": str(setup)} if prepared else {})
    submission = make(options).write(packs(tmp_path), 1)
    folder = tmp_path / "my runs" / ".slurm" / submission
    job = subprocess.Popen(
        ["sh", str(folder / "job.sh")], stdout=subprocess.PIPE, text=True, env={"SLURM_ARRAY_TASK_ID": "7"}
    )
    said, _ = job.communicate()
    loaded, number, *arguments = said.splitlines()
    assert (loaded, int(number)) == ("cuda" if prepared else "", job.pid)
    assert [argument for argument in arguments if argument != "-P"] == [
        "-m", "ganbench.executors.node", str(folder / "task.json"), "7",
    ]  # fmt: skip


@pytest.mark.parametrize("flags", [[], ["-P"]])
def test_without_another_python_it_is_this_one_which_searches_where_this_does(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    monkeypatch.setattr(slurm_jobs, "safe_path", lambda: flags)
    submission = make().write(packs(tmp_path), 1)
    script = (tmp_path / "my runs" / ".slurm" / submission / "job.sh").read_text()
    assert f"\nexec {' '.join([shlex.quote(sys.executable), *flags])} -m ganbench.executors.node " in script


def test_a_python_in_the_home_folder_is_found_there(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No shell on the way sees to it: neither behind ``python=``, nor in the job, where it is quoted."""
    monkeypatch.setenv("HOME", "/home/a b")
    submission = make({"python": "~/venv/bin/python"}).write(packs(tmp_path), 1)
    script = (tmp_path / "my runs" / ".slurm" / submission / "job.sh").read_text()
    assert "\nexec '/home/a b/venv/bin/python' " in script


@pytest.mark.parametrize(
    ("slots", "more", "options", "limit"),
    [
        (0, {}, {"pack": "2"}, ""),
        (1, {}, {"pack": "2"}, "%1"),
        (7, {}, {"pack": "2"}, "%7"),
        (7, {"per_device": 2}, {"pack": "8"}, "%3"),
        (1, {"per_device": 2}, {"pack": "8"}, "%1"),
        (3, {"per_device": 2}, {"pack": "1"}, "%3"),
        (8, {"device": "cuda", "per_device": 2}, {"gres": "gpu:2", "pack": "12"}, "%2"),
        (8, {"device": "cpu"}, {"gres": "gpu:2"}, "%8"),
    ],
)
def test_sbatch_is_given_an_array(
    make: Make, controller: Controller, tmp_path: Path, slots: int, more: dict[str, Any], options: dict[str, str],
    limit: str,
) -> None:  # fmt: skip
    """Of as many jobs at once as have so many trials at once: those of a pack that wait in it do not count."""
    made = make({"mem": "8G", "warning": "45"} | options, slots=slots, **more)
    controller.asked.clear()
    assert made.send("0101-x", 5)
    (command,) = controller.asked
    folder = tmp_path / "my runs" / ".slurm" / "0101-x"
    assert command[:2] == ("sbatch", "--parsable")
    assert command[-1] == str(folder / "job.sh")
    assert set(command[2:-1]) == {
        f"--array=0-4{limit}", "--job-name=ganbench-0101-x", "--requeue", "--open-mode=append",
        f"--output={folder}/%a.log", f"--chdir={Path.cwd()}", "--signal=B:TERM@45", "--nodes=1", "--ntasks=1",
        "--mem=8G", *(f"--gres={options['gres']}" for _ in options.keys() & {"gres"}),
    }  # fmt: skip


def test_what_sbatch_refuses_is_told_from_a_controller_that_is_away(make: Make, controller: Controller) -> None:
    made = make()
    controller.be_away()
    assert not made.send("x", 1)
    controller.error = "sbatch: error: QOSMaxSubmitJobPerUserLimit\n"
    with pytest.raises(UsageError) as caught:
        made.send("x", 1)
    assert str(caught.value) == "sbatch refused the job: sbatch: error: QOSMaxSubmitJobPerUserLimit; change --slurm"


def test_the_queue_is_read_or_not_known(make: Make, controller: Controller) -> None:
    made = make()
    controller.output = "1_0|ganbench-x|RUNNING|None"
    assert made.queue() == {("x", 0): site.Place("1_0", "RUNNING", "None")}
    assert controller.asked[-1] == site.QUEUE
    controller.be_away()
    assert made.queue() is None


@pytest.mark.parametrize("ask", ["queue", "send"])
def test_a_controller_may_be_away_for_half_an_hour_at_a_time(
    make: Make, controller: Controller, monkeypatch: pytest.MonkeyPatch, ask: str
) -> None:
    """It counts from the first question without an answer, and anew after each answer."""
    made, now = make(), 1000.0
    monkeypatch.setattr(slurm_jobs, "time", SimpleNamespace(monotonic=lambda: now))

    def answered() -> bool:
        return made.queue() is not None if ask == "queue" else made.send("x", 1)

    for _ in range(2):
        controller.be_away()
        assert not answered()
        now += 1800
        assert not answered()
        controller.code = 0
        assert answered()
        now += 5000
    controller.be_away()
    assert not answered()
    now += 1801
    with pytest.raises(GanbenchError) as caught:
        answered()
    assert str(caught.value) == (
        "Slurm's controller has not answered for 30 minutes (slurm_load_jobs error:; Unable to contact slurm "
        "controller); its jobs continue, and the same command collects them"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\n  ImportError: none  \n\n", "; the last line of its output: ImportError: none"),
        (" \n\n", ""),
        (None, ""),
    ],
)
def test_what_a_job_printed_last(make: Make, tmp_path: Path, text: str | None, said: str) -> None:
    folder = tmp_path / "my runs" / ".slurm" / "x"
    folder.mkdir(parents=True)
    (folder / "3.log").write_text("of another job")
    if text is not None:
        (folder / "4.log").write_text(text)
    assert make().last_line(Handed("slurm", "x", 4, 1, 0.0)) == said

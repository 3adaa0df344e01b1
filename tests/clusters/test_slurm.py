"""Slurm, the real one: the contract, devices, packing, detaching, refusals, and a grid through all its accidents."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganbench.errors import UsageError
from ganbench.executors import Executor, JobState, Settings, Wish
from ganbench.executors.slurm import Slurm
from ganbench.provenance.fingerprint import fingerprint
from ganbench.records.folder import TrialFolder
from ganbench.store.handed import read_handed
from ganbench.testing.executor_trials import ENDLESS, write_trial
from tests.executing import ExecutorContract, status_of, wait, wait_for_the_end

from .grid import TRIALS, Grid
from .slurm_site import GPUS_PER_NODE, SlurmSite

pytestmark = pytest.mark.slow
OPTIONS = {"poll": "0.5", "grace": "2"}

Make = Callable[..., Slurm]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def make(slurm: SlurmSite, out: Path) -> Iterator[Make]:
    """Make executors; what they have left in the queue ends with the test."""

    def build(**options: str) -> Slurm:
        given = OPTIONS | {name.replace("_", "-"): value for name, value in options.items()}
        place = Slurm.layout(Wish(options=given))
        return Slurm(
            Settings(
                slots=place.slots,
                timeout=None,
                server=lambda: pytest.fail("no server is needed here"),
                device=place.device,
                threads=place.threads,
                per_device=place.per_device,
                out=out,
                options=given,
            )
        )

    yield build
    subprocess.run(["scancel", "--me", "--full", "--signal=KILL"], check=False)
    subprocess.run(["scancel", "--me"], check=False)


class TestSlurm(ExecutorContract):
    @pytest.fixture
    def executor(self, make: Make) -> Executor:
        return make()


@pytest.mark.parametrize("gres", ["gpu:1", "shard:1"])
def test_every_trial_sees_exactly_the_gpu_it_was_given(make: Make, out: Path, gres: str) -> None:
    """They fail for want of CUDA; what each process saw stands in its folder before that."""
    executor = make(gres=gres)
    assert Slurm.layout(Wish(options={"gres": gres})).shared == (gres == "shard:1")
    jobs = [write_trial(out, seed=seed, device="cuda") for seed in range(6)]
    executor.submit(jobs)
    wait_for_the_end(executor, jobs)
    seen = [json.loads(TrialFolder(job.folder).starts.read_text().splitlines()[0])["devices"] for job in jobs]
    assert set(seen) <= {str(number) for number in range(GPUS_PER_NODE)}
    assert "torch finds none" in str(TrialFolder(jobs[0].folder).read_status()["reason"])


def test_a_pack_shares_one_job_and_leases_its_gpus_one_by_one(slurm: SlurmSite, make: Make, out: Path) -> None:
    executor = make(gres="gpu:2", pack="4")
    jobs = [write_trial(out, seed=seed, device="cuda") for seed in range(4)]
    executor.submit(jobs)
    wait_for_the_end(executor, jobs)
    starts = [json.loads(TrialFolder(job.folder).starts.read_text().splitlines()[0]) for job in jobs]
    assert len({start["task"] for start in starts}) == 1
    assert Counter(start["devices"] for start in starts).keys() == {"0", "1"}


def test_a_request_that_no_node_can_satisfy_is_refused_before_anything_is_written(make: Make, out: Path) -> None:
    with pytest.raises(UsageError, match="Slurm cannot run this"):
        make(gres="gpu:64")
    with pytest.raises(UsageError, match="no option 'partion'; did you mean 'partition'"):
        make(partion="all")
    assert not out.exists()


def test_a_job_that_ends_without_a_word_is_tried_again_and_then_given_up(make: Make, out: Path) -> None:
    executor = make(python="/bin/false", attempts="2")
    job = write_trial(out)
    executor.submit([job])
    wait_for_the_end(executor, [job])
    assert executor.states()[job.trial_id] is JobState.ENDED
    assert "left no result (attempt 2 of 2)" in executor.why(job.trial_id)
    assert "FAILED" in executor.why(job.trial_id)


def test_a_deadline_ends_what_waits(slurm: SlurmSite, make: Make, out: Path) -> None:
    slurm.call("scontrol", "update", "PartitionName=all", "State=DOWN")
    try:
        executor = make(deadline="1")
        job = write_trial(out)
        executor.submit([job])
        wait_for_the_end(executor, [job])
        assert status_of(job) == "timeout"
        assert slurm.queue() == ""
    finally:
        slurm.call("scontrol", "update", "PartitionName=all", "State=UP")


def test_other_code_on_a_node_is_an_error_that_names_package_and_versions(
    make: Make, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = fingerprint()
    older = mine.packages["ganbench"].model_copy(update={"version": "0.0.1"})
    other = mine.model_copy(update={"packages": mine.packages | {"ganbench": older}})
    monkeypatch.setattr("ganbench.executors.slurm_jobs.fingerprint", lambda: other)
    executor = make()
    job = write_trial(out)
    executor.submit([job])
    wait_for_the_end(executor, [job])
    folder = TrialFolder(job.folder)
    assert "ganbench is 0.0.1 on" in str(folder.read_status()["reason"])
    assert not folder.starts.exists(), "nothing was trained, nothing is tried again"


def test_what_was_left_to_slurm_is_collected_by_a_later_run(make: Make, out: Path) -> None:
    first = make()
    jobs = [write_trial(out, seed=0), write_trial(out, seed=1, steps=ENDLESS)]
    first.submit(jobs)
    assert "2 trials left to Slurm" in first.detach()
    later = make()
    assert later.adopt(jobs) == {job.trial_id for job in jobs}
    wait(later, lambda: status_of(jobs[0]) == "done", "the first trial")
    wait(later, lambda: later.states()[jobs[0].trial_id] is JobState.ENDED, "its end")
    assert read_handed(TrialFolder(jobs[0].folder)) is None
    later.cancel([jobs[1].trial_id], hard=True)
    assert len(TrialFolder(jobs[0].folder).starts.read_text().splitlines()) == 1


def test_a_job_that_slurm_requeues_goes_on_from_its_checkpoint(slurm: SlurmSite, make: Make, out: Path) -> None:
    """As after preemption: it is asked to stop, and loses nothing."""
    executor = make(attempts="1")
    job = write_trial(out, steps=ENDLESS)
    folder = TrialFolder(job.folder)
    executor.submit([job])
    wait(executor, folder.progress.exists, "the first step")
    slurm.call("scontrol", "requeue", slurm.call("squeue", "-h", "-r", "-o", "%i").strip())
    wait(executor, lambda: len(folder.attempts.read_text().splitlines()) == 2, "its second beginning")
    assert json.loads(folder.attempts.read_text().splitlines()[1])["step"] > 0
    executor.cancel([job.trial_id], hard=True)


def test_what_somebody_cancels_writes_a_checkpoint_and_ends(slurm: SlurmSite, make: Make, out: Path) -> None:
    executor = make()
    job = write_trial(out, steps=ENDLESS)
    folder = TrialFolder(job.folder)
    executor.submit([job])
    wait(executor, folder.progress.exists, "the first step")
    slurm.call("scancel", slurm.call("squeue", "-h", "-r", "-o", "%i").strip())
    wait_for_the_end(executor, [job])
    assert status_of(job) == "interrupted"
    assert "run again to resume" in str(folder.read_status()["reason"])
    assert len(folder.starts.read_text().splitlines()) == 1
    assert slurm.queue() == ""
    assert executor.adopt([job]) == frozenset(), "a later run begins it anew"


def test_one_that_is_stopped_before_its_first_step_again_and_again_is_given_up(make: Make, out: Path) -> None:
    """As where a job's time is too short to begin with: each is a job that asks its trial to stop at once."""
    stopping = out.parent / "python"
    stopping.write_text(
        f"#!{sys.executable}\nimport json, sys\nfrom pathlib import Path\n"
        "from ganbench.records.folder import TrialFolder\n"
        "task = json.loads(Path(sys.argv[3]).read_text())\nfolder = TrialFolder(Path(task['packs'][0][0]))\n"
        "folder.append_start({'submission': task['submission']})\nfolder.append_attempt({'step': 0})\n"
        "folder.write_status('interrupted', 'stopped after step 0; run again to resume')\n"
    )
    stopping.chmod(0o755)
    executor = make(python=str(stopping), attempts="2")
    job = write_trial(out)
    executor.submit([job])
    wait_for_the_end(executor, [job])
    assert status_of(job) == "interrupted"
    assert len(TrialFolder(job.folder).starts.read_text().splitlines()) == 3, "the first stop is nobody's fault"


def test_a_detached_grid_is_collected_by_the_same_command(slurm: SlurmSite, tmp_path: Path) -> None:
    run = [
        "run", "--losses", "vanilla", "--arch", "mlp[hidden=8,layers=1]", "--dataset", "ring", "--device", "cpu",
        "--steps", "20", "--num-samples", "100", "--seeds", "2", "--slurm", "poll=1,grace=5", "--out", "runs",
    ]  # fmt: skip

    def ganbench(*arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "ganbench", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    left = ganbench(*run, "--detach")
    assert left.returncode == 0, left.stderr
    assert "2 trials left to Slurm" in left.stderr
    status = ganbench("status", "runs")
    assert "2 trials: " in status.stdout.splitlines()[-1]
    assert "failed" not in status.stdout
    collected = ganbench(*run)
    assert collected.returncode == 0, collected.stderr
    folders = [TrialFolder(path.parent) for path in (tmp_path / "runs").glob("*/result.json")]
    assert [len(folder.starts.read_text().splitlines()) for folder in folders] == [1, 1]
    assert ganbench("status", "runs").stdout.splitlines()[-1] == "2 trials: 2 done"


def requeued_by_slurm(grid: Grid, folder: TrialFolder) -> bool:
    """Whether Slurm itself ended a trial's job to start it anew, as one that it launched when its controller died."""
    start = grid.starts(folder)[0]
    log = grid.out / ".slurm" / str(start["submission"]) / f"{str(start['task']).rpartition('_')[2]}.log"
    return log.exists() and "DUE TO JOB REQUEUE" in log.read_text()


@pytest.mark.timeout(1500)
def test_a_grid_of_24_survives_every_accident(slurm: SlurmSite, tmp_path: Path) -> None:
    """One trial raises, one is killed, a node stops, the controller is restarted, the host is killed and run again."""
    options = ("--slurm", "poll=1,grace=5,attempts=4", "--device", "cpu")
    grid = Grid(tmp_path, slurm.environment, *options, steps=1500)
    host = grid.start()
    killed = grid.kill_one_trial()
    grid.wait(lambda: len(grid.with_status("done")) >= 3, "three trials")
    slurm.kill("slurmctld")
    time.sleep(3)
    slurm.start_controller()
    grid.wait(lambda: len(grid.with_status("done")) >= 6, "six trials")
    grid.kill_host(host)
    stopped = {folder.trial_id for folder in grid.with_status("running")}
    failed_before = {folder.trial_id for folder in grid.with_status("failed")}
    slurm.kill("fake1")
    time.sleep(2)
    slurm.start_node("fake1")
    host = grid.start()
    assert host.wait(900) == 1, grid.log()
    grid.host = None

    assert len(grid.folders()) == TRIALS
    assert len(grid.with_status("done")) == TRIALS - 1, grid.log()
    (failed,) = grid.with_status("failed")
    assert "broken on purpose" in str(failed.read_status()["reason"])
    starts = {folder.trial_id: len(grid.starts(folder)) for folder in grid.folders()}
    more_than_once = {trial_id for trial_id, count in starts.items() if count > 1}
    assert failed_before <= {failed.trial_id}, "nothing failed that was not broken"
    assert starts[failed.trial_id] == 1 + len(failed_before), "each run tries it once; one that failed is never cached"
    assert killed.trial_id in more_than_once
    stopped |= {folder.trial_id for folder in grid.folders() if requeued_by_slurm(grid, folder)}
    assert more_than_once <= {killed.trial_id, *stopped, *failed_before}, "only what was stopped was started again"
    assert not grid.trained_side_by_side()
    for folder in grid.folders():
        assert {start["devices"] for start in grid.starts(folder)} == {""}, "trials on the CPU see no GPU"
    grid.wait(lambda: not slurm.queue(), "an empty queue", 30)
    grid.wait(lambda: not grid.leftovers(), "the end of all processes", 30)
    table = subprocess.run(
        [sys.executable, "-m", "ganbench", "status", str(grid.out)], capture_output=True, text=True, check=True
    )
    assert table.stdout.splitlines()[-1] == "24 trials: 23 done, 1 failed"

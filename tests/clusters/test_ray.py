"""Ray, a real cluster of two nodes: the contract, devices, refusals, and a grid through all its accidents."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganbench.errors import UsageError
from ganbench.executors import Executor, Settings, Wish
from ganbench.executors.ray import Ray
from ganbench.provenance.fingerprint import Package
from ganbench.records.folder import TrialFolder
from ganbench.testing.executor_trials import write_trial
from tests.executing import ExecutorContract, status_of, wait_for_the_end

from .grid import TRIALS, Grid
from .ray_cluster import GPUS_PER_NODE, RayCluster

pytestmark = pytest.mark.slow

Make = Callable[..., Ray]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def make(ray_address: str, out: Path) -> Iterator[Make]:
    made: list[Ray] = []

    def build(**options: str) -> Ray:
        given = {"address": ray_address} | options
        place = Ray.layout(Wish(options=given))
        settings = Settings(
            slots=place.slots,
            timeout=None,
            server=lambda: pytest.fail("no server is needed here"),
            device=place.device,
            threads=place.threads,
            out=out,
            options=given,
        )
        made.append(Ray(settings))
        return made[-1]

    yield build
    for executor in made:
        executor.close()


class TestRay(ExecutorContract):
    @pytest.fixture
    def executor(self, make: Make) -> Executor:
        return make()


def test_a_pack_is_one_task_whose_trials_run_one_by_one(make: Make, out: Path) -> None:
    executor = make(pack="3")
    jobs = [write_trial(out, seed=seed) for seed in range(4)]
    executor.submit(jobs)
    wait_for_the_end(executor, jobs)
    assert [status_of(job) for job in jobs] == ["done"] * 4
    starts = [json.loads(TrialFolder(job.folder).starts.read_text()) for job in jobs]
    packs = [start["submission"] for start in starts]
    assert sorted(packs.count(one) for one in set(packs)) == [1, 3]


@pytest.mark.parametrize("share", ["1", "0.5"])
def test_every_trial_sees_exactly_the_gpu_it_was_given(make: Make, out: Path, share: str) -> None:
    """They fail for want of CUDA; what each process saw stands in its folder before that."""
    executor = make(gpus=share)
    jobs = [write_trial(out, seed=seed, device="cuda") for seed in range(4)]
    executor.submit(jobs)
    wait_for_the_end(executor, jobs)
    seen = [json.loads(TrialFolder(job.folder).starts.read_text().splitlines()[0])["devices"] for job in jobs]
    assert set(seen) <= {str(number) for number in range(GPUS_PER_NODE)}
    assert "torch finds none" in str(TrialFolder(jobs[0].folder).read_status()["reason"])


def test_what_no_node_can_run_is_refused_before_anything_is_written(make: Make, out: Path) -> None:
    with pytest.raises(UsageError, match=r"no node of the Ray cluster has 64 CPU; its nodes have: 2 CPU, 2 GPU"):
        make(cpus="64")
    with pytest.raises(UsageError, match="no option 'gpu'; did you mean 'gpus'"):
        make(gpu="1")
    assert not out.exists()


def test_no_cluster_at_the_address_is_one_line(make: Make) -> None:
    with pytest.raises(UsageError, match=r"there is no Ray cluster at 127\.0\.0\.1:9 "):
        make(address="127.0.0.1:9")


def test_other_code_on_a_node_is_refused_naming_package_and_versions(
    make: Make, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganbench.provenance import fingerprint

    mine = fingerprint.fingerprint()
    other = mine.model_copy(update={"packages": mine.packages | {"ganbench-mine": Package(version="1.0")}})
    monkeypatch.setattr("ganbench.executors.ray.fingerprint", lambda: other)
    with pytest.raises(UsageError, match=r"ganbench-mine is 1.0 on .* and missing on"):
        make()


@pytest.mark.timeout(2400)
def test_a_grid_of_24_survives_every_accident(ray_cluster_with_plugin: RayCluster, tmp_path: Path) -> None:
    """One raises, one is killed, a node stops and another comes, the host is killed, the whole cluster restarted."""
    ray_cluster = ray_cluster_with_plugin
    options = ("--ray", f"address={ray_cluster.address},attempts=4", "--device", "cpu")
    grid = Grid(tmp_path, ray_cluster.environment, *options, steps=1500)
    host = grid.start()
    killed = grid.kill_one_trial()
    grid.wait(lambda: len(grid.with_status("done")) >= 3, "three trials")
    stopped = {folder.trial_id for folder in grid.with_status("running")}
    ray_cluster.kill("second")
    stopped |= {folder.trial_id for folder in grid.with_status("running")}
    ray_cluster.start_node("second", f"--address={ray_cluster.address}")
    grid.wait(lambda: len(grid.with_status("done")) >= 6, "six trials")
    stopped |= {folder.trial_id for folder in grid.with_status("running")}
    grid.kill_host(host)
    time.sleep(1)
    stopped |= {folder.trial_id for folder in grid.with_status("running")}
    host = grid.start()
    grid.wait(lambda: len(grid.with_status("done")) >= 10, "ten trials")
    stopped |= {folder.trial_id for folder in grid.with_status("running")}
    grid.host = None  # it ends: what Ray ran is lost
    ray_cluster.stop()
    assert host.wait(180) != 0
    assert "is gone, and so are its tasks" in grid.log()
    stopped |= {folder.trial_id for folder in grid.with_status("running")}
    ray_cluster.start()
    host = grid.start()
    assert host.wait(900) == 1, grid.log()
    grid.host = None

    assert len(grid.folders()) == TRIALS
    assert len(grid.with_status("done")) == TRIALS - 1, grid.log()
    (failed,) = grid.with_status("failed")
    assert "broken on purpose" in str(failed.read_status()["reason"])
    starts = {folder.trial_id: len(grid.starts(folder)) for folder in grid.folders()}
    done_once = {trial_id for trial_id, count in starts.items() if count == 1}
    assert killed.trial_id not in done_once
    assert set(starts) - done_once <= {killed.trial_id, failed.trial_id, *stopped}
    assert not grid.trained_side_by_side()
    for folder in grid.folders():
        assert {start["devices"] for start in grid.starts(folder)} == {""}, "trials on the CPU see no GPU"
    grid.wait(lambda: not grid.leftovers(), "the end of all processes", 30)

"""What dispatch costs: 24 trials that sleep 30 seconds on each executor, beside the time that they sleep.

Each trial sleeps in its first and only step, so that what is measured is what executors, start-up and the end of a
trial take, on this machine's own processors, and not what training would compute on them. Slurm and Ray are real, two
nodes each on loopback, as the tests of clusters run them; where one is missing it is left out, with its reason.

``ideal`` is the time that the trials would sleep if no slot ever waited: ceil(trials / slots) * seconds.
``grid`` counts from the first trial's hand-over to the end of the last trial, ``command`` is the whole of ``ganbench
run``, with its own start and planning. ``submission_to_first_step`` is of the trials that found a free slot at the
beginning; ``turnaround`` is, for every later one, the time from the end of the trial before it to its own first step.

On a machine that others use too, ``chrt -r 1 python -m benchmarks dispatch`` gives the starts of trials the processors
that they would have on an idle one; it needs root.
"""

import argparse
import json
import math
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import Machine, write

PLUGIN = """
from ganbench import hookimpl


@hookimpl
def register_losses(register):
    register("sleeping", "ganbench_sleeping_loss:Sleeping", summary="vanilla, after sleeping in its first step")
"""
LOSS = """
import time

from ganbench.losses.vanilla import Vanilla


class Sleeping(Vanilla):
    def __init__(self, *, seconds: float = 30.0) -> None:
        super().__init__()
        self.seconds = seconds

    def discriminator(self, real, fake, **more):
        time.sleep(self.seconds)
        return super().discriminator(real, fake, **more)
"""
CONTENDERS = ("local", "slurm", "slurm, packed", "ray", "ray, packed")


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks dispatch")
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=30.0, help="that each trial sleeps")
    parser.add_argument("--slots", type=int, default=4, help="trials at once; even, for two nodes")
    parser.add_argument("--only", action="append", choices=CONTENDERS, help="one contender; may be repeated")
    parser.add_argument("--name", default="dispatch", help="of the file of results")
    options = parser.parse_args()
    if options.slots % 2 or options.slots < 2:
        parser.error("--slots must be even: the clusters have two nodes")

    machine = Machine()
    found: dict[str, Any] = {}
    for name in options.only or CONTENDERS:
        with tempfile.TemporaryDirectory(prefix="ganbench-dispatch-") as folder:
            environment = _plugin(Path(folder))
            with _executor(name, options.slots, options.trials, environment) as (arguments, more, reason):
                if reason:
                    print(f"{name:14} left out: {reason}")
                    found[name] = {"left_out": reason}
                    continue
                before = os.getloadavg()[0]
                found[name] = _measure(Path(folder), {**environment, **more}, arguments, options) | {
                    "options": " ".join(arguments),
                    "load_before": round(before, 2),
                }
        _tell(name, found[name])
    content = {
        "unit": "seconds",
        "trials": options.trials,
        "seconds_each": options.seconds,
        "slots": options.slots,
        "scheduling": "real time, before everything else on the machine" if _real_time() else "ordinary",
        "executors": found,
    }
    first = "chrt -r 1 " if _real_time() else ""
    given = shlex.join(sys.argv[1:])
    write(options.name, content, command=f"{first}python -m benchmarks dispatch {given}".rstrip(), machine=machine)
    return 0


@contextmanager
def _executor(
    name: str, slots: int, trials: int, environment: Mapping[str, str]
) -> Iterator[tuple[list[str], Mapping[str, str], str]]:
    """A cluster while it runs: what ``ganbench run`` is told of it, its environment, or why there is none."""
    from tests.clusters import ray_cluster, slurm_site

    pack = f",pack={math.ceil(trials / slots)}" if name.endswith("packed") else ""
    if name == "local":
        yield ["--jobs", str(slots)], {}, ""
    elif name.startswith("slurm"):
        if reason := slurm_site.missing():
            yield [], {}, reason
            return
        with tempfile.TemporaryDirectory(prefix="ganbench-slurm-", ignore_cleanup_errors=True) as folder:
            site = slurm_site.SlurmSite(Path(folder), processors=slots // 2)
            try:
                site.start()
                yield ["--slurm", f"poll=1{pack}"], site.environment, ""
            finally:
                site.stop()
    else:
        if reason := ray_cluster.missing():
            yield [], {}, reason
            return
        with tempfile.TemporaryDirectory(prefix="gr-", ignore_cleanup_errors=True) as folder:
            cluster = ray_cluster.RayCluster(Path(folder), environment, processors=slots // 2)
            try:
                cluster.start()
                yield ["--ray", f"address={cluster.address}{pack}"], cluster.environment, ""
            finally:
                cluster.stop()


def _measure(
    folder: Path, environment: Mapping[str, str], arguments: Sequence[str], options: argparse.Namespace
) -> dict[str, Any]:
    out = folder / "runs"
    command = [
        sys.executable, "-m", "ganbench", "run", "--losses", f"sleeping[seconds={options.seconds:g}]",
        "--arch", "mlp[hidden=8,layers=1]", "--dataset", "ring", "--device", "cpu", "--steps", "1",
        "--num-samples", "100", "--seeds", str(options.trials), "--out", str(out), *arguments,
    ]  # fmt: skip
    began = time.time()
    answer = subprocess.run(
        command, cwd=folder, env=os.environ | environment | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True
    )
    ended = time.time()
    if answer.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{answer.stdout[-2000:]}{answer.stderr[-2000:]}")
    trials = [path.parent for path in out.glob("*/result.json")]
    if len(trials) != options.trials:
        raise SystemExit(f"{len(trials)} of {options.trials} trials are done")
    handed = min((trial / "spec.json").stat().st_mtime for trial in trials)
    ends = sorted(_status(trial)["time"] for trial in trials)
    firsts = sorted(_first_step(trial) for trial in trials)
    ideal = math.ceil(options.trials / options.slots) * options.seconds
    # With every slot taken, the k-th trial to begin is one that the (k - slots)-th end made room for.
    waits = [first - handed for first in firsts[: options.slots]]
    turns = [first - end for first, end in zip(firsts[options.slots :], ends, strict=False)]
    grid = ends[-1] - handed
    return {
        "ideal": ideal,
        "grid": round(grid, 2),
        "grid_overhead": round(grid / ideal - 1, 4),
        "command": round(ended - began, 2),
        "command_overhead": round((ended - began) / ideal - 1, 4),
        "submission_to_first_step": _spread(waits),
        "turnaround": _spread(turns),
    }


def _first_step(trial: Path) -> float:
    """When a trial's only step began: its report, written right after it, says how long the step took."""
    (line,) = (trial / "progress.jsonl").read_text("utf-8").splitlines()
    return (trial / "progress.jsonl").stat().st_mtime - float(json.loads(line)["seconds"])


def _status(trial: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((trial / "status.json").read_text("utf-8"))
    return content


def _spread(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    spread = {"median": statistics.median(values), "smallest": min(values), "largest": max(values)}
    return {name: round(value, 2) for name, value in spread.items()}


def _real_time() -> bool:
    """Whether this runs under ``chrt -r 1``, as on a machine that others use meanwhile."""
    return hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) == os.SCHED_RR


def _tell(name: str, one: Mapping[str, Any]) -> None:
    print(
        f"{name:14} ideal {one['ideal']:.0f} s, grid {one['grid']:.1f} s ({100 * one['grid_overhead']:.1f} % more), "
        f"command {one['command']:.1f} s ({100 * one['command_overhead']:.1f} % more); first step after "
        f"{one['submission_to_first_step']['median']:.1f} s, turnaround {one['turnaround'].get('median', 0.0):.2f} s",
        flush=True,
    )


def _plugin(folder: Path) -> dict[str, str]:
    """Write the plugin whose loss sleeps; return the environment in which it is found."""
    plugin = folder / "plugin"
    info = plugin / "ganbench_sleeping-1.0.dist-info"
    info.mkdir(parents=True)
    (plugin / "ganbench_sleeping.py").write_text(PLUGIN)
    (plugin / "ganbench_sleeping_loss.py").write_text(LOSS)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ganbench-sleeping\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ganbench]\nsleeping = ganbench_sleeping\n")
    path = os.pathsep.join(filter(None, (str(plugin), os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": path, "GANBENCH_CACHE": str(folder / "cache")}


if __name__ == "__main__":
    sys.exit(main())

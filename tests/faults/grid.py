"""A grid of 60 trials of which 12 come from a hostile plugin: each costs its own row and nothing else."""

import json
import time
from pathlib import Path
from typing import Any

from .ganbench_hostile import EXPECTED
from .processes import alive, install_hostile, leases, start

LOSSES = ("vanilla", "minimax", "lsgan", "wgan", "wgan-gp", "hinge")
RECIPE = ["--arch", "mlp[hidden=16,layers=1]", "--dataset", "ring", "--batch-size", "16", "--num-samples", "200",
          "--device", "cpu", "--protocol", "uniform", "--eval-every", "0", "--quiet"]  # fmt: skip


def hostile_grid(folder: Path, *, good_seeds: int = 8, timeout: float = 30.0, steps: int = 60) -> list[str]:
    """Run it; return what is wrong, a line each.

    Args:
        folder: an empty folder to work in.
        good_seeds: seeds of the six harmless losses.
        timeout: seconds a trial may take.
        steps: generator updates of a trial.
    """
    site = install_hostile(folder)
    suite = folder / "grid.toml"
    losses = [*LOSSES, *EXPECTED]
    suite.write_text(f"losses = {json.dumps(losses)}\n")
    common = ["run", "--suite", str(suite), *RECIPE, "--steps", str(steps), "--format", "json", "--out", "runs"]
    limits = ["--timeout", str(timeout), "--memory-limit", "1G", "--jobs", "3"]
    problems: list[str] = []
    began = time.monotonic()
    # The harmless losses first with all seeds, then everything with one: hostile and harmless trials side by side.
    run = start(folder, [*common, *limits, "--seeds", "0,"], site)
    output, _ = run.communicate(timeout=1200)
    if run.returncode != 1:
        problems.append(f"exit code {run.returncode} instead of 1")
    rows = _rows(output)
    if good_seeds > 1:
        suite.write_text(f"losses = {json.dumps(LOSSES)}\n")
        rest = ",".join(str(seed) for seed in range(1, good_seeds))
        second = start(folder, [*common, "--seeds", f"{rest},", "--jobs", "3"], site)
        more, _ = second.communicate(timeout=1200)
        if second.returncode != 0:
            problems.append(f"the harmless seeds ended with exit code {second.returncode}")
        rows += _rows(more)
    problems += _judge(rows, good_seeds)
    problems += [f"still running: {pid} {command}" for pid, command in alive(folder).items()]
    problems += [f"left behind: {path.name} of {path.parent.name}" for path in leases(folder)]
    largest = max(path.stat().st_size for path in folder.glob("runs/*/worker.log"))
    if largest > 5 << 20:
        problems.append(f"a log of {largest} bytes")
    done = sum(row["status"] == "done" for row in rows)
    print(
        f"grid: {len(rows)} trials, {done} done, {len(rows) - done} with their reason, largest log {largest:,} bytes, "
        f"{time.monotonic() - began:.0f} s, {len(problems)} problems"
    )
    return problems


def _rows(output: str) -> list[dict[str, Any]]:
    tables = json.loads(output)
    return [{"loss": row["loss"], **seed} for table in tables for row in table["rows"] for seed in row["seeds"]]


def _judge(rows: list[dict[str, Any]], good_seeds: int) -> list[str]:
    problems = []
    wanted = len(LOSSES) * good_seeds + len(EXPECTED)
    if len({row["trial_id"] for row in rows}) != wanted:
        problems.append(f"{len(rows)} rows instead of {wanted}")
    for row in rows:
        status, words = EXPECTED.get(row["loss"], ("done", ""))
        if row["status"] != status or words not in row["reason"]:
            problems.append(f"{row['loss']}: {row['status']}: {row['reason']} (expected {status}: ...{words}...)")
        if row["loss"] in EXPECTED and status != "diverged" and not row["log"]:
            problems.append(f"{row['loss']}: its row has nothing of its log")
    return problems

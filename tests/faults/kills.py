"""SIGKILL at random moments, over trials of every built-in loss, with two runs at once on one folder.

A trial of every loss is first trained undisturbed. Then, in as many rounds as the kills need, two
``ganbench run`` share a fresh folder and train the same trials, while at random moments a worker, a fork server or a
whole run is killed with SIGKILL; runs that have ended are started again until every trial is done. Each must be
bit-equal to its undisturbed twin, none may be missing, none trained twice.
"""

import json
import os
import random
import signal
import statistics
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganbench import plugins
from ganbench.processes import start_ticks
from ganbench.registry import BUILTIN

from .processes import alive, leases, start

RECIPE = ["--arch", "mlp[hidden=16,layers=1]", "--dataset", "ring", "--batch-size", "16", "--steps", "40",
          "--num-samples", "200", "--eval-every", "20", "--set", "ema_decay=0.9,replay=64,latent_dim=8",
          "--device", "cpu", "--jobs", "2", "--quiet"]  # fmt: skip
TARGETS = (("worker", 0.94), ("fork server", 0.03), ("run", 0.03))
RECENT = 15
"""Trials whose duration says how long the next one will take."""
GRACE = 600.0
"""Seconds after the time is up in which the last round may end undisturbed."""


def builtin_losses() -> list[str]:
    """Every loss that this package registers."""
    return [entry.name for entry in plugins.load().registry.entries("loss") if entry.distribution == BUILTIN]


@dataclass
class Trial:
    """What is known of a disturbed trial."""

    folder: Path
    loss: str
    attempt: int = 0
    kill_at: float | None = None
    overlaps: int = 0
    done: bool = False


@dataclass
class Tally:
    """What was done, and what came of it."""

    kills: Counter[str] = field(default_factory=Counter)
    losses: Counter[str] = field(default_factory=Counter)
    lengths: list[float] = field(default_factory=list)
    runs: int = 0
    moments: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def kill_and_resume(folder: Path, *, kills: int, seed: int, seconds: float = 3000.0) -> list[str]:
    """Run it; return what is wrong, a line each.

    Args:
        folder: an empty folder to work in.
        kills: how many.
        seed: of the moments.
        seconds: after which nothing is killed any more, and fewer kills are a problem.
    """
    began = time.monotonic()
    until = began + seconds
    losses = builtin_losses()
    command = ["run", "--losses", ",".join(losses), *RECIPE]
    undisturbed = start(folder, [*command, "--out", "whole"], log="whole.log")
    undisturbed.communicate(timeout=seconds)
    if undisturbed.returncode:
        return [f"the undisturbed run ended with {undisturbed.returncode}: {(folder / 'whole.log').read_text()[-500:]}"]
    whole = {path.parent.name: path.parent for path in folder.glob("whole/*/result.json")}
    tally = Tally(lengths=[_duration(path) for path in whole.values()])
    halfway = time.monotonic() - began

    rng = random.Random(seed)
    trials = equal = resumed = rounds = 0
    while sum(tally.kills.values()) < kills and time.monotonic() < until and not tally.problems:
        rounds += 1
        out = folder / f"runs-{rounds}"
        disturbed = [*command, "--checkpoint-seconds", "0.05", "--out", out.name]
        _disturb(folder, disturbed, [Trial(out / name, _loss(path)) for name, path in whole.items()], kills, tally, rng,
                 until)  # fmt: skip
        for name, path in whole.items():
            difference = _difference(path, out / name)
            equal += not difference
            tally.problems += [f"{out.name}/{name}: {difference}"] if difference else []
            resumed += sum(attempt["step"] > 0 for attempt in _attempts(out / name)[1:])
        trials += len(whole)
        problems = [f"still running: {pid} {text}" for pid, text in alive(folder).items()]
        tally.problems += [*problems, *(f"left behind: {path}" for path in leases(folder))]
        print(f"round {rounds}: {sum(tally.kills.values())} kills, {equal} of {trials} trials bit-equal, "
              f"{time.monotonic() - began:.0f} s", flush=True)  # fmt: skip
    if sum(tally.kills.values()) < kills:
        tally.problems.append(f"only {sum(tally.kills.values())} of {kills} kills")
    print(
        f"kills: {sum(tally.kills.values())} ({', '.join(f'{n} of a {what}' for what, n in tally.kills.items())}), "
        f"during {', '.join(f'{what} {n}' for what, n in sorted(Counter(tally.moments).items()))}, "
        f"of trials of {len(tally.losses)} losses; "
        f"{trials} trials of {len(losses)} losses in {rounds} rounds, {tally.runs} runs: {equal} bit-equal, "
        f"{resumed} times resumed from a checkpoint, {len(tally.problems)} problems; "
        f"{halfway:.0f} s undisturbed, {time.monotonic() - began - halfway:.0f} s disturbed"
    )
    return tally.problems


def _disturb(
    folder: Path, command: list[str], trials: list[Trial], kills: int, tally: Tally, rng: random.Random, until: float
) -> None:
    """Train trials by two runs at a time, killing as long as there is time, until all are done."""
    runs: list[subprocess.Popen[str]] = []
    while time.monotonic() < until + GRACE:
        for run in [run for run in runs if run.poll() is not None]:
            run.communicate()
            runs.remove(run)
            if run.returncode not in (0, 1, -signal.SIGKILL):
                tally.problems.append(f"a run ended with {run.returncode}")
        for trial in trials:
            if not trial.done and _status(trial.folder).get("status") == "done":
                trial.done = True
                tally.lengths.append(_duration(trial.folder))
        if all(trial.done for trial in trials):
            break
        while len(runs) < 2:
            tally.runs += 1
            runs.append(start(folder, command, log=f"messages-{tally.runs}", output=subprocess.DEVNULL))
        for trial in trials:
            if not trial.done and sum(tally.kills.values()) < kills and time.monotonic() < until:
                _kill_if_due(trial, runs, tally, rng)
        time.sleep(0.02)
    else:
        tally.problems.append("the harness ran out of time")
    for run in runs:
        try:
            run.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            tally.problems.append("a run did not end")
            run.kill()
            run.communicate()
    for trial in trials:
        attempts = _attempts(trial.folder)
        if trial.overlaps:
            tally.problems.append(f"{trial.folder.name} was trained by two workers at once")
        done = _status(trial.folder).get("time", 0.0)
        if any(attempt["time"] > done for attempt in attempts):
            tally.problems.append(f"{trial.folder.name} was trained again after it was done")


def _kill_if_due(trial: Trial, runs: list[subprocess.Popen[str]], tally: Tally, rng: random.Random) -> None:
    """Choose a moment for each new attempt of a trial, and kill when it has come."""
    status = _status(trial.folder)
    if status.get("status") != "running":
        return
    attempts = _attempts(trial.folder)
    pids = [attempt["pid"] for attempt in attempts]
    trial.overlaps += sum(start_ticks(pid) is not None for pid in pids[:-1] if pid != pids[-1])
    now = time.monotonic()
    if trial.kill_at is None or status["pid"] != trial.attempt:
        trial.attempt = status["pid"]
        trial.kill_at = now + rng.uniform(0.0, 0.9 * statistics.median(tally.lengths[-RECENT:]))
    if now < trial.kill_at:
        return
    trial.kill_at = now + 3600.0
    target = rng.choices([name for name, _ in TARGETS], [weight for _, weight in TARGETS])[0]
    victim = trial.attempt
    if target != "worker":
        # A worker's parent is its supervisor, whose parent is the fork server, whose parent is the run.
        victim = _parent(_parent(victim))
        victim = _parent(victim) if target == "run" else victim
        if victim <= 1 or (target == "run" and victim not in {run.pid for run in runs}):
            return
    moment = _moment(trial.folder, bool(attempts) and pids[-1] == trial.attempt)
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return
    tally.kills[target] += 1
    tally.losses[trial.loss] += 1
    tally.moments.append(moment)


def _moment(folder: Path, training: bool) -> str:
    if not training:
        return "preparation"
    lines = (folder / "progress.jsonl").read_text().count("\n") if (folder / "progress.jsonl").exists() else 0
    return "the last evaluation or after" if lines >= 40 else "training"


def _duration(folder: Path) -> float:
    """Seconds that the last attempt of a trial took."""
    status = _status(folder)
    return float(status.get("finished", 0.0)) - float(status.get("started", 0.0))


def _loss(folder: Path) -> str:
    return str(json.loads((folder / "spec.json").read_text())["spec"]["loss"]["name"])


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _status(folder: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((folder / "status.json").read_text())
        return content
    except (OSError, ValueError):
        return {}


def _attempts(folder: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in (folder / "attempts.jsonl").read_text().splitlines() if line]
    except (OSError, ValueError):
        return []


def _difference(one: Path, other: Path) -> str:
    """What differs between two trials apart from times; empty where nothing does."""
    if not (other / "result.json").exists():
        return "lost: it has no result"
    if (one / "generator.safetensors").read_bytes() != (other / "generator.safetensors").read_bytes():
        return "the weights differ"
    for name, leave_out in (("progress", {"seconds", "images_per_second", "memory"}), ("metrics", {"seconds"})):
        kept = [
            [{key: value for key, value in json.loads(line).items() if key not in leave_out} for line in text]
            for text in ((path / f"{name}.jsonl").read_text().splitlines() for path in (one, other))
        ]
        if kept[0] != kept[1]:
            return f"{name}.jsonl differs"
    results = [json.loads((path / "result.json").read_text()) for path in (one, other)]
    for key in ("status", "metrics", "best", "area", "protocol", "warnings"):
        if results[0][key] != results[1][key]:
            return f"{key} of the result differs: {results[0][key]} and {results[1][key]}"
    return ""

"""``python -m benchmarks training_step [--only NAME,...]``: a training step against peers, and its floor.

Like for like is float32: the same networks, batch, loss and optimiser, fresh fakes in both players' updates. bfloat16
is other arithmetic and stands in a column of its own, where the processor has instructions for it. Each contender has
a process of its own, as its users run it; they take turns.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch

from benchmarks.apart import Apart
from benchmarks.harness import GPU_STEPS, Machine, interleave, ratio, where, write
from benchmarks.training.contenders import BFLOAT16, EXAMPLE, contenders, workload_of
from benchmarks.training.floor import convolution_rate
from benchmarks.training.peers import MissingPeer
from benchmarks.training.workloads import WORKLOADS
from ganbench.provenance.environment import emulates_bfloat16


def measure(name: str, rounds: int, steps: int, limit: float, device: str, threads: int) -> dict[str, Any]:
    """Measure one workload in interleaved rounds; the machine's own peak is measured in every round, too."""
    workload = workload_of(name)
    on_cpu = device == "cpu"
    labels = ["ganbench", "plain", *(workload.peers if on_cpu else ())]
    if not emulates_bfloat16(torch.device(device)):
        labels.append(BFLOAT16)
    with ExitStack() as stack:
        trainers, missing = contenders(stack, name, labels, device, threads)
        missing += [f"{peer}: peers are timed on the CPU only" for peer in workload.peers if not on_cpu]
        return {
            "unit": "seconds per step",
            "device": where(device),
            "batch_size": workload.settings.batch_size,
            "n_critic": workload.settings.n_critic,
            "threads": threads,
            "missing": missing,
            **_measured(trainers, rounds, steps or workload.steps * (1 if on_cpu else GPU_STEPS), limit, device),
        }


def _measured(trainers: dict[str, Apart], rounds: int, count: int, limit: float, device: str) -> dict[str, Any]:
    types = {label: torch.bfloat16 if label == BFLOAT16 else torch.float32 for label in trainers}
    rates: dict[torch.dtype, list[float]] = {dtype: [] for dtype in types.values()}
    on_one: list[float] = []

    def peak() -> None:
        for dtype, found in rates.items():
            found.append(convolution_rate(dtype, device=device))
        if device != "cpu":
            return
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        on_one.append(convolution_rate())
        torch.set_num_threads(threads)

    work: dict[str, Callable[[], Any]] = {
        label: partial(trainer.call, "steps", count) for label, trainer in trainers.items()
    }
    timings = interleave({**work, "peak": peak}, rounds, limit=limit)
    del timings["peak"]
    # What a step takes as it is written, and what ours takes: some of its convolutions have another form.
    flops = {label: trainers[label].call("flops") for label in ("plain", "ganbench", BFLOAT16) if label in trainers}
    done = {label: flops.get(label, flops["plain"]) for label in trainers}
    return {
        "steps_per_round": count,
        "seconds": {
            label: {
                "median": timing.median,
                "rounds": timing.wall,
                "others": timing.others,
                "set_aside": timing.set_aside,
            }
            for label, timing in timings.items()
        },
        "ratios": {label: ratio(timing, timings["ganbench"]) for label, timing in timings.items()},
        # On a GPU they would be the times of launches.
        "operators": {"ganbench": trainers["ganbench"].call("operators", count)} if device == "cpu" else {},
        "floor": {
            "flops_per_step": flops["plain"],
            "flops_per_step_of_ganbench": flops["ganbench"],
            "convolution_rate": max(rates[torch.float32]),
            "convolution_rate_one_thread": max(on_one, default=None),
            "convolution_rate_bfloat16": max(rates.get(torch.bfloat16, []), default=None),
            "shares": {
                label: done[label] / timing.median / max(rates[types[label]]) for label, timing in timings.items()
            },
        },
    }


def row(name: str, found: dict[str, Any]) -> dict[str, str]:
    """milliseconds per step, how many times as long everyone else takes, share of the peak."""
    line = {"workload": name}
    for label, case in found["seconds"].items():
        line[f"{label} ms"] = f"{1000 * case['median']:.1f}"
    for label, value in found["ratios"].items():
        if label != "ganbench":
            line[f"{label} / ganbench"] = f"{value.median:.2f} ({value.smallest:.2f}-{value.largest:.2f})"
    line["share of peak"] = f"{found['floor']['shares']['ganbench']:.0%}"
    line["others' cores"] = f"{max(found['seconds']['ganbench']['others']):.2f}"
    return line


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks training_step", description=__doc__)
    parser.add_argument("--only", default=",".join([*WORKLOADS, EXAMPLE]), help="workloads, separated by commas")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count, after one that does not")
    parser.add_argument("--steps", type=int, default=0, help="of each contender in a round; 0: as the workload says")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds after which a workload begins no new round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu or cuda[:i]; on a GPU without the peers")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    names = options.only.split(",")
    for name in names:
        if name not in (*WORKLOADS, EXAMPLE):
            parser.error(f"there is no workload '{name}'; there are {', '.join([*WORKLOADS, EXAMPLE])}")
    for name in names:
        machine = Machine()
        try:
            found = measure(name, options.rounds, options.steps, options.limit, options.device, options.threads)
        except MissingPeer as error:
            print(f"{name}: missing {error}")
            continue
        command = (
            f"python -m benchmarks training_step --only {name} --rounds {options.rounds} --limit {options.limit:g}"
        )
        command += f" --threads {options.threads}" + (f" --steps {options.steps}" if options.steps else "")
        on_cpu = options.device == "cpu"
        command += "" if on_cpu else f" --device {options.device}"
        # After each workload: an interrupted run loses one.
        write(f"training_step-{name}{'' if on_cpu else '-gpu'}", found, command=command, machine=machine)
        print("  ".join(f"{key}: {value}" for key, value in row(name, found).items()), flush=True)
        for line in found["missing"]:
            print(f"  missing: {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

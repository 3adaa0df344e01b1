"""Ten seeds of a mixture trained as one batched model against the plain loop, one seed after the other.

PacGAN's networks (Lin et al. 2018): batch 100, latents of two dimensions, the grid of 25 modes. The unit is seconds per
seed and step. Beside the batched model stands ganbench's own loop for one seed, and all of them on one thread and on
two. A full run of the paper's table is 400,000 steps: here a few, in interleaved rounds.
"""

import argparse
import contextlib
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.apart import Apart
from benchmarks.harness import GPU_STEPS, Machine, interleave, ratio, where, write
from benchmarks.training.batched import Batched
from benchmarks.training.ours import Ours
from benchmarks.training.plain import Plain
from benchmarks.training.workloads import Workload
from ganbench.architectures.pacgan import PacGAN
from ganbench.worker.heap import keep_freed_memory

STEPS = 40
PAPER = {"latent_dim": 2, "batch_size": 100, "beta1": 0.5, "beta2": 0.999}


def contender(label: str, steps: int, seeds: int, device: str) -> Any:
    """The plain loop, ganbench's for one seed, or the batched model, in this process."""
    workload = Workload(architecture=PacGAN(), shape=(2,), loss="vanilla", steps=steps, recipe=PAPER)
    if label == "plain":
        return Plain(workload, device=device)
    keep_freed_memory()  # as a trial's process does
    return Ours(workload, device=device) if label == "one seed" else Batched(workload, range(seeds), device)


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks mixtures")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=0, help=f"of a round; 0: {STEPS}, on a GPU {GPU_STEPS} times that")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--device", default="cpu", help="cpu or cuda[:i]")
    parser.add_argument("--name", default="", help="of the file with the results; by default mixtures or mixtures-gpu")
    options = parser.parse_args()
    on_cpu = options.device == "cpu"
    steps = options.steps or STEPS * (1 if on_cpu else GPU_STEPS)
    machine = Machine()
    # The module by its name: as a script this one is called something else in every process.
    from benchmarks.mixtures import contender

    with contextlib.ExitStack() as stack:
        trainers = {
            label: stack.enter_context(Apart(contender, label, steps, options.seeds, options.device))
            for label in ("plain", "one seed", "batched")
        }

        def case(trainer: Apart, threads: int) -> Callable[[], float]:
            return lambda: float(trainer.call("steps", steps, threads=threads))

        threads = [int(count) for count in options.threads.split(",")]
        timings = interleave(
            {
                f"{name}, {count} threads": case(trainer, count)
                for count in threads
                for name, trainer in trainers.items()
            },
            options.rounds,
        )
        flops = trainers["one seed"].call("flops")
        # On a GPU they would be the times of launches.
        operators = {name: trainer.call("operators", steps) for name, trainer in trainers.items() if on_cpu}
    content = {
        "unit": "seconds per seed and step",
        "device": where(options.device),
        "seeds": options.seeds,
        "steps_per_round": steps,
        "flops_per_seed_and_step": flops,
        "operators": operators,
        "seconds": {
            label: {"median": timing.median, "rounds": timing.wall, "others": timing.others}
            for label, timing in timings.items()
        },
        "ratios": {
            f"plain / {name}, {count} threads": ratio(
                timings[f"plain, {count} threads"], timings[f"{name}, {count} threads"]
            )
            for count in threads
            for name in ("one seed", "batched")
        },
    }
    for label, timing in timings.items():
        print(f"{label:24} {1000 * timing.median:7.2f} ms  {flops / timing.median / 1e9:6.1f} GFLOP/s")
    for label, value in content["ratios"].items():
        print(f"{label}: {value.median:.2f} ({value.smallest:.2f} to {value.largest:.2f})")
    command = f"python -m benchmarks mixtures --seeds {options.seeds} --steps {steps} --rounds {options.rounds}"
    command += f" --threads {options.threads}" + ("" if on_cpu else f" --device {options.device}")
    write(options.name or ("mixtures" if on_cpu else "mixtures-gpu"), content, command=command, machine=machine)
    return 0


if __name__ == "__main__":
    sys.exit(main())

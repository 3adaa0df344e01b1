"""Ten seeds of a mixture trained as one batched model against the plain loop, one seed after the other.

PacGAN's networks (Lin et al. 2018): batch 100, latents of two dimensions, the grid of 25 modes. The unit is seconds per
seed and step. Beside the batched model stands ganbench's own loop for one seed, and all of them on one thread and on
two. A full run of the paper's table is 400,000 steps: here a few, in interleaved rounds.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

import torch

from benchmarks.harness import Machine, interleave, ratio, timed, write
from benchmarks.training.operators import shares
from benchmarks.training.ours import Ours, Silent
from benchmarks.training.plain import Plain
from benchmarks.training.workloads import Workload
from ganbench.architectures.pacgan import PacGAN
from ganbench.training.batched import Member, train_together
from ganbench.training.loop import Objective
from ganbench.training.state import State

PAPER = {"latent_dim": 2, "batch_size": 100, "beta1": 0.5, "beta2": 0.999}


class Batched:
    """Trains the seeds of a workload as one batched model."""

    def __init__(self, workload: Workload, seeds: Sequence[int], device: str) -> None:
        self._recipe = workload.settings
        self._members = [
            Member(
                state=State(
                    architecture=workload.architecture,
                    samples=workload.samples(),
                    recipe=self._recipe,
                    seed=seed,
                    device=torch.device(device),
                ),
                objective=Objective(loss=workload.build_loss(), penalties=()),
                observer=Silent(),
            )
            for seed in seeds
        ]

    def steps(self, count: int) -> float:
        """Train ``count`` steps of every seed and return the seconds per seed and step."""
        until = self._recipe.model_copy(update={"steps": self._members[0].state.step + count})

        def work() -> None:
            train_together(self._members, until, evaluate_every=0, end=lambda member, error: None)

        return timed(work) / count / len(self._members)


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks mixtures")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=40, help="steps of one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--name", default="mixtures", help="of the file with the results")
    options = parser.parse_args()
    workload = Workload(architecture=PacGAN(), shape=(2,), loss="vanilla", steps=options.steps, recipe=PAPER)
    machine = Machine()
    trainers: dict[str, Any] = {
        "plain": Plain(workload, device=options.device),
        "one seed": Ours(workload, device=options.device),
        "batched": Batched(workload, range(options.seeds), options.device),
    }

    def case(trainer: Any, threads: int) -> Callable[[], float]:
        def run() -> float:
            torch.set_num_threads(threads)
            return float(trainer.steps(options.steps))

        return run

    threads = [int(count) for count in options.threads.split(",")]
    timings = interleave(
        {f"{name}, {count} threads": case(trainer, count) for count in threads for name, trainer in trainers.items()},
        options.rounds,
    )
    flops = trainers["one seed"].flops()
    operators = {
        name: shares(lambda trainer=trainer: trainer.steps(options.steps)) for name, trainer in trainers.items()
    }
    content = {
        "unit": "seconds per seed and step",
        "seeds": options.seeds,
        "steps_per_round": options.steps,
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
    command = f"python -m benchmarks mixtures --seeds {options.seeds} --steps {options.steps} --rounds {options.rounds}"
    command += f" --threads {options.threads}"
    write(options.name, content, command=command, machine=machine)
    return 0


if __name__ == "__main__":
    sys.exit(main())

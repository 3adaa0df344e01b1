"""4 losses x 5 seeds, trained and scored: one call of ganbench against a plain script started 20 times.

The script is what people write: DataLoader, torch's Adam, torch-fidelity at the end, all cores for one run after the
other (``benchmarks/training/script.py``). Both train DCGAN on the embedded digits with one recipe for all losses,
without augmentation and averaging, and score as many fakes. A round takes minutes: it is written down when it is done,
and ``--add`` adds rounds to those of an earlier run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable

from benchmarks.harness import RESULTS, Machine, Timing, interleave, report, write

LOSSES = ("vanilla", "lsgan", "wgan-gp", "hinge")
RECIPE = "latent_dim=32,g_lr=0.0002,d_lr=0.0002,augment=none,ema_decay=0"


def contenders(losses: list[str], seeds: int, steps: int, device: str = "cpu") -> dict[str, Callable[[], None]]:
    """Both ways to have the grid."""
    # Each side sets its own threads.
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}

    def run(*arguments: str) -> None:
        done = subprocess.run([sys.executable, "-m", *arguments], env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)} failed: {done.stderr[-2000:]}")

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            run(
                "ganbench", "run", "--losses", ",".join(losses), "--arch", "dcgan", "--seeds", str(seeds),
                "--steps", str(steps), "--protocol", "uniform", "--eval-every", "0", "--set", RECIPE,
                "--metrics", "fid,is", "--device", device, "--out", folder, "--quiet",
                *([] if device == "cpu" else ["--per-device", "auto"]),
            )  # fmt: skip

    def plain() -> None:
        for loss in losses:
            for seed in range(seeds):
                run("benchmarks.training.script", "--loss", loss, "--seed", str(seed), "--steps", str(steps),
                    "--device", device)  # fmt: skip

    return {"ganbench": ours, "plain script": plain}


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks suite")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--losses", default=",".join(LOSSES))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--add", action="store_true", help="keep the rounds of an earlier run with these settings")
    parser.add_argument("--device", default="cpu", help="cpu or cuda[:i]; on a GPU trials share it")
    parser.add_argument("--name", default="", help="of the file with the results; by default suite, on a GPU suite-gpu")
    options = parser.parse_args()
    losses = options.losses.split(",")
    name = options.name or ("suite" if options.device == "cpu" else "suite-gpu")
    settings = {"steps": options.steps, "seeds": options.seeds, "losses": losses, "device": options.device}
    both = contenders(losses, **{key: settings[key] for key in ("seeds", "steps", "device")})
    timings = {label: Timing() for label in both}
    if options.add and (path := RESULTS / f"{name}.json").exists():
        earlier = json.loads(path.read_text("utf-8"))
        if {key: earlier.get(key, "cpu") for key in settings} != settings:
            parser.error(f"{path.name} was measured with other settings")
        timings = {label: Timing(**earlier["timings"][label]) for label in both}
    command = f"python -m benchmarks suite --steps {options.steps} --seeds {options.seeds} --losses {options.losses}"
    command += "" if options.device == "cpu" else f" --device {options.device}"
    for _ in range(options.rounds):
        machine = Machine()
        # The order alternates between rounds.
        turn = len(timings["ganbench"].wall) % 2
        names = list(both)[turn:] + list(both)[:turn]
        one = interleave({label: both[label] for label in names}, 1, warm=0, again=False)
        for label, timing in timings.items():
            timing.wall += one[label].wall
            timing.cpu += one[label].cpu
            timing.others += one[label].others
        ratios = report(timings, [("plain script", "ganbench")])
        rounds = len(timings["ganbench"].wall)
        content = {**settings, "timings": timings, "ratios": ratios}
        write(name, content, command=f"{command} --rounds {rounds}", machine=machine)
    return 0


if __name__ == "__main__":
    sys.exit(main())

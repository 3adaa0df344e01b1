"""4 losses x 5 seeds, trained and scored: one call of ganbench against a plain script started 20 times.

The script is what people write: DataLoader, torch's Adam, torch-fidelity at the end, all cores for one run after the
other (``benchmarks/training/script.py``). Both train DCGAN on the embedded digits with one recipe for all losses.
"""

import argparse
import subprocess
import sys
import tempfile

from benchmarks.harness import Machine, interleave, report, write

LOSSES = ("vanilla", "lsgan", "wgan-gp", "hinge")


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks suite")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [
                    sys.executable, "-m", "ganbench", "run", "--losses", ",".join(LOSSES), "--arch", "dcgan",
                    "--seeds", str(options.seeds), "--steps", str(options.steps), "--protocol", "uniform",
                    "--eval-every", "0", "--set", "latent_dim=32,g_lr=0.0002", "--metrics", "fid,is",
                    "--device", "cpu", "--out", folder, "--quiet",
                ],
                check=True, capture_output=True,
            )  # fmt: skip

    def plain() -> None:
        for loss in LOSSES:
            for seed in range(options.seeds):
                subprocess.run(
                    [
                        sys.executable, "-m", "benchmarks.training.script", "--loss", loss, "--seed", str(seed),
                        "--steps", str(options.steps),
                    ],
                    check=True, capture_output=True,
                )  # fmt: skip

    machine = Machine()
    timings = interleave({"ganbench": ours, "plain script": plain}, options.rounds, warm=0)
    ratios = report(timings, [("plain script", "ganbench")])
    content = {"steps": options.steps, "seeds": options.seeds, "losses": LOSSES, "timings": timings, "ratios": ratios}
    command = f"python -m benchmarks suite --steps {options.steps} --seeds {options.seeds} --rounds {options.rounds}"
    write("suite", content, command=command, machine=machine)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How long commands take until they have answered, beside Python itself and an import of torch.

Each is a fresh process; files are in the page cache after the round that is not counted.
"""

import argparse
import subprocess
import sys
from functools import partial

from benchmarks.harness import Machine, interleave, write

GANBENCH = (sys.executable, "-m", "ganbench")
COMMANDS: dict[str, tuple[str, ...]] = {
    "python": (sys.executable, "-c", "pass"),
    "import torch": (sys.executable, "-c", "import torch"),
    "ganbench --help": (*GANBENCH, "--help"),
    "ganbench list": (*GANBENCH, "list"),
    "ganbench plugins list": (*GANBENCH, "plugins", "list"),
    "ganbench run --help": (*GANBENCH, "run", "--help"),
}


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks startup")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()

    def run(command: tuple[str, ...]) -> None:
        subprocess.run(command, check=True, capture_output=True)

    machine = Machine()
    timings = interleave({name: partial(run, command) for name, command in COMMANDS.items()}, options.rounds)
    for name, timing in timings.items():
        print(f"{name:24} {timing.median:6.3f} s")
    seconds = {name: {"median": timing.median, "rounds": timing.wall} for name, timing in timings.items()}
    content = {"unit": "seconds", "seconds": seconds}
    write("startup", content, command=f"python -m benchmarks startup --rounds {options.rounds}", machine=machine)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m tests.fuzz --inputs 20000``."""

import argparse
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from .example import write_example
from .guard import Hang
from .inputs import KINDS, fresh_place

ROUND = 1000
"""Inputs of all kinds together before any kind has its turn again."""


def try_inputs(kind: Callable[[Any, Path, Path], None], count: int, number: int, example: Path) -> int:
    """Give ``count`` generated inputs of one kind; return how many were tried. Raises what the first bad one raises."""
    tried = 0

    @seed(number)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck),
              phases=[Phase.generate, Phase.shrink])  # fmt: skip
    @given(st.data())
    def one(data: st.DataObject) -> None:
        nonlocal tried
        tried += 1
        with fresh_place() as place:
            kind(data.draw, Path(place), example)

    one()
    return tried


def main() -> int:
    """Try all kinds; 0 where every input was taken or refused as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1000, metavar="N", help="how many inputs in all")
    parser.add_argument("--minutes", type=float, default=50, metavar="M", help="after which no round begins")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=[kind.__name__ for kind in KINDS], help="one kind")
    given_options = parser.parse_args()
    warnings.simplefilter("ignore")  # of the tools that make the inputs, such as a name twice in a .zip
    kinds = [kind for kind in KINDS if given_options.only in (None, kind.__name__)]
    tried: Counter[str] = Counter()
    problems = 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ganbench-fuzz-example-") as folder:
        example = write_example(Path(folder))
        # In rounds, so that what is stopped early has tried inputs of every kind.
        for number in range(max(1, -(-given_options.inputs // ROUND))):
            if time.monotonic() - began > 60 * given_options.minutes:
                break
            size = min(ROUND, given_options.inputs - number * ROUND)
            for kind in kinds:
                try:
                    count = max(1, size * KINDS[kind] // 100)
                    tried[kind.__name__] += try_inputs(kind, count, given_options.seed + number, example)
                except (Exception, Hang):
                    problems += 1
                    traceback.print_exc()
            print(f"{tried.total()} inputs, {problems} problems, {time.monotonic() - began:.0f} s", flush=True)
    print(", ".join(f"{name}: {count}" for name, count in tried.items()))
    enough = given_options.only or tried.total() >= given_options.inputs
    if not enough:
        print(f"only {tried.total()} of {given_options.inputs} inputs in {given_options.minutes:g} minutes")
    return 0 if enough and not problems else 1


if __name__ == "__main__":
    sys.exit(main())

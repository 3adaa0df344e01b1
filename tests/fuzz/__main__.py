"""``python -m tests.fuzz --inputs 20000``."""

import argparse
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from .example import write_example
from .guard import Hang
from .inputs import KINDS, fresh_place


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
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=[kind.__name__ for kind in KINDS], help="one kind")
    given_options = parser.parse_args()
    warnings.simplefilter("ignore")  # of the tools that make the inputs, such as a name twice in a .zip
    total, problems = 0, 0
    with tempfile.TemporaryDirectory(prefix="ganbench-fuzz-example-") as folder:
        example = write_example(Path(folder))
        for kind, share in KINDS.items():
            if given_options.only not in (None, kind.__name__):
                continue
            began = time.monotonic()
            try:
                tried = try_inputs(kind, max(1, given_options.inputs * share // 100), given_options.seed, example)
            except (Exception, Hang):
                problems += 1
                traceback.print_exc()
                continue
            total += tried
            print(f"{kind.__name__}: {tried} inputs, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{total} inputs, {problems} kinds with a problem")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

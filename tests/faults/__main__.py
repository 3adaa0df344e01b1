"""``python -m tests.faults --kills 200 --grid``."""

import argparse
import sys
import tempfile
from pathlib import Path

from .grid import hostile_grid
from .kills import kill_and_resume


def main() -> int:
    """Run what is asked for; 0 where everything held."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=0, metavar="N", help="kill N trials with SIGKILL, and resume them")
    parser.add_argument("--grid", action="store_true", help="60 trials, 12 of them of a hostile plugin")
    parser.add_argument("--minutes", type=float, default=50, metavar="M", help="after which nothing is killed any more")
    parser.add_argument("--seed", type=int, default=0, help="of the moments at which is killed")
    given = parser.parse_args()
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="ganbench-faults-") as folder:
        if given.grid:
            place = Path(folder) / "grid"
            place.mkdir()
            problems += hostile_grid(place)
        if given.kills:
            place = Path(folder) / "kills"
            place.mkdir()
            problems += kill_and_resume(place, kills=given.kills, seed=given.seed, seconds=60 * given.minutes)
    for problem in problems:
        print(f"PROBLEM: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m benchmarks`` lists the benchmarks; ``python -m benchmarks NAME ...`` runs one."""

import ast
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
NOT_SCRIPTS = ("__init__", "__main__", "harness", "apart")


def scripts() -> dict[str, str]:
    """Each benchmark with the first line of what it says of itself."""
    paths = sorted(path for path in HERE.glob("*.py") if path.stem not in NOT_SCRIPTS)
    return {
        path.stem: (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0] for path in paths
    }


def main() -> int:
    """List, or run the one that is named with the rest of the arguments."""
    known = scripts()
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name in known:
        sys.argv = [f"benchmarks {name}", *sys.argv[2:]]
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")
        return 0
    if name:
        print(f"there is no benchmark '{name}'; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    width = max(map(len, known))
    for each, line in known.items():
        print(f"{each:{width}}  {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

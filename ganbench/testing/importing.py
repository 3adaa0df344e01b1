"""What importing components changes for the whole process: seen in another one, where nothing is imported yet."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from importlib import import_module

SECONDS = 300
MARK = "ganbench-imports "


def changes(modules: Iterable[str]) -> dict[str, list[str]]:
    """By module the calls that set something for the whole process when it is imported; only those that do.

    What cannot be imported has none, and where the process fails or is too slow there are none: the import of each
    component is a check of its own.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
    command = [sys.executable, "-m", "ganbench.testing.importing", *dict.fromkeys(modules)]
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return {}
    lines = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line.startswith(MARK)]
    found: dict[str, list[str]] = json.loads(lines[-1].removeprefix(MARK)) if lines else {}
    return found


def main(modules: Iterable[str]) -> None:
    """Answer in the other process."""
    import torch

    from ganbench.testing.settings import put_back, settings

    found = {}
    for module in modules:
        before, seed = settings(), torch.initial_seed()
        try:
            import_module(module)
        except (Exception, SystemExit):  # the check of its target says so
            continue
        finally:
            changed = put_back(before)
        changed += ["torch.manual_seed"] if torch.initial_seed() != seed else []
        if changed:
            found[module] = changed
    print(f"\n{MARK}{json.dumps(found)}")


if __name__ == "__main__":
    main(sys.argv[1:])

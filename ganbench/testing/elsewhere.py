"""A dataset loaded in another process, where Python hashes words otherwise."""

import json
import os
import subprocess
import sys

from ganbench.interpreter import python
from ganbench.testing.anew import defined
from ganbench.testing.kit import NotApplicable, Subject

SECONDS = 300
MARK = "ganbench-fingerprints "


def fingerprints(subject: Subject) -> dict[str, str]:
    """Load its splits in a process with another ``PYTHONHASHSEED`` and return what they hash to.

    Raises:
        NotApplicable: it cannot be made there: its class is not found by name, or the process fails or is too slow.
    """
    where, name = subject.cls.__module__, subject.cls.__qualname__
    if subject.factory is not None or defined(where, name) is not subject.cls:
        raise NotApplicable("its class cannot be imported by name in another process")
    request = {
        "module": where,
        "class": name,
        "name": subject.name,
        "parameters": dict(subject.parameters),
        "expected": {"root": str(subject.expected.get("root", "data"))},
    }
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
    command = python("-m", "ganbench.testing.elsewhere", json.dumps(request))
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotApplicable(f"another process did not load it within {SECONDS} seconds") from None
    lines = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line.startswith(MARK)]
    if done.returncode or not lines:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise NotApplicable(f"another process could not load it ({' '.join(last) or f'exit {done.returncode}'})")
    found: dict[str, str] = json.loads(lines[-1].removeprefix(MARK))
    return found


def main(request: str) -> None:
    """Answer in the other process."""
    from ganbench.testing.datasets import SPLITS, load

    asked = json.loads(request)
    subject = Subject(
        kind="dataset",
        name=asked["name"],
        cls=defined(asked["module"], asked["class"]),
        parameters=asked["parameters"],
        expected=asked["expected"],
    )
    print(MARK + json.dumps({split: load(subject, split).fingerprint for split in SPLITS}))


if __name__ == "__main__":
    main(sys.argv[1])

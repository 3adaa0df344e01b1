"""A dataset loaded in another process, with other hashes of text (``PYTHONHASHSEED``)."""

import json
import os
import sys

from ganbench.testing.dataset_loading import load, splits
from ganbench.testing.imported_anew import defined
from ganbench.testing.kit import NotApplicable, Subject
from ganbench.testing.other_process import NoAnswer, answer, ask


def fingerprints(subject: Subject) -> dict[str, str]:
    """Load its splits in a process with another ``PYTHONHASHSEED`` and return what they hash to.

    Raises:
        NotApplicable: it cannot be loaded there: its class is not found by name, or the process fails or is too slow.
    """
    where, name = subject.cls.__module__, subject.cls.__qualname__
    if defined(where, name) is not subject.cls:
        raise NotApplicable("its class cannot be imported by name in another process")
    request = {
        "module": where,
        "class": name,
        "name": subject.name,
        "parameters": dict(subject.parameters),
        "expected": {"root": str(subject.expected.get("root", "data"))},
    }
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    try:
        found: dict[str, str] = ask(
            "ganbench.testing.dataset_elsewhere",
            json.dumps(request),
            doing="load it",
            environment={"PYTHONHASHSEED": seed},
        )
    except NoAnswer as error:
        raise NotApplicable(str(error)) from None
    return found


def main(request: str) -> None:
    """Answer in the other process."""
    asked = json.loads(request)
    subject = Subject(
        kind="dataset",
        name=asked["name"],
        cls=defined(asked["module"], asked["class"]),
        parameters=asked["parameters"],
        expected=asked["expected"],
    )
    answer({split: load(subject, split).fingerprint for split in splits(subject)})


if __name__ == "__main__":
    main(sys.argv[1])

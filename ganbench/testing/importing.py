"""What importing components changes for the whole process: seen in another one, where nothing is imported yet."""

import sys
from collections.abc import Iterable
from importlib import import_module

from ganbench.testing.other_process import NoAnswer, answer, ask


def changes(modules: Iterable[str]) -> dict[str, list[str]]:
    """By module the calls that set something for the whole process when it is imported; only those that do.

    What cannot be imported has none, and where the process fails or is too slow there are none: the import of each
    component is a check of its own.
    """
    try:
        found: dict[str, list[str]] = ask("ganbench.testing.importing", *dict.fromkeys(modules), doing="import them")
    except NoAnswer:
        return {}
    return found


def main(modules: Iterable[str]) -> None:
    """Answer in the other process."""
    import torch

    from ganbench.testing.torch_settings import put_back, settings

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
    answer(found)


if __name__ == "__main__":
    main(sys.argv[1:])

"""What importing a module does to the whole process, found out in another one, where nothing is imported yet.

If a module cannot be imported there, or the process fails or is too slow, nothing is reported: other checks see whether
plugins and components can be imported.
"""

import sys
from collections.abc import Iterable
from importlib import import_module

from ganbench.testing.other_process import NoAnswer, answer, ask

HEAVY = ("torch", "pandas", "scipy", "matplotlib")
"""What a registration module must not import: it is loaded by every command, ``--help`` too."""


def heavy(module: str) -> list[str]:
    """Return which of :data:`HEAVY` a module imports, directly or not."""
    try:
        found: list[str] = ask("ganbench.testing.importing", "heavy", module, doing="import it")
    except NoAnswer:
        return []
    return found


def changes(modules: Iterable[str]) -> dict[str, list[str]]:
    """Return, for each module that changes process-wide settings when it is imported, the calls that would set them."""
    try:
        found: dict[str, list[str]] = ask(
            "ganbench.testing.importing", "changes", *dict.fromkeys(modules), doing="import them"
        )
    except NoAnswer:
        return {}
    return found


def main(question: str, *modules: str) -> None:
    """Answer in the other process."""
    if question == "heavy":
        for module in modules:
            import_module(module)
        answer(sorted(set(HEAVY) & set(sys.modules)))
    else:
        answer(_changes(modules))


def _changes(modules: Iterable[str]) -> dict[str, list[str]]:
    import torch

    from ganbench.testing.process_state import put_back, settings

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
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])

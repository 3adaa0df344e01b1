"""What holds for a component of any kind: parameters, documentation, light registration."""

from ganbench import components
from ganbench.errors import UsageError
from ganbench.testing.kit import Flaw, NotApplicable, Subject


def parameters(subject: Subject) -> None:
    """It can be built from its defaults, which are numbers, truth values or text."""
    if subject.kind not in components.CONTRACTS:
        raise NotApplicable(f"a component of kind {subject.kind} takes no parameters from users")
    try:
        defaults = components.defaults(subject.cls)
    except UsageError as error:
        raise Flaw(f"{error}; naming '{subject.name}' in a run would be refused with this line") from error
    try:
        components.build(subject.kind, subject.name, subject.cls, defaults)
    except UsageError as error:
        raise Flaw(f"{error}, with its own defaults {defaults}; it could not be used by its name alone") from error


def documentation(subject: Subject) -> None:
    """It says what it is."""
    if not (subject.cls.__dict__.get("__doc__") or "").strip():
        raise Flaw(f"{subject.cls.__name__} has no docstring; `ganbench show {subject.name}` would explain nothing")


CHECKS = (parameters, documentation)

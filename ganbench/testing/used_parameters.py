"""Whether each parameter does something: a component with one value of it is compared with itself with others.

What is looked at, kind by kind, is in :mod:`ganbench.testing.observations`. ``expected`` may hold ``other_values``,
{name: value}, for a parameter that acts only at values that nobody would guess.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

from ganbench.parameters import merge
from ganbench.spec import Scalar, format_scalar
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.observations import OBSERVE, Look, attempt, look

WHOLE = (1, 2, 4, 8, 0, 3, 16, 32, 64)
NUMBERS = (1.0, 0.5, 0.1, 0.9, 0.0, 2.0, 10.0, 100.0, 0.01)
"""Values to try besides half and twice a parameter's own; small ones come first, as small networks are built fast."""
FEW = 3
"""How many values to try where two parameters are changed together, as one does nothing at the other's usual value."""

Values = Mapping[str, Scalar]


def used_parameters(subject: Subject) -> str:
    """Each parameter that is a number or a truth value changes something."""
    if subject.factory is not None:
        raise NotApplicable("a loss carries it, and the loss's own parameters are tried")
    subject.build()
    values = merge(subject.kind, subject.name, subject.cls, dict(subject.parameters))
    numbers = [name for name, value in values.items() if not isinstance(value, str)]
    if not numbers:
        raise NotApplicable("no parameter of it is a number or a truth value")
    idle, alone = [], []
    usual = _looks(subject, values)
    for name in numbers:
        changes = _changes(subject, values, usual, name)
        if changes is None:
            alone.append(name)
        elif not changes and not any(
            _changes(subject, other, _looks(subject, other), name, FEW) for other in _beside(subject, values, name)
        ):
            idle.append(name)
    if idle:
        attempt(subject)
        shown = {name: map(format_scalar, (values[name], *_others(subject, values, name))) for name in idle}
        tried = "; ".join(f"{name} = {', '.join(those)}" for name, those in shown.items())
        number = next((name for name in idle if not isinstance(values[name], bool)), "")
        hint = f", or name a value that acts: expected = {{'other_values': {{'{number}': ...}}}}" if number else ""
        raise Flaw(
            f"{' and '.join(idle)} {'change' if idle[1:] else 'changes'} nothing ({tried}): every output, gradient, "
            "shape, score and declaration that was looked at is the same; two rows of a table would differ by name "
            f"and be one and the same trial; use it or leave it out{hint}"
        )
    return f"no other value of {' and '.join(alone)} could be tried" if alone else ""


def at_other_values(subject: Subject, named: Container[str]) -> Iterator[tuple[str, Subject]]:
    """The subject with another value of each number among the named parameters, one at a time, and which it is.

    A mistake in how a parameter is used, such as its square, does not show where its usual value is 1.
    """
    return _one_by_one(subject, lambda name, value: name in named and not isinstance(value, bool | str), most=2)


def variants(subject: Subject) -> Iterator[tuple[str, Subject]]:
    """The subject with another value of one parameter, of any type, one at a time, and which it is."""
    return _one_by_one(subject, lambda name, value: True)


def _one_by_one(
    subject: Subject, wanted: Callable[[str, Any], bool], *, most: int | None = None
) -> Iterator[tuple[str, Subject]]:
    if subject.factory is not None:
        return
    values = merge(subject.kind, subject.name, subject.cls, dict(subject.parameters))
    for name, value in values.items():
        if wanted(name, value):
            for other in _others(subject, values, name)[:most]:
                yield f"{name} = {format_scalar(other)}", _with(subject, values, name, other)


def _looks(subject: Subject, values: Values) -> list[Look]:
    """Looks at a subject with these parameters; each is taken once, when it is first needed."""
    return [cache(partial(_steady, one)) for one in OBSERVE[subject.kind](replace(subject, parameters=values))]


def _steady(one: Look) -> Any:
    """What is seen, if it is the same twice; else ``None``: a difference would tell nothing."""
    seen = look(one)
    return seen if seen is not None and look(one) == seen else None


def _changes(subject: Subject, values: Values, usual: list[Look], name: str, most: int | None = None) -> bool | None:
    """Whether other values of one parameter, with the rest as they are, change what is usually seen.

    ``None`` if the component works with none of them.
    """
    others = [_with(subject, values, name, value) for value in _others(subject, values, name)[:most]]
    works = False
    for number, (plain, *changed) in enumerate(zip(usual, *map(OBSERVE[subject.kind], others), strict=False)):
        wanted = plain()
        for found in map(look, changed) if wanted is not None else ():
            if found is not None and found != wanted:
                return True
            works = works or (number > 0 and found is not None)  # what it declares can be had of any
    return False if works else None


def _beside(subject: Subject, values: Values, name: str) -> Iterator[Values]:
    """The values with one other parameter changed: what ``name`` does may depend on it."""
    for other, value in values.items():
        if other != name:
            offered = _others(subject, values, other)
            for one in offered if isinstance(value, str) else offered[:FEW]:
                yield {**values, other: one}


def _others(subject: Subject, values: Values, name: str) -> list[Scalar]:
    """Values other than the one that a parameter has, as far as the component takes them."""
    value = values[name]
    found: Iterable[Scalar]
    if isinstance(value, str):
        # The words of the message in which it refuses an unknown one.
        found = re.findall(r"[\w.-]+", _with(subject, values, name, "no such text").refusal())
    elif isinstance(value, bool):
        found = (not value,)
    elif isinstance(value, int):
        found = (*WHOLE, value // 2, 2 * value, value + 1, value - 1)
    else:
        found = (value / 2, 2 * value, *NUMBERS, -value)
    known = subject.expected.get("other_values", {})
    tried = dict.fromkeys((*([known[name]] if name in known else []), *found))
    return [one for one in tried if one != value and not _with(subject, values, name, one).refusal()]


def _with(subject: Subject, values: Values, name: str, value: Scalar) -> Subject:
    return replace(subject, parameters={**values, name: value})

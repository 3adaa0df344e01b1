"""The grammar of components on the command line and in suites, and the expansion of a suite into a grid.

``wgan-gp[lambda_gp=1]`` is a component with a parameter, ``hinge+r1[gamma=0.1]`` a loss with a penalty,
``folder:/path/to/images[size=32]`` a component with an argument, ``dcgan[width=16|32]`` two of them.
"""

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from ganbench.errors import UsageError
from ganbench.registry import KINDS, Entry, Registry
from ganbench.spec import Frozen, Scalar, format_scalar

_KEY = re.compile(r"[A-Za-z_]\w*")
_INT = re.compile(r"[+-]?\d+")
MAX_TRIALS = 100_000
Request = TypeVar("Request", bound=Frozen)


class ComponentRequest(Frozen):
    """A component as it was asked for: which entry, and the parameters that were given.

    ``texts`` holds how numbers among them were typed, where they would be written otherwise: ``1.10``, ``007``. Only a
    component knows which of its parameters are texts.
    """

    kind: str
    name: str
    distribution: str
    version: str
    target: str
    parameters: dict[str, Scalar] = {}
    texts: dict[str, str] = {}


class LossRequest(Frozen):
    """A loss with its penalties."""

    loss: ComponentRequest
    penalties: tuple[ComponentRequest, ...] = ()


def split_outside_brackets(text: str, separator: str) -> list[str]:
    """Split at ``separator`` where it is not inside ``[...]``.

    Raises:
        UsageError: the brackets do not match.
    """
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        if character == "[":
            depth += 1
        elif character == "]":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:position])
            start = position + 1
        if depth not in (0, 1):
            raise UsageError(f"the brackets in '{text}' do not match")
    if depth:
        raise UsageError(f"the brackets in '{text}' do not match")
    parts.append(text[start:])
    return parts


def split_list(texts: Iterable[str]) -> list[str]:
    """Split comma-separated lists, of which there may be several; empty items and repetitions are left out."""
    items = [item.strip() for text in texts for item in split_outside_brackets(text, ",")]
    return list(dict.fromkeys(item for item in items if item))


def split_parameters(text: str) -> tuple[str, list[str]]:
    """Return what stands before the brackets of ``name[a=1,b=2]``, and the items in them that are not empty.

    Raises:
        UsageError: the brackets do not match, or are not at the end.
    """
    head, bracket, tail = text.strip().partition("[")
    if not bracket:
        return head.strip(), []
    if not tail.endswith("]"):
        wrong = "has more text after its closing bracket" if "]" in tail else "has no closing bracket"
        raise UsageError(f"'{text}' {wrong}")
    items = split_outside_brackets(tail.removesuffix("]"), ",")
    return head.strip(), [item.strip() for item in items if item.strip()]


def parse_scalar(text: str) -> Scalar:
    """``true``/``false``, a whole number, a number, or the text itself.

    Raises:
        UsageError: not a number, or infinity: no setting means anything then.
    """
    lowered = text.strip().lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    if _INT.fullmatch(lowered):
        try:
            return int(lowered)
        except ValueError as error:  # of more than 4,300 digits
            raise UsageError(f"'{lowered[:20]}...' has too many digits; whole numbers must be below 2^63") from error
    try:
        number = float(lowered)
    except ValueError:
        return text.strip()
    if not math.isfinite(number):
        raise UsageError(f"'{text.strip()}' is not a finite number")
    return number


def parts_of(text: str, registry: Registry) -> list[tuple[str, str]]:
    """What stands for components, part by part, each with its name: ``hinge`` and ``r1`` in ``hinge+r1[gamma=0.1]``,
    ``folder`` in ``folder:PATH[size=32]``.

    Raises:
        UsageError: the brackets do not match, or a part has no name.
    """
    arguments = {entry.name for kind in KINDS for entry in registry.entries(kind) if entry.argument}
    name, colon, rest = text.partition(":")
    if colon and name in arguments:
        return [(name, text)]
    if colon and (second := rest.partition(":")[0]) in arguments and ":" in rest:
        return [(f"{name}:{second}", text)]
    parts = [(split_parameters(part)[0], part) for part in _parts(text)]
    if not all(name for name, _ in parts):
        raise UsageError(f"'{text}' has no name before its brackets")
    return parts


def _parts(text: str) -> list[str]:
    """What is joined by ``+``."""
    parts = [part.strip() for part in split_outside_brackets(text, "+")]
    if not all(parts):
        raise UsageError(f"'{text}' has an empty part before or after a '+'")
    return parts


def parse_component(kind: str, text: str, registry: Registry) -> list[ComponentRequest]:
    """Parse one component; several come back where a parameter lists alternatives with ``|``.

    Raises:
        UsageError: an unknown name, brackets or parameters that cannot be read, or a path that no specification can
            hold, because it is no text.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{kind} {text!a} contains bytes that are no characters here; rename the file or folder, or use a UTF-8 "
            "locale, e.g. LC_ALL=C.UTF-8"
        ) from error
    head, items = split_parameters(text)
    if not head and items:
        raise UsageError(f"'{text}' has no name before its brackets")
    entry, argument = _find(kind, head, registry)
    given: dict[str, list[tuple[Scalar, str]]] = {entry.argument: [(argument, argument)]} if argument else {}
    choices = read_parameters(text, items, given)
    count = math.prod(map(len, choices.values()))
    if count > MAX_TRIALS:
        raise UsageError(f"'{text}' stands for {count} components; at most {MAX_TRIALS} are allowed")
    return [
        ComponentRequest(
            kind=kind,
            name=entry.name,
            distribution=entry.distribution,
            version=entry.version,
            target=entry.target,
            parameters={key: value for key, (value, _) in chosen.items()},
            texts={key: text for key, (value, text) in chosen.items() if is_typed_otherwise(value, text)},
        )
        for chosen in (dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values()))
    ]


def read_parameters(
    text: str, items: Iterable[str], given: Mapping[str, list[tuple[Scalar, str]]] | None = None
) -> dict[str, list[tuple[Scalar, str]]]:
    """The alternatives of each parameter in the brackets of ``text``, as they were read and as they were typed.

    Args:
        text: for messages.
        items: what stands in its brackets.
        given: parameters that are given already.

    Raises:
        UsageError: one is not ``key=value``, is given twice, or is a number that no setting can be.
    """
    choices = dict(given or {})
    for item in items:
        key, equals, value = item.partition("=")
        key = key.strip()
        alternatives = value.split("|")
        if not equals or not _KEY.fullmatch(key) or not all(alternative.strip() for alternative in alternatives):
            raise UsageError(f"'{item}' in '{text}' must be key=value")
        if key in choices:
            raise UsageError(f"'{key}' is given twice in '{text}'")
        try:
            choices[key] = [(parse_scalar(alternative), alternative.strip()) for alternative in alternatives]
        except UsageError as error:
            raise UsageError(f"{key} in '{text}': {error}") from error
    return choices


def is_typed_otherwise(value: Scalar, text: str) -> bool:
    """Whether a text that was read as a number is not the one that is written for it."""
    return not isinstance(value, bool | str) and format_scalar(value) != text


def parse_loss(text: str, registry: Registry) -> list[LossRequest]:
    """Parse ``loss+penalty+...``, each part with its own parameters."""
    parts = _parts(text)
    losses = parse_component("loss", parts[0], registry)
    penalties = [parse_component("penalty", part, registry) for part in parts[1:]]
    if math.prod(map(len, [losses, *penalties])) > MAX_TRIALS:
        raise UsageError(f"'{text}' stands for too many losses; at most {MAX_TRIALS} are allowed")
    return [LossRequest(loss=loss, penalties=chosen) for loss in losses for chosen in itertools.product(*penalties)]


def parse_augment(text: str, registry: Registry) -> list[ComponentRequest]:
    """Parse a recipe's ``augment``: ``none``, or augmentations joined by ``+``, in the order they are applied in."""
    if text.strip() == "none":
        return []
    parts = [part.strip() for part in split_outside_brackets(text, "+")]
    if not all(parts):
        raise UsageError(f"augment={text!r} must be none, or augmentations joined by '+'")
    found: list[ComponentRequest] = []
    for part in parts:
        request, *others = parse_component("augmentation", part, registry)
        if others:
            raise UsageError(f"augment={text}: a recipe setting cannot have alternatives with '|'")
        if any((request.distribution, request.name) == (other.distribution, other.name) for other in found):
            raise UsageError(f"augment={text} names '{request.name}' twice")
        found.append(request)
    return found


def parse_axis(kind: str, texts: Iterable[str], registry: Registry) -> list[ComponentRequest]:
    """Parse a list of components of one kind."""
    return list(_unique(request for text in split_list(texts) for request in parse_component(kind, text, registry)))


def parse_losses(texts: Iterable[str], registry: Registry) -> list[LossRequest]:
    """Parse a list of losses with penalties."""
    return list(_unique(request for text in split_list(texts) for request in parse_loss(text, registry)))


def parse_seeds(text: str) -> tuple[int, ...]:
    """``5`` is five seeds 0 to 4; ``0,1,7`` are those three; ``3,`` is the one seed 3.

    Raises:
        UsageError: not whole numbers, negative, or none at all.
    """
    items = [item.strip() for item in text.split(",")]
    if not all(re.fullmatch(r"\d+", item) for item in items if item) or not any(items):
        raise UsageError(f"seeds '{text}' must be a count such as 5, or a list such as 0,1,7")
    if too_large := next((item for item in items if len(item) > 18), ""):
        raise UsageError(f"seeds '{text}': {too_large} must be below 10^18")
    numbers = [int(item) for item in items if item]
    if len(items) == 1:
        if not 1 <= numbers[0] <= MAX_TRIALS:
            raise UsageError(
                f"the number of seeds must be between 1 and {MAX_TRIALS}; to run only seed {text}, write '{text},', "
                f"in a suite or in Python [{text}]"
            )
        return tuple(range(numbers[0]))
    return tuple(dict.fromkeys(numbers))


def _find(kind: str, head: str, registry: Registry) -> tuple[Entry, str]:
    """Return the entry and the text after its colon, where it takes an argument.

    The first word of ``folder:PATH`` is a component that takes an argument; of ``distribution:name`` it is not.
    """
    name, colon, rest = head.partition(":")
    if colon:
        taking = {entry.name for entry in registry.entries(kind) if entry.argument}
        if name in taking:
            return registry.find(kind, name), rest
        second, colon, argument = rest.partition(":")
        if colon and second in taking:
            return registry.find(kind, f"{name}:{second}"), argument
    return registry.find(kind, head), ""


def _unique(items: Iterable[Request]) -> Iterator[Request]:
    seen: set[str] = set()
    for item in items:
        key = item.model_dump_json()
        if key not in seen:
            seen.add(key)
            yield item

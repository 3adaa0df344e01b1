"""Checks, and the components they run on."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ganbench.errors import UsageError, did_you_mean
from ganbench.parameters import merge
from ganbench.registry import KINDS, PLURALS, Entry
from ganbench.spec import Scalar

_GIVEN = {
    "loss": "--losses {}",
    "penalty": "--losses vanilla+{}",
    "augmentation": "--set augment={}",
    "architecture": "--arch {}",
    "dataset": "--dataset {}",
    "metric": "--metrics {}",
    "extractor": "--extractor {}",
    "tracker": "--tracker {}",
}
"""The option that names a component in a run."""


class Flaw(AssertionError):
    """A component breaks its contract. The message says what is wrong and what a user would see go wrong."""


class NotApplicable(Exception):
    """The check does not apply to this component; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One component under test.

    Attributes:
        kind: ``loss``, ``penalty``, ``architecture``, ...
        name: what users type.
        cls: its class.
        parameters: those it is built with; the rest have their defaults.
        expected: what its author knows of it beyond the contract, by name; each kind's module says what it reads.
        argument: the parameter that users give after a colon, as ``path`` in ``folder:PATH``.
        factory: builds it, if it is not built from its class, as a penalty that a loss carries.
    """

    kind: str
    name: str
    cls: Any
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    expected: Mapping[str, Any] = field(default_factory=dict)
    argument: str = ""
    factory: Callable[[], Any] | None = None

    def build(self, out: Path | None = None) -> Any:
        """Return a fresh instance.

        Args:
            out: the folder of trials for a tracker; by default an empty one that is removed afterwards.

        Raises:
            Flaw: it cannot be built.
            UsageError: it needs an argument, and none was given.
        """
        if self.factory is not None:
            return self.factory()
        try:
            return self.build_as_a_run(out)
        except UsageError as error:
            if self.lacks_argument:
                raise
            given = _GIVEN[self.kind].format(self.name)
            raise Flaw(f"{error}; `{given}` would be refused with this line") from error

    def refusal(self) -> str:
        """Why it cannot be built; empty if it can."""
        if self.factory is None and self.kind != "executor":
            try:
                self.build_as_a_run()
            except UsageError as error:
                return str(error)
        return ""

    def build_as_a_run(self, out: Path | None = None) -> Any:
        """Return an instance of the class, built as a run builds it; see :meth:`build`.

        Raises:
            UsageError: it cannot be built; says what a run would say.
        """
        merged = merge(self.kind, self.name, self.cls, dict(self.parameters))
        if self.kind == "tracker":
            from ganbench.trackers.following import make_tracker

            with TemporaryDirectory() as empty:
                return make_tracker(self.name, self.cls, merged, out or Path(empty))
        from ganbench import components

        return components.build(self.kind, self.name, self.cls, merged)

    @property
    def lacks_argument(self) -> bool:
        """Whether it takes an argument and none was given; there may be a default."""
        return bool(self.argument) and self.argument not in self.parameters


@dataclass(frozen=True, kw_only=True)
class Check:
    """One property. ``function`` raises :class:`Flaw` or :class:`NotApplicable`, or returns a note or ``None``."""

    name: str
    title: str
    function: Callable[[Subject], str | None]


def checks_of(kind: str, cls: Any = None) -> list[Check]:
    """Return the checks of a kind, in the order in which they are best read; imports torch for most kinds.

    Args:
        kind: ``loss``, ``penalty``, ...
        cls: a component's class. It matters to penalties: those on the generator and on features have checks of their
            own.

    Raises:
        UsageError: there is no such kind.
    """
    if kind not in KINDS:
        raise UsageError(f"there is no kind '{kind}'{did_you_mean(kind, KINDS)}")
    functions = [
        function
        for module in ("declarations", _module(kind, cls))
        for function in import_module(f"ganbench.testing.{module}").CHECKS
    ]
    return [Check(name=one.__name__.replace("_", "-"), title=_title(one), function=one) for one in functions]


def subject_of(
    component: Any, *, name: str = "", parameters: Mapping[str, Scalar] | None = None, **expected: Any
) -> Subject:
    """Return the subject of a test.

    Args:
        component: a class that implements a contract, or the name of a registered component as users type it, with
            its kind before a slash where two kinds share it: ``"loss/hinge"``.
        name: what users type, where a class is given; by default the class's name in lower case.
        parameters: what to build it with.
        expected: see :class:`Subject`.

    Raises:
        UsageError: there is no such component, it cannot be imported, or is no component.
    """
    from ganbench import plugins

    if isinstance(component, str):
        registry = plugins.load().registry
        kind, slash, bare = component.rpartition("/")
        kinds = [kind] if slash else [one for one in KINDS if bare.rpartition(":")[2] in registry.names(one)]
        if len(kinds) > 1:
            raise UsageError(f"'{bare}' names a {' and a '.join(kinds)}; write '{kinds[0]}/{bare}'")
        if not kinds or kinds[0] not in KINDS:
            raise UsageError(f"there is no component '{component}'")
        return subject_of_entry(registry.find(kinds[0], bare), parameters=parameters, **expected)
    kind = _kind_of(component)
    shown = name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", component.__name__).lower()
    return Subject(kind=kind, name=shown, cls=component, parameters=dict(parameters or {}), expected=expected)


def subject_of_entry(entry: Entry, *, parameters: Mapping[str, Scalar] | None = None, **expected: Any) -> Subject:
    """Return the subject of a test of a registered component.

    Raises:
        UsageError: it cannot be imported, or is no component of its kind.
    """
    from ganbench import components

    cls = components.load_class(entry) if entry.kind in components.CONTRACTS else entry.load()
    return Subject(
        kind=entry.kind,
        name=entry.name,
        cls=cls,
        parameters=dict(parameters or {}),
        expected=expected,
        argument=entry.argument,
    )


def _module(kind: str, cls: Any) -> str:
    """The module with the checks of a class of a kind."""
    if kind == "penalty" and inspect.isclass(cls):
        from ganbench.api import FeaturePenalty, GeneratorPenalty

        if issubclass(cls, GeneratorPenalty):
            return "feature_penalties" if issubclass(cls, FeaturePenalty) else "generator_penalties"
    return PLURALS[kind]


def _title(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".").replace("``", "`")


def _kind_of(component: Any) -> str:
    from ganbench import components
    from ganbench.executors import Executor
    from ganbench.trackers import Tracker

    contracts = {**components.CONTRACTS, "executor": (Executor,), "tracker": (Tracker,)}
    if inspect.isclass(component):
        for kind, classes in contracts.items():
            if issubclass(component, classes):
                return kind
    names = [f"ganbench.api.{one.__name__}" for classes in components.CONTRACTS.values() for one in classes]
    names += ["ganbench.executors.Executor", "ganbench.trackers.Tracker"]
    raise UsageError(f"{component!r} is not a component: it must be a subclass of one of {', '.join(names)}")

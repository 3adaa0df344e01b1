"""Checks, the components they run on, and their outcomes."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from ganbench.errors import DataError, UsageError, did_you_mean, with_kind
from ganbench.parameters import merge
from ganbench.registry import KINDS, PLURALS, Entry
from ganbench.spec import Scalar
from ganbench.testing.process_state import put_back, settings

BUILT = "parameters"
"""The check that says whether a component can be built."""
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


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one check found. ``message`` says why it failed or was skipped, or is a note."""

    check: str
    title: str
    status: Literal["ok", "failed", "skipped"]
    message: str = ""


def checks_of(kind: str) -> list[Check]:
    """Return the checks of a kind, in the order in which they are best read; imports torch for most kinds.

    Raises:
        UsageError: there is no such kind.
    """
    if kind not in KINDS:
        raise UsageError(f"there is no kind '{kind}'{did_you_mean(kind, KINDS)}")
    functions = [
        function
        for module in ("declarations", PLURALS[kind])
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


def run(subject: Subject, *, skip: Mapping[str, str] | None = None) -> Iterator[Outcome]:
    """Run every check on a component. Whatever the component raises fails the check, never the run.

    Args:
        subject: the component.
        skip: checks to leave out, with the reason.

    Raises:
        UsageError: ``skip`` names no check.
    """
    skip = skip or {}
    checks = checks_of(subject.kind)
    for name in skip:
        if name not in {one.name for one in checks}:
            raise UsageError(f"there is no check '{name}'{did_you_mean(name, [one.name for one in checks])}")
    for one in checks:
        yield judge(one, subject, skip=skip)


def judge(one: Check, subject: Subject, *, skip: Mapping[str, str] | None = None) -> Outcome:
    """Run one check, or leave it out as ``skip`` says; torch's settings are restored afterwards.

    A component that cannot be built fails the check ``parameters``, and the others are skipped.
    """
    skip = skip or {}
    if one.name in skip:
        return Outcome(check=one.name, title=one.title, status="skipped", message=skip[one.name])
    before = settings()
    outcome = _judge(one, subject)
    if changed := put_back(before):
        message = (
            f"it calls {' and '.join(changed)} and does not restore it; whatever runs after it in the same "
            "process would compute differently"
        )
        return replace(outcome, status="failed", message=message)
    if outcome.status == "failed" and BUILT not in (one.name, *skip):
        refusal = subject.refusal()
        if refusal and refusal in outcome.message:
            return replace(outcome, status="skipped", message=f"it cannot be built, as the check '{BUILT}' says")
    return outcome


def _judge(one: Check, subject: Subject) -> Outcome:
    status: Literal["ok", "failed", "skipped"] = "skipped"
    try:
        message = one.function(subject) or ""
        status = "ok"
    except Flaw as flaw:
        status, message = "failed", str(flaw)
    except NotApplicable as reason:
        message = str(reason)
    except DataError as error:
        message = f"its files are not here: {error}"
    except (Exception, SystemExit) as error:  # a component may even call sys.exit
        if isinstance(error, UsageError) and subject.lacks_argument:
            shown = f"{subject.name}:{subject.argument.upper()}"
            message = f"it needs a {subject.argument} ({shown}), but none was given"
        else:
            status = "failed"
            message = f"raises {with_kind(error)}{_place(error, subject)}; a trial would fail with this"
    return Outcome(check=one.name, title=one.title, status=status, message=message)


def check(component: Any, *, skip: Mapping[str, str] | None = None, **options: Any) -> list[Outcome]:
    """Run every check on a component, given as to :func:`subject_of`, and return what came of each."""
    return list(run(subject_of(component, **options), skip=skip))


def _title(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".").replace("``", "`")


def _kind_of(component: Any) -> str:
    from ganbench import components
    from ganbench.executors import Executor
    from ganbench.trackers import Tracker

    contracts = {**components.CONTRACTS, "executor": Executor, "tracker": Tracker}
    if inspect.isclass(component):
        for kind, contract in contracts.items():
            if issubclass(component, contract):
                return kind
    names = [f"ganbench.api.{contract.__name__}" for contract in components.CONTRACTS.values()]
    names += ["ganbench.executors.Executor", "ganbench.trackers.Tracker"]
    raise UsageError(f"{component!r} is not a component: it must be a subclass of one of {', '.join(names)}")


def _place(error: BaseException, subject: Subject) -> str:
    """The last line of the component's own code in an error's traceback, if there is any."""
    package = getattr(subject.cls, "__module__", "").partition(".")[0]
    trace, found = error.__traceback__, ""
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        own = name.partition(".")[0] == package and not name.startswith("ganbench.testing")
        if own:
            found = f" ({name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return found

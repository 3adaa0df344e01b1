"""Running checks on components, and what comes of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ganbench.errors import DataError, UsageError, did_you_mean, with_kind
from ganbench.testing.kit import Check, Flaw, NotApplicable, Subject, checks_of, subject_of
from ganbench.testing.process_state import put_back, settings

BUILT = "parameters"
"""The check that says whether a component can be built."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one check found. ``message`` says why it failed or was skipped, or is a note."""

    check: str
    title: str
    status: Literal["ok", "failed", "skipped"]
    message: str = ""


def run(subject: Subject, *, skip: Mapping[str, str] | None = None) -> Iterator[Outcome]:
    """Run every check on a component. Whatever the component raises fails the check, never the run.

    Args:
        subject: the component.
        skip: checks to leave out, with the reason.

    Raises:
        UsageError: ``skip`` names no check.
    """
    skip = skip or {}
    checks = checks_of(subject.kind, subject.cls)
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

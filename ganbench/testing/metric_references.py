"""Whether a metric forgets the reference that it scored against before."""

from dataclasses import replace

from ganbench.api import Evidence, Metric
from ganbench.errors import with_kind
from ganbench.testing.imported_anew import imported_anew
from ganbench.testing.kit import Flaw, Subject
from ganbench.testing.metric_sides import build, close, compute, shown


def references(subject: Subject) -> None:
    """It scores against a second reference as if there had been no first one, in the same instance and in a new one."""
    sides = shown(subject)
    used, fake = sides.metric, sides.fakes()
    compute(used, fake, sides.reference())
    # As many real samples: what is kept may be kept by their number.
    other = sides.reference(seed=103, classes=2)
    wanted = compute(_untouched(subject), fake, other)
    for where, metric in ((" in its class or module", build(subject)), ("", used)):
        if kept := _kept(metric, fake, other, wanted):
            raise Flaw(
                f"{'a new instance of a class' if where else 'an instance'} that has scored against another "
                f"reference before {kept}: it keeps something of its first reference{where}, and a dataset "
                "would get the scores of another"
            )


def _untouched(subject: Subject) -> Metric:
    """An instance of a class that has scored nothing, or a fresh one where its package cannot be imported again."""
    cls = imported_anew(subject.cls)
    return build(subject if cls is None else replace(subject, cls=cls))


def _kept(metric: Metric, fake: Evidence, other: Evidence, wanted: dict[str, float]) -> str:
    """How its scores differ from what they should be; empty if they do not."""
    try:
        found = compute(metric, fake, other)
    except Exception as error:
        return f"raises {with_kind(error)}"
    for name, value in wanted.items():
        if not close(found[name], value):
            return f"gives '{name}' as {found[name]:.6g} instead of {value:.6g}"
    return ""

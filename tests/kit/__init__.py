"""What the tests of the conformance kit share: how a mistake is caught, and components with which nothing is wrong."""

from typing import Any

from ganbench.testing import Outcome, checks_of
from ganbench.testing.kit import judge, subject_of


def failed(outcomes: list[Outcome]) -> dict[str, str]:
    return {outcome.check: outcome.message for outcome in outcomes if outcome.status == "failed"}


def outcome_of(name: str, component: Any, **options: Any) -> Outcome:
    """What one check finds of a component, given as to ``check``."""
    subject = subject_of(component, **options)
    (one,) = (one for one in checks_of(subject.kind) if one.name == name)
    return judge(one, subject)


def assert_caught(outcomes: list[Outcome], name: str, words: str) -> None:
    """One line of the check that is for the mistake says it in these words."""
    found = failed(outcomes)
    assert name in found, found
    assert words in found[name], found[name]
    assert "\n" not in found[name], found[name]

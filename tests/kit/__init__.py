"""What the tests of the conformance kit share: how a mistake is caught, and components with which nothing is wrong."""

from typing import Any

from ganbench.testing import Outcome, checks_of
from ganbench.testing.judging import judge
from ganbench.testing.kit import subject_of


def failed(outcomes: list[Outcome]) -> dict[str, str]:
    return {outcome.check: outcome.message for outcome in outcomes if outcome.status == "failed"}


def outcome_of(check: str, component: Any, /, **options: Any) -> Outcome:
    """What one check finds of a component, given as to ``ganbench.testing.check``."""
    subject = subject_of(component, **options)
    (one,) = (one for one in checks_of(subject.kind, subject.cls) if one.name == check)
    return judge(one, subject)


def assert_caught(component: Any, check: str, words: str, /, **options: Any) -> None:
    """One line of the check that is for the mistake says it in these words."""
    found = outcome_of(check, component, **options)
    assert found.status == "failed", found
    assert words in found.message, found
    assert "\n" not in found.message, found

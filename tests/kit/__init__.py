"""What the tests of the conformance kit share: how a mistake is caught, and components with which nothing is wrong."""

from ganbench.testing import Outcome


def failed(outcomes: list[Outcome]) -> dict[str, str]:
    return {outcome.check: outcome.message for outcome in outcomes if outcome.status == "failed"}


def assert_caught(outcomes: list[Outcome], name: str, words: str) -> None:
    """One line of the check that is for the mistake says it in these words."""
    found = failed(outcomes)
    assert name in found, found
    assert words in found[name], found[name]
    assert "\n" not in found[name], found[name]

"""The kit in pytest: ``pytest --ganbench-package ganbench-rpgan`` adds one test of each property of each component.

It is loaded by every pytest in an environment with ganbench, so it imports nothing until the option is given.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ganbench.testing.judging import Outcome


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--ganbench-package``."""
    parser.getgroup("ganbench", "conformance of plugins").addoption(
        "--ganbench-package",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="also run ganbench's conformance kit on all that this installed package registers; may be repeated",
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[Any]:
    """Collect what the command line names, and the packages."""
    result = yield
    for package in session.config.getoption("ganbench_package"):
        collector = Package.from_parent(session, name=package, nodeid=package)
        found = list(collector.collect())
        # pytest has already applied -k, -m, --deselect and the like to what it collected itself, not to these.
        session.config.hook.pytest_collection_modifyitems(session=session, config=session.config, items=found)
        session.items.extend(found)
        session.testscollected = len(session.items)
    return result


class Package(pytest.Collector):
    """All components of one package. The kit runs during collection; each item then reports one outcome."""

    def collect(self) -> Iterator["Property"]:
        """One item for each check."""
        from ganbench.errors import GanbenchError
        from ganbench.testing.package import check_package

        try:
            for report in check_package(self.name):
                for outcome in report.outcomes:
                    name = f"{report.kind}/{report.name}[{outcome.check}]"
                    yield Property.from_parent(self, name=name, outcome=outcome)
        except GanbenchError as error:
            raise pytest.UsageError(str(error)) from error


class Property(pytest.Item):
    """One property of one component."""

    def __init__(self, *, outcome: "Outcome", **rest: Any) -> None:
        super().__init__(**rest)
        self.outcome = outcome

    def runtest(self) -> None:
        """Pass, fail or skip as the check did."""
        tell(self.outcome)

    def reportinfo(self) -> tuple[str, None, str]:
        """Where it is, for the report."""
        return self.nodeid, None, self.name


def tell(outcome: "Outcome") -> None:
    """Pass, fail or skip the running test as a check did."""
    if outcome.status == "failed":
        # The message is the finding; a traceback through the kit would bury it.
        pytest.fail(f"{outcome.title}: {outcome.message}", pytrace=False)
    if outcome.status == "skipped":
        pytest.skip(outcome.message)

"""The kit as a class that an author's tests inherit from: one test for each check."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from ganbench.spec import Scalar
from ganbench.testing.judging import judge
from ganbench.testing.kit import Check, Subject, checks_of, subject_of
from ganbench.testing.pytest_plugin import tell


class Conformance:
    """Inherit from it in a test module; the class's name must begin with ``Test``.

    Attributes:
        component: the component's class, or the name of a registered one (``"rpgan"``, ``"loss/hinge"``).
        name: what users type, where ``component`` is a class.
        parameters: what to build it with, e.g. a small width for an architecture.
        skip: checks that do not apply, each with the reason, which the test report shows.
        expected: what you know of it beyond the contract; each kind's module says what it reads.
    """

    component: ClassVar[Any] = None
    name: ClassVar[str] = ""
    parameters: ClassVar[Mapping[str, Scalar]] = {}
    skip: ClassVar[Mapping[str, str]] = {}
    expected: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def subject(cls) -> Subject:
        """Return what is tested."""
        return subject_of(cls.component, name=cls.name, parameters=cls.parameters, **cls.expected)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test of each check."""
        if "conformance_check" in metafunc.fixturenames:
            subject = self.subject()
            checks = checks_of(subject.kind, subject.cls)
            metafunc.parametrize("conformance_check", checks, ids=[one.name for one in checks])

    def test_conforms(self, conformance_check: Check) -> None:
        """The component keeps its contract."""
        tell(judge(conformance_check, self.subject(), skip=self.skip))

"""The conformance kit: holds a component to its contract, and says in words what a user would see go wrong.

``ganbench plugins check PACKAGE`` runs it on all that a package registers. In an author's own tests::

    from ganbench.testing import Conformance
    from ganbench_rpgan.loss import RpGAN

    class TestRpGAN(Conformance):
        component = RpGAN

makes one test of each property.

Where a check lives: ``CHECKS`` of ``declarations.py`` are for every kind, those of ``losses.py``, ``penalties.py``,
``augmentations.py`` and so on for one; :mod:`ganbench.testing.kit` runs both, in this order. Longer checks of a kind,
and what it is tried on, are in ``loss_*.py``, ``penalty_*.py``, ``augmentation_*.py``, ``architecture_*.py``,
``dataset_*.py``, ``metric_*.py`` and ``executor_*.py``. ``package.py`` checks a package itself. The other modules serve
several kinds.

To add a check, write a function of a :class:`Subject` and name it in ``CHECKS``::

    def finite(subject: Subject) -> None:
        \"\"\"Values and gradients are finite at outputs from -50 to 50.\"\"\"
        ...
        raise Flaw("what is wrong and where; what a user would see go wrong; what to do")

The function's name, with dashes, is the check's, and the first line of its docstring the check's title. It raises
:class:`NotApplicable` where a component cannot have the property, and may return a note. Plant the mistake in one of
``tests/test_testing_*.py``; ``tests/test_testing_builtins.py`` holds that the built-in components pass.

The names below are resolved on first use: every pytest in an environment with ganbench imports this package as a
pytest plugin, and most have no use for the kit.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganbench.testing.conformance import Conformance as Conformance
    from ganbench.testing.judging import Outcome as Outcome
    from ganbench.testing.judging import check as check
    from ganbench.testing.judging import run as run
    from ganbench.testing.kit import Check as Check
    from ganbench.testing.kit import Flaw as Flaw
    from ganbench.testing.kit import NotApplicable as NotApplicable
    from ganbench.testing.kit import Subject as Subject
    from ganbench.testing.kit import checks_of as checks_of
    from ganbench.testing.metric_sides import evidence as evidence

__all__ = [
    "Check",
    "Conformance",
    "Flaw",
    "NotApplicable",
    "Outcome",
    "Subject",
    "check",
    "checks_of",
    "evidence",
    "run",
]
_ELSEWHERE = {
    "Conformance": "conformance",
    "Outcome": "judging",
    "check": "judging",
    "evidence": "metric_sides",
    "run": "judging",
}


if not TYPE_CHECKING:  # a type checker that saw it would take every name of this package for one that is there

    def __getattr__(name: str) -> Any:
        if name in __all__:
            return getattr(import_module(f"ganbench.testing.{_ELSEWHERE.get(name, 'kit')}"), name)
        raise AttributeError(f"module 'ganbench.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

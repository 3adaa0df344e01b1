"""The conformance kit: holds a component to its contract, and says in words what a user would see go wrong.

``ganbench plugins check PACKAGE`` runs it on all that a package registers. In an author's own tests::

    from ganbench.testing import Conformance
    from ganbench_rpgan.loss import RpGAN

    class TestRpGAN(Conformance):
        component = RpGAN

makes one test of each property. Importing this package imports no torch.
"""

from ganbench.testing.conformance import Conformance
from ganbench.testing.kit import Check, Flaw, NotApplicable, Outcome, Subject, check, checks_of, run

__all__ = ["Check", "Conformance", "Flaw", "NotApplicable", "Outcome", "Subject", "check", "checks_of", "run"]

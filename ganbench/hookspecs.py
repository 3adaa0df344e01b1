"""The hooks a plugin may implement, and the marker it implements them with.

An entry point in the group ``ganbench`` names a module. That module is small, imports no torch, and registers
components by a ``"module:attribute"`` string that is imported only when the component is used::

    from ganbench import hookimpl

    @hookimpl
    def register_losses(register):
        register("rpgan", "ganbench_rpgan.loss:RpGAN", summary="Relativistic pairing GAN", paper="arXiv:1807.00734")
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    import click

GROUP = "ganbench"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


class Register(Protocol):
    """The callable a registration hook receives."""

    def __call__(self, name: str, target: str, *, summary: str = "", paper: str = "", argument: str = "") -> None:
        """Register one component.

        Args:
            name: what users type, e.g. ``"rpgan"``: lower-case letters, digits, ``-``, ``.`` and ``_``.
            target: ``"package.module:Class"``, imported when the component is first used.
            summary: one line for ``ganbench list``.
            paper: where it comes from, e.g. ``"arXiv:1807.00734"``.
            argument: the parameter that takes what follows a colon, as ``path`` in ``folder:PATH``.
        """


@hookspec
def register_losses(register: Register) -> None:
    """Register losses: subclasses of :class:`ganbench.api.Loss`."""


@hookspec
def register_penalties(register: Register) -> None:
    """Register penalties: subclasses of :class:`ganbench.api.Penalty`, :class:`ganbench.api.GeneratorPenalty` or
    :class:`ganbench.api.FeaturePenalty`."""


@hookspec
def register_augmentations(register: Register) -> None:
    """Register augmentations: subclasses of :class:`ganbench.api.Augmentation`, named by a recipe's ``augment``."""


@hookspec
def register_architectures(register: Register) -> None:
    """Register architectures: subclasses of :class:`ganbench.api.Architecture`."""


@hookspec
def register_datasets(register: Register) -> None:
    """Register datasets: subclasses of :class:`ganbench.api.Dataset`."""


@hookspec
def register_metrics(register: Register) -> None:
    """Register metrics: subclasses of :class:`ganbench.api.Metric`."""


@hookspec
def register_extractors(register: Register) -> None:
    """Register extractors: subclasses of :class:`ganbench.api.Extractor`."""


@hookspec
def register_executors(register: Register) -> None:
    """Register executors: subclasses of :class:`ganbench.executors.Executor`."""


@hookspec
def register_trackers(register: Register) -> None:
    """Register trackers: subclasses of :class:`ganbench.trackers.Tracker`, chosen with ``--tracker``."""


@hookspec
def register_commands(cli: "click.Group") -> None:
    """Add commands to the ``ganbench`` command line; ``cli`` is an empty group that takes this plugin's."""


@hookspec
def trial_started(trial_id: str, spec: Mapping[str, Any]) -> None:
    """Called on the host when a trial has been dispatched. ``spec`` is its resolved specification."""


@hookspec
def trial_finished(trial_id: str, spec: Mapping[str, Any], status: str, result: Mapping[str, Any]) -> None:
    """Called on the host when a trial has ended, however it ended. ``result`` may be empty."""

"""What the two players minimise: losses, and the penalties that join them."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Protocol

import torch
from torch import Tensor, nn

from ganbench.api.data import Kind

Constrained = Literal["gradient", "weights", "outputs"]


class Discriminator(Protocol):
    """What a penalty gets of the discriminator: samples (N, ...) to raw outputs of shape (N,), and its weights.

    It need not be a module: under class labels, or where seeds are trained together, there is no module of one
    discriminator that takes samples alone. The weights are those of its module by name, shape and order, and gradients
    reach them.
    """

    def __call__(self, x: Tensor) -> Tensor: ...

    def parameters(self) -> Iterator[Tensor]: ...

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]: ...


class Penalty:
    """A term added to the discriminator's objective, or a projection of its weights after each update.

    Attributes:
        constrains: what it acts on: ``gradient``, ``weights`` or ``outputs``. A loss that carries a penalty on the
            gradient or the weights refuses another on either of them, and any other word is refused while planning.
        differentiable: whether calling it adds a term; if not, only :meth:`project` is used.
        double_backward: whether it differentiates the discriminator twice; such a penalty is not meaningful on a
            discriminator with batch normalisation, where one sample's gradient depends on its neighbours.
        of_outputs: whether it looks at the raw outputs alone. It is then given those that the loss is computed from,
            through :meth:`on_outputs`, and the discriminator need not be run again.
        kinds: the kinds of samples it understands.
        formula: the term in words, for ``ganbench show``, with D = the discriminator and r, f = raw outputs.
    """

    constrains: ClassVar[Constrained] = "gradient"
    differentiable: ClassVar[bool] = True
    double_backward: ClassVar[bool] = True
    of_outputs: ClassVar[bool] = False
    kinds: ClassVar[tuple[Kind, ...]] = ("image", "vector")
    formula: ClassVar[str] = ""

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the penalty as a scalar.

        Args:
            discriminator: maps samples to raw outputs of shape (N,), and has ``parameters()`` and
                ``named_parameters()``; nothing else of a module may be used. Under a conditional discriminator the
                i-th sample it is called with has the label of the i-th pair of real and fake.
            real: real samples (N, ...), in the range the networks see ([-1, 1] for images).
            fake: generated samples of the same shape, detached from the generator.
            rng: the trial's own stream for penalties, on the device of the samples.
        """
        raise NotImplementedError

    def on_outputs(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the penalty as a scalar from raw outputs of shape (N,); for those that are ``of_outputs``."""
        raise NotImplementedError

    def project(self, discriminator: nn.Module) -> None:
        """Change the weights in place after each discriminator update. Nothing by default."""

    def state_dict(self) -> dict[str, Any]:
        """What it remembers from one update to the next: tensors, numbers and text. Nothing by default.

        It goes into a trial's checkpoint, so that a resumed trial is the one that was interrupted.
        """
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken; tensors arrive on the CPU."""


class Loss:
    """Maps raw discriminator outputs of shape (N,) to the two players' objectives, both minimised.

    It has nothing to learn: only the two networks are trained, and a loss has no part in a checkpoint.

    Attributes:
        formula: the two objectives in words, ``(discriminator, generator)``, with r, f = raw outputs on real, fake.
        recommends: recipe settings of its paper, applied under ``--protocol paper``.
        needs_real: whether the generator's objective looks at real samples; where false, ``real`` may be ``None``.
        smoothable: whether :meth:`discriminator` takes ``real_label`` and ``fake_label`` (label smoothing).
        penalty: the penalty the loss carries as part of its definition, or ``None``.
    """

    formula: ClassVar[tuple[str, str]] = ("", "")
    recommends: ClassVar[Mapping[str, Any]] = {}
    needs_real: ClassVar[bool] = False
    smoothable: ClassVar[bool] = False
    penalty: Penalty | None = None

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return what the discriminator minimises, a scalar."""
        raise NotImplementedError

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """Return what the generator minimises, a scalar."""
        raise NotImplementedError

"""What the two players minimise: losses, and the penalties that join either player's objective."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Protocol

import torch
from torch import Tensor, nn

from ganbench.api.data import Kind

Constrained = Literal["gradient", "weights", "outputs"]


class Discriminator(Protocol):
    """The discriminator as a penalty sees it: samples (N, ...) to raw outputs (N,), and its weights.

    It need not be a module: a conditional discriminator also takes labels, and seeds that are trained together share
    one batched module. The weights have the names, shapes and order of the module's own, and gradients reach them.
    """

    def __call__(self, x: Tensor) -> Tensor: ...

    def parameters(self) -> Iterator[Tensor]: ...

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]: ...


class Penalty:
    """A term added to the discriminator's objective, or a projection of its weights after each update.

    Attributes:
        constrains: what it acts on: ``gradient``, ``weights`` or ``outputs``; any other word is refused before
            anything trains. To a loss that carries a penalty on the gradient or the weights, no other penalty on
            either of them can be added.
        differentiable: whether calling it adds a term; if not, only :meth:`project` is used.
        double_backward: whether it differentiates the discriminator twice; such a penalty is not meaningful on a
            discriminator with batch normalisation, where one sample's gradient depends on its neighbours.
        of_outputs: whether it needs the raw outputs alone. Then :meth:`on_outputs` is called with those that the loss
            is computed from, and the discriminator need not run again.
        kinds: the kinds of samples it understands.
        formula: the term as text, for ``ganbench show``, with D = the discriminator and r, f = raw outputs.
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
        """Return the penalty as a scalar from raw outputs of shape (N,). Called where :attr:`of_outputs` is true."""
        raise NotImplementedError

    def project(self, discriminator: nn.Module) -> None:
        """Change the weights in place after each discriminator update. Nothing by default."""

    def state_dict(self) -> dict[str, Any]:
        """Return what it remembers from one update to the next: tensors, numbers and text. Nothing by default.

        It is saved in the trial's checkpoint, so that a resumed trial goes on exactly where it was interrupted.
        """
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned; tensors arrive on the CPU."""


class Generator(Protocol):
    """The generator as a penalty sees it: latent points (N, latent_dim) to samples (N, ...), and its weights.

    It need not be a module, like the :class:`Discriminator` of other penalties, and its weights are as theirs.
    """

    def __call__(self, z: Tensor, /) -> Tensor: ...

    def parameters(self) -> Iterator[Tensor]: ...

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]: ...


class GeneratorPenalty:
    """A term added to the generator's objective, in each of its updates.

    Attributes:
        kinds: the kinds of samples it understands.
        formula: the term as text, for ``ganbench show``, with G = the generator and z = latent points.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("image", "vector")
    formula: ClassVar[str] = ""

    def __call__(self, generator: Generator, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the penalty as a scalar.

        Args:
            generator: maps latent points to samples, and has ``parameters()`` and ``named_parameters()``; nothing else
                of a module may be used. A conditional generator gives the i-th point the label of the i-th fake. Each
                call counts as one of training, for the running statistics of its batch norms, too.
            z: the latent points (N, latent_dim) of this update. For a gradient by them, call the generator on
                ``z.detach().requires_grad_()``.
            fake: what the generator made of them (N, ...), in the range the networks have ([-1, 1] for images) and
                before any augmentation; gradients reach the weights through it.
            rng: the trial's own stream for penalties on the generator, on the device of the samples.
        """
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Return what it remembers from one update to the next; see :meth:`Penalty.state_dict`."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned; tensors arrive on the CPU."""


class FeaturePenalty(GeneratorPenalty):
    """A term of the generator's objective that compares what the discriminator makes of fakes and of real samples.

    Features are what a layer of the discriminator gets, by default that which makes its raw outputs
    (:meth:`Architecture.features`). A class implements :meth:`on_features`, which is used in place of a call.

    Attributes:
        kinds: the kinds of samples it understands.
        formula: the term as text, for ``ganbench show``, with h = features, x = real samples and y = fakes.
    """

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the penalty as a scalar.

        Args:
            real: features (N, F) of real samples, in float32 (float64 where the discriminator computes in it), with no
                gradient. They are samples of their own, as many as there are fakes, and augmented as the discriminator
                sees them.
            fake: features (N, F) of the fakes of this update, likewise; gradients reach the generator through them.
                Under a discriminator that judges samples in groups, N is the number of groups.
        """
        raise NotImplementedError


class Loss:
    """Maps raw discriminator outputs of shape (N,) to the two players' objectives, both minimised.

    A loss has no weights and no memory: only the two networks are trained, and checkpoints hold nothing of it.

    Attributes:
        formula: the two objectives as text, ``(discriminator, generator)``, with r, f = raw outputs on real, fake.
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

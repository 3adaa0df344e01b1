"""What can be seen of a component from outside: declarations, shapes, outputs, gradients, scores.

Each function yields looks at one subject: first at what it declares, then at what it does, cheap ones first. There are
the same looks for any parameters, so that subjects can be compared look by look. :func:`look` takes one.
"""

import inspect
import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ganbench.api import Architecture, Augmentation, GeneratorPenalty, Loss, Metric, Penalty
from ganbench.evaluation.isolation import own_global_stream
from ganbench.testing import (
    architecture_networks,
    augmentation_images,
    loss_outputs,
    metric_sides,
    penalty_critics,
    penalty_generators,
)
from ganbench.testing.kit import Subject
from ganbench.testing.trial_streams import stream

Look = Callable[[], Any]

SCALES = (1.0, 0.1, 10.0, 50.0)
"""Scales of outputs, samples and weights: some parameters act only beyond a bound, or below one."""
UPDATES = 4
"""Updates of a discriminator: what a penalty remembers shows only in later ones."""
COUNTS = (10, 100, 1000, 10_000)
NO_TRAITS = ("formula", "penalty")
"""Left out: other checks compare a formula with the code, and a penalty is looked at by itself."""


def look(one: Look) -> Any:
    """What is seen, in a form in which equal things compare equal; ``None`` if nothing can be seen."""
    try:
        return _comparable(one())
    except Exception:  # whatever a component objects to: a size, a number of samples, a device without data
        return None


def attempt(subject: Subject) -> None:
    """Do once what every trial does with a loss or with networks; raises what that raises.

    Nothing can be seen of what fails, so that no difference shows either.
    """
    if subject.kind == "loss":
        for player in loss_outputs.PLAYERS:
            _objective(subject, player, SCALES[0])
    elif subject.kind == "architecture":
        _at_work(subject, architecture_networks.typical(subject))


def of_loss(subject: Subject) -> Iterator[Look]:
    """Both objectives and their gradients, with smoothed labels too, and the penalty that it carries."""
    yield partial(_declared, subject, Loss)
    yield lambda: loss_outputs.build(subject).penalty is None
    for scale in SCALES:
        for player in loss_outputs.PLAYERS:
            yield partial(_objective, subject, player, scale)
        yield partial(_smoothed, subject, scale)
    yield from of_penalty(replace(subject, kind="penalty", factory=lambda: loss_outputs.build(subject).penalty))


def of_penalty(subject: Subject) -> Iterator[Look]:
    """Values, gradients and weights of the player over some updates, for points and images of many sizes."""
    of_generator = inspect.isclass(subject.cls) and issubclass(subject.cls, GeneratorPenalty)
    yield partial(_declared, subject, GeneratorPenalty if of_generator else Penalty)
    for scale in SCALES:
        for shape in (penalty_critics.POINT, penalty_critics.IMAGE):
            yield partial(_generator_updates if of_generator else _updates, subject, shape, scale)


def of_augmentation(subject: Subject) -> Iterator[Look]:
    """Images of each shape and several draws."""
    yield partial(_declared, subject, Augmentation)
    for shape in augmentation_images.shapes_of(subject):
        for seed in range(augmentation_images.STREAMS):
            yield partial(_images, subject, shape, seed)


def of_architecture(subject: Subject) -> Iterator[Look]:
    """Shapes of weights at every size; initial weights, outputs, gradients and buffers at small ones."""
    yield partial(_declared, subject, Architecture)
    shapes = architecture_networks.sample_shapes(subject)
    for shape in reversed({shape[1:]: shape for shape in shapes}.values()):  # in large ones most parameters show
        yield partial(_weight_shapes, subject, shape)
    for shape in dict.fromkeys((architecture_networks.typical(subject), *shapes[:1])):
        yield partial(_at_work, subject, shape)


def of_metric(subject: Subject) -> Iterator[Look]:
    """What it says of numbers of samples, and the scores of good samples and of worse ones."""
    yield partial(_declared, subject, Metric)
    yield partial(_judged, subject)
    yield partial(_scores, subject)
    for what in metric_sides.DEGRADATIONS:
        for severity in (0.25, 0.5):
            yield partial(_scores, subject, what, severity)


OBSERVE: dict[str, Callable[[Subject], Iterator[Look]]] = {
    "loss": of_loss,
    "penalty": of_penalty,
    "augmentation": of_augmentation,
    "architecture": of_architecture,
    "metric": of_metric,
}


def _declared(subject: Subject, contract: type) -> Any:
    """What an instance declares of itself, in the contract's words."""
    component = subject.build()
    names = (name for name in dir(contract) if not name.startswith("_") and name not in NO_TRAITS)
    return [(name, getattr(component, name)) for name in names if not callable(getattr(contract, name))]


def _objective(subject: Subject, player: str, scale: float) -> Any:
    real, fake = loss_outputs.outputs(32, 32, scale=scale)
    value = loss_outputs.objective(loss_outputs.build(subject), player, real, fake)
    return value, loss_outputs.gradients(value, real, fake)


def _smoothed(subject: Subject, scale: float) -> Any:
    loss: Any = loss_outputs.build(subject)
    real, fake = loss_outputs.outputs(32, 32, scale=scale)
    return loss.discriminator(real, fake, real_label=0.9, fake_label=0.1) if loss.smoothable else None


def _updates(subject: Subject, shape: tuple[int, ...], scale: float) -> Any:
    penalty, critic = penalty_critics.build(subject), penalty_critics.small_critic(math.prod(shape))
    weights = [*critic.parameters()]
    with torch.no_grad():
        for weight in weights:
            weight.mul_(scale)
    seen: list[Any] = []
    for number in range(UPDATES):
        value = penalty_critics.at_update(penalty, critic, number, shape=shape, scale=scale)
        seen += [value.detach().clone(), loss_outputs.gradients(value, *weights)]
        penalty.project(critic)
        seen += [weight.detach().clone() for weight in weights]
    return seen


def _generator_updates(subject: Subject, shape: tuple[int, ...], scale: float) -> Any:
    penalty, generator = penalty_generators.build(subject), penalty_generators.small_generator(shape)
    weights = [*generator.parameters()]
    with torch.no_grad():
        for weight in weights:
            weight.mul_(scale)
    seen: list[Any] = []
    for number in range(UPDATES):
        value = penalty_generators.term(penalty, generator, penalty_generators.latent_points(4, seed=number), number)
        seen += [value.detach().clone(), loss_outputs.gradients(value, *weights)]
    return seen


def _images(subject: Subject, shape: tuple[int, ...], seed: int) -> Any:
    return augmentation_images.build(subject)(augmentation_images.images(4, shape), stream(seed))


def _weight_shapes(subject: Subject, shape: tuple[int, ...]) -> Any:
    with torch.device("meta"):  # no data: large networks are made at once
        pair = architecture_networks.networks(subject, shape)
    return [[(name, tuple(value.shape)) for name, value in one.state_dict().items()] for one in pair]


def _at_work(subject: Subject, shape: tuple[int, ...]) -> Any:
    seen: list[Any] = []
    for _, network, x in architecture_networks.with_inputs(subject, 8, shape):
        seen.append(deepcopy(network.state_dict()))
        network = architecture_networks.perturbed(network, architecture_networks.BEYOND_ZERO)
        with own_global_stream(0, metric_sides.CPU):
            y = network(x.requires_grad_())
            seen += [y, torch.autograd.grad(y.square().sum(), [x, *network.parameters()], allow_unused=True)]
            seen += [deepcopy(network.state_dict()), network.eval()(x)]
    return seen


def _judged(subject: Subject) -> Any:
    metric, dimension = metric_sides.build(subject), metric_sides.shown(subject).dimension
    found = []
    for fakes in COUNTS:
        for real in COUNTS:
            try:
                said = metric.check(fakes=fakes, reference=real, dimension=dimension, classes=10)
            except ValueError:
                found.append("refused")
            else:
                found.append("warned" if said else "fine")
    return found


def _scores(subject: Subject, what: str = "", severity: float = 0.0) -> Any:
    sides = metric_sides.shown(subject)
    return metric_sides.compute(
        sides.metric, sides.degraded(what, severity) if what else sides.fakes(), sides.reference()
    )


def _comparable(seen: Any) -> Any:
    """Nested tuples of text: a tensor by its bytes, a number by its digits, so that NaN is NaN."""
    if isinstance(seen, Tensor):
        return tuple(seen.shape), seen.detach().cpu().double().numpy().tobytes()
    if isinstance(seen, dict):
        return tuple((name, _comparable(value)) for name, value in seen.items())
    if isinstance(seen, list | tuple):
        return tuple(map(_comparable, seen))
    return repr(seen)

"""What an architecture must do: networks of the declared shapes and range that train, save, load and move.

``expected`` may hold ``latent_dim`` (16 by default), ``channels`` ((1, 3) by default), and ``noise`` (true for a
generator that draws noise in eval mode, too).
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from ganbench import components
from ganbench.api import Networks
from ganbench.components import kinds_of
from ganbench.errors import GanbenchError, UsageError, in_one_line
from ganbench.evaluation.isolation import own_global_stream
from ganbench.parameters import merge
from ganbench.testing.architecture_features import features
from ganbench.testing.architecture_groups_and_labels import classes, labels, packing
from ganbench.testing.architecture_networks import (
    BEYOND_ZERO,
    CLASSES,
    CPU,
    build,
    latent_dim,
    latents,
    networks,
    other_shapes,
    perturbed,
    sample_shapes,
    typical,
    with_inputs,
)
from ganbench.testing.architecture_training import (
    any_batch,
    apart,
    batch_dependence,
    double_backward,
    evaluation,
    half_precision,
    inputs,
    learning,
    randomness,
    raw_outputs,
    resuming,
    spectral_norm,
)
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.other_device import left_behind
from ganbench.testing.used_parameters import used_parameters

TRACERS: dict[str, Callable[[nn.Module, Tensor], Any]] = {
    "torch.export": lambda network, x: torch.export.export(network, (x,)).module(),
    "torch.compile": lambda network, x: torch.compile(network, backend="eager", fullgraph=True),
}


def shapes(subject: Subject) -> str:
    """Samples have the declared shape and outputs are (N,), at every declared size and channel count."""
    architecture = build(subject)
    try:
        kinds_of("it", architecture.kinds)
    except UsageError as error:
        raise Flaw(f"{error}; no dataset could be chosen for it") from error
    tried = sample_shapes(subject)
    if not tried:
        raise Flaw(f"sizes {architecture.sizes} contains no side that can be tried; every dataset would be refused")
    others = other_shapes(subject)
    for shape in [*tried, *others]:
        try:
            generator, discriminator = networks(subject, shape)
        except (ValueError, GanbenchError):
            if shape not in others:
                raise
            continue  # it refuses such shapes itself, and a run says so
        with torch.no_grad():
            fakes = generator(latents(subject, 2))
            if fakes.shape != (2, *shape):
                hint = "; let build() raise a ValueError for shapes that it does not make" if shape in others else ""
                raise Flaw(
                    f"the generator for samples {shape} returns {tuple(fakes.shape[1:])}; the discriminator would be "
                    f"shown other shapes for real and fake, or the evaluation would refuse them{hint}"
                )
            for n in (2, 1):
                # A batch norm after a dense layer has no statistics of one sample, and is no mistake.
                discriminator.train(n > 1)
                found = tuple(discriminator(fakes[:n]).shape)
                if found != (n,):
                    hint = "; a bare .squeeze() drops the batch of one" if found == () else ""
                    raise Flaw(
                        f"the discriminator returns shape {found} for {n} samples {shape}, not ({n},); a loss that "
                        f"compares real with fake would silently broadcast such outputs to N x N{hint}"
                    )
    return f"tried {', '.join('x'.join(map(str, shape)) for shape in tried)}"


def value_range(subject: Subject) -> None:
    """Images lie in [-1, 1], whatever z is."""
    shape = typical(subject)
    if len(shape) != 3:
        raise NotApplicable("vectors have no range")
    generator = networks(subject, shape).generator
    with torch.no_grad():
        for scale in (1.0, 100.0):
            fakes = perturbed(generator, 0.5 if scale > 1 else BEYOND_ZERO)(scale * latents(subject, 4))
            low, high = float(fakes.min()), float(fakes.max())
            if not (low >= -1 and high <= 1):
                raise Flaw(
                    f"the generator returns values from {low:.3g} to {high:.3g}, but images are in [-1, 1]; the "
                    "evaluation would clamp them, and score other pictures than the discriminator saw"
                )
            if scale == 1 and low >= 0:
                raise Flaw(
                    "the generator returns no value below 0 (a sigmoid?), but images are in [-1, 1], where black is -1"
                )


def parameter_count(subject: Subject) -> str:
    """Every build has the same parameters."""
    shape = typical(subject)
    first, second = networks(subject, shape), networks(subject, shape, seed=1)
    counts = []
    for role, one, two in zip(Networks._fields, first, second, strict=True):
        a, b = ({name: tuple(value.shape) for name, value in each.state_dict().items()} for each in (one, two))
        if a != b:
            raise Flaw(f"the {role} has other parameters when built again; a trial could not be resumed")
        counts.append(f"{sum(value.numel() for value in one.parameters()):,} in the {role}")
    return f"{' and '.join(counts)} for {'x'.join(map(str, shape))}"


def initialisation(subject: Subject) -> None:
    """Initial weights come from torch's seed, and from nothing else."""
    shape = typical(subject)
    with own_global_stream(1, CPU):  # numpy's and Python's, too; networks() seeds torch's itself
        first = networks(subject, shape)
    with own_global_stream(2, CPU):
        second, other = networks(subject, shape), networks(subject, shape, seed=1)
    for role, one, two, three in zip(Networks._fields, first, second, other, strict=True):
        a, b, c = one.state_dict(), two.state_dict(), three.state_dict()
        differing = [name for name in a if not torch.equal(a[name], b[name])]
        if differing:
            raise Flaw(
                f"the {role}'s initial {differing[0]} differs for the same seed (drawn from numpy, from random, "
                "or from a stream of its own?); the same trial would give another score"
            )
        if all(torch.equal(a[name], c[name]) for name in a):
            raise Flaw(f"the {role} starts with the same weights for every seed; --seeds 5 would repeat one trial")


def state_dict(subject: Subject) -> None:
    """Saved and loaded, a network is the same function."""
    others = networks(subject, typical(subject), seed=1)
    for (role, one, x), two in zip(with_inputs(subject, 4), others, strict=True):
        one(x)  # running statistics and estimates move
        tensors = {name: value.detach().clone().contiguous() for name, value in one.state_dict().items()}
        try:
            data = safetensors.torch.save(tensors)  # as a trial does: tied weights have copies
        except Exception as error:
            raise Flaw(
                f"the {role} cannot be saved as safetensors ({in_one_line(error, 160)}); the trial would fail at its "
                "end"
            ) from error
        two.load_state_dict(safetensors.torch.load(data))
        with torch.no_grad():
            outputs = []
            for network in (one.eval(), two.eval()):
                with own_global_stream(1, CPU):  # a generator may draw noise
                    outputs.append(network(x))
            if not torch.equal(*outputs):
                raise Flaw(
                    f"the {role} loaded from its saved weights gives other outputs, because part of its state "
                    "is not saved (use register_buffer); a resumed trial would continue with another network"
                )


def moves(subject: Subject) -> None:
    """All of a network moves to another device or type."""
    for role, one, x in with_inputs(subject, 4):
        if said := left_behind(one, x):
            raise Flaw(
                f"the {role} cannot run on another device ({said}): one of its tensors is neither a parameter "
                "nor a buffer (use register_buffer); --device cuda would fail"
            )
        double = deepcopy(one).double()
        try:
            found = double(x.double())
        except RuntimeError as error:
            raise Flaw(
                f"the {role} cannot run in float64 ({in_one_line(error, 160)}): one of its tensors "
                "keeps its own type; precision settings would fail"
            ) from error
        if found.dtype != torch.float64:
            raise Flaw(f"the {role} in float64 returns {found.dtype}: it casts inside and silently loses precision")


def settling(subject: Subject) -> None:
    """settle() neither adds nor drops parameters, and settling twice changes nothing."""
    merged = merge("architecture", subject.name, subject.cls, dict(subject.parameters))
    for penalised, clipped in ((False, False), (True, False), (False, True), (True, True)):
        context = {"gradient_penalty": penalised, "weight_clipping": clipped}
        settled = subject.cls.settle(dict(merged), **context)
        if not isinstance(settled, dict) or set(settled) != set(merged):
            raise Flaw("settle() adds or drops parameters; what is recorded could not be built again")
        if subject.cls.settle(dict(settled), **context) != settled:
            raise Flaw("settle() changes what it has settled; planned and trained networks would differ")
        components.build("architecture", subject.name, subject.cls, settled)


def refusals(subject: Subject) -> None:
    """A shape beyond the declared ones is refused in one line, or built."""
    architecture = build(subject)
    if "image" not in architecture.kinds:
        shape: tuple[int, ...] = (1, 16, 16)
    elif "vector" not in architecture.kinds:
        shape = (2,)
    else:
        raise NotApplicable("it makes images and vectors")
    try:
        architecture.networks(shape, latent_dim(subject), CLASSES)
    except ValueError:
        return
    except Exception as error:
        raise Flaw(
            f"build() on samples {shape}, which it does not make, raises {type(error).__name__}; it must raise "
            "a ValueError with one clear line, or a user would see a traceback"
        ) from error


def export(subject: Subject) -> str:
    """Whether torch.compile traces the networks whole and torch.export exports them; for information."""
    notes = []
    for role, one, x in with_inputs(subject, 4):
        works = [what for what, trace in TRACERS.items() if _traces(trace, one.eval(), x)]
        notes.append(f"the {role} with {' and '.join(works) if works else 'neither torch.export nor torch.compile'}")
    return f"works: {', '.join(notes)}"


CHECKS = (
    used_parameters,
    shapes,
    any_batch,
    apart,
    value_range,
    raw_outputs,
    inputs,
    parameter_count,
    initialisation,
    randomness,
    state_dict,
    resuming,
    moves,
    learning,
    double_backward,
    batch_dependence,
    spectral_norm,
    packing,
    labels,
    classes,
    features,
    evaluation,
    half_precision,
    settling,
    refusals,
    export,
)


def _traces(trace: Callable[[nn.Module, Tensor], Any], network: nn.Module, x: Tensor) -> bool:
    """Whether a traced network computes what the network computes."""
    try:
        with torch.no_grad():
            return torch.allclose(trace(network, x)(x), network(x), rtol=1e-3, atol=1e-4)
    except Exception:  # whatever the tracer cannot follow
        return False
    finally:
        torch._dynamo.reset()

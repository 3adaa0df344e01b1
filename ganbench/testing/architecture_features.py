"""Which layer of the discriminator an architecture names for penalties on features."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.api import Architecture
from ganbench.errors import in_one_line, with_kind
from ganbench.evaluation.isolation import own_global_stream
from ganbench.testing.architecture_networks import CLASSES, CPU, build, latent_dim, noise, sample_shapes, typical
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.used_parameters import variants

REFUSED = "every run with a penalty on features would be refused"


def features(subject: Subject) -> None:
    """features() names a layer of the discriminator that a pass calls once, with a row for each raw output."""
    own = type(build(subject)).features is not Architecture.features
    for where, one in _forms(subject):
        shapes = sample_shapes(one)
        for shape in dict.fromkeys((typical(one), shapes[0], shapes[-1])):
            try:
                architecture, discriminator = _built(one, shape)
            except Exception:
                if one is subject:
                    raise
                continue  # samples that it does not make in this form
            try:
                _require_passes(architecture, discriminator, _layer(architecture, discriminator), shape)
            except NotApplicable as reason:
                raise NotApplicable(f"{where}{reason}; {REFUSED} with this line") from reason
            except Flaw as flaw:
                # Most architectures have no thought for such penalties, and need none.
                kind = Flaw if own else NotApplicable
                raise kind(f"{where}{flaw}") from flaw


def _forms(subject: Subject) -> Iterator[tuple[str, Subject]]:
    """The subject as it is, and once for each other way to be called (conditional, packed) that a parameter gives it;
    each with what to say of it."""
    found = {_way(subject)}
    yield "", subject
    for which, other in variants(subject):
        if (way := _way(other)) not in found:
            found.add(way)
            yield f"with {which}: ", other


def _way(subject: Subject) -> tuple[str, bool]:
    architecture = build(subject)
    return architecture.conditioning, architecture.pack > 1


def _built(subject: Subject, shape: tuple[int, ...]) -> tuple[Architecture, nn.Module]:
    """An architecture and a discriminator of it, which is not the last that it has built."""
    torch.manual_seed(0)
    architecture = build(subject)
    first, _ = (architecture.networks(shape, latent_dim(subject), CLASSES) for _ in range(2))
    return architecture, first.discriminator


def _layer(architecture: Architecture, discriminator: nn.Module) -> nn.Module:
    """The layer, asked for twice: one of the discriminator, which is as it was.

    Raises:
        Flaw: it is none, or another one each time, or the discriminator is not as it was.
        NotApplicable: the architecture says that there is none.
    """
    before = _portrait(discriminator)
    layer, again = (_asked(architecture, discriminator, seed) for seed in (1, 2))
    if not isinstance(layer, nn.Module):
        raise Flaw(
            f"features() returns a {type(layer).__name__}, not a layer (nn.Module) of the discriminator; {REFUSED}"
        )
    if all(layer is not one for one in discriminator.modules()):
        raise Flaw(
            f"features() returns a layer ({type(layer).__name__}) that is not in the discriminator it is given (made "
            f"anew, or kept from another build()?); return one of discriminator.modules(), or {REFUSED}"
        )
    if again is not layer:
        raise Flaw(
            "features() returns another layer when it is called again; a resumed trial would compare other features"
        )
    after = _portrait(discriminator)
    changed = [name for name in {**before, **after} if not _same(before.get(name), after.get(name))]
    if changed:
        raise Flaw(
            f"features() changes the discriminator ({', '.join(changed[:3])}); it must find the layer and leave the "
            "network as it is, or adding a penalty on features would change what is trained"
        )
    return layer


def _asked(architecture: Architecture, discriminator: nn.Module, seed: int) -> object:
    """What features() returns, among random streams of a seed."""
    with own_global_stream(seed, CPU):
        state = torch.get_rng_state()
        try:
            layer: object = architecture.features(discriminator)
        except ValueError as refusal:
            raise NotApplicable(in_one_line(refusal)) from refusal
        except Exception as error:
            raise Flaw(f"features() fails ({with_kind(error, 160)}); {REFUSED}") from error
        if not torch.equal(torch.get_rng_state(), state):
            raise Flaw(
                "features() draws random numbers or seeds torch; adding a penalty on features would change what "
                "other layers draw"
            )
    return layer


def _require_passes(
    architecture: Architecture, discriminator: nn.Module, layer: nn.Module, shape: tuple[int, ...]
) -> None:
    """Refuse a layer that does not get features of samples in each pass, as training makes them."""
    # Imported here: most checks need nothing of the training loop.
    from ganbench.training.conditional import judge

    for n, learning in ((4, True), (3, False)):
        x = noise(n * architecture.pack, shape).requires_grad_(learning)
        labels = torch.arange(len(x)) % CLASSES if architecture.conditioning != "none" else None
        judge(discriminator, x, labels, architecture.conditioning)  # what fails here has nothing to do with the layer
        got: list[Any] = []
        watch = layer.register_forward_pre_hook(_noting(got), with_kwargs=True)
        try:
            with torch.set_grad_enabled(learning):
                found: Any = judge(discriminator, x, labels, architecture.conditioning, layer)
        except (TypeError, RuntimeError) as error:  # the words of ganbench.training.features
            raise Flaw(f"{in_one_line(error)}; {REFUSED}") from error
        finally:
            watch.remove()
        if len(found.features) != len(found.raw):
            raise Flaw(
                f"the layer whose input are the features gets shape {tuple(found.features.shape)} for {len(found.raw)} "
                "raw outputs; let features() of the architecture return one that gets one row for each, or "
                f"{REFUSED}"
            )
        if not bool(found.features.isfinite().all()):
            raise Flaw(f"the features are not finite on random samples; let features() return another layer; {REFUSED}")
        if not torch.equal(found.features, got[0].reshape(found.features.shape)):
            raise Flaw(
                "what the layer gets is changed in place after that (inplace=True, or a method such as add_?), so that "
                "a penalty on features would compare something else; leave out inplace there, or let features() "
                "return another layer"
            )
        if learning and not _depend(found.features, x):
            raise Flaw(
                "the features do not depend on the samples (a table of labels, or a detach() or no_grad() before the "
                f"layer?), so the generator could not learn from them; let features() return another layer, or "
                f"{REFUSED}"
            )


def _noting(got: list[Any]) -> Callable[[nn.Module, tuple[Any, ...], dict[str, Any]], None]:
    """A hook that keeps a copy of the first thing that a layer gets."""

    def note(layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        first = next(iter((*given, *named.values())), None)
        got.append(first.detach().clone() if isinstance(first, Tensor) else first)

    return note


def _depend(found: Tensor, x: Tensor) -> bool:
    """Whether a gradient flows from features to samples."""
    return found.requires_grad and torch.autograd.grad(found.sum(), x, allow_unused=True)[0] is not None


def _portrait(network: nn.Module) -> dict[str, object]:
    """All of a network that training depends on, by name."""
    tensors = {name: value.clone() for name, value in network.state_dict().items()}
    learning = {f"requires_grad of {name}": one.requires_grad for name, one in network.named_parameters()}
    hooks = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
    modules = {
        f"{name or 'itself'}: its class, mode, hooks": (
            id(one),
            type(one),
            one.training,
            *(len(getattr(one, each)) for each in hooks),
        )
        for name, one in network.named_modules()
    }
    return {**tensors, **learning, **modules}


def _same(one: object, other: object) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return torch.equal(one, other)
    return one == other

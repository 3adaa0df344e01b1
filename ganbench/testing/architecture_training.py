"""What training and scoring need of the networks of an architecture."""

from copy import deepcopy
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from ganbench.api import Networks
from ganbench.errors import in_one_line, with_kind
from ganbench.evaluation.isolation import own_global_stream
from ganbench.testing.architecture_networks import (
    BEYOND_ZERO,
    CLASSES,
    CPU,
    build,
    latent_dim,
    latents,
    networks,
    noise,
    perturbed,
    typical,
    with_inputs,
)
from ganbench.testing.kit import Flaw, NotApplicable, Subject

UNASKED = "(dropout or noise that ignores the mode); where noise is part of the model, say expected = {'noise': True}"
CALLS = 5
"""How often a network is called before its state is saved, and again after it is loaded."""


def raw_outputs(subject: Subject) -> None:
    """The discriminator's outputs are raw: nothing squashes them to [0, 1] or [-1, 1]."""
    shape = typical(subject)
    discriminator = networks(subject, shape, only_raw=True).discriminator
    with torch.no_grad():
        # Whatever the weights are: changed in opposite ways, on samples far apart.
        found = torch.cat([perturbed(discriminator, scale)(10 * noise(8, shape)) for scale in (0.5, -0.5)])
        # Normalised weights or batches keep outputs small, but not all of many, and not on samples of any size.
        far = torch.cat([perturbed(discriminator, scale)(1e4 * noise(32, shape)) for scale in (0.5, -0.5)])
    if bool(((found >= 0) & (found <= 1)).all()):
        raise Flaw(
            "every output of the discriminator is in [0, 1] (a sigmoid at its end?); a loss needs raw outputs "
            "and would squash them again, so that neither player could ever be sure"
        )
    if bool((far.abs() <= 1).all()):
        raise Flaw(
            "every output of the discriminator is in [-1, 1], whatever it is shown (a tanh at its end?); a "
            "loss needs raw outputs of any size"
        )


def apart(subject: Subject) -> None:
    """Networks are built in training mode, share no weights, and are new at each build."""
    architecture, shape = build(subject), typical(subject)
    built = [architecture.networks(shape, latent_dim(subject), CLASSES) for _ in range(2)]
    for role, network in zip(Networks._fields, built[0], strict=True):
        if not network.training:
            raise Flaw(
                f"build() returns the {role} in eval mode: it would train with dropout switched off and batch norm "
                "that never learns its statistics"
            )
    first, second = ([set(network.parameters()) for network in pair] for pair in built)
    if first[0] & first[1]:
        raise Flaw("generator and discriminator share weights: the optimisers of both players would change them")
    if (first[0] | first[1]) & (second[0] | second[1]):
        raise Flaw("build() returns the same networks again; a second trial would continue with those of the first")


def any_batch(subject: Subject) -> None:
    """Networks take a batch of any size."""
    shape = typical(subject)
    for role, network, x in with_inputs(subject, 7):
        for n in (7, 1):  # of one sample, batch norm has no statistics to train with
            network.train(n > 1)
            try:
                with torch.no_grad():
                    found = tuple(network(x[:n]).shape)
            except Exception as error:
                raise Flaw(
                    f"the {role} fails on a batch of {n} ({with_kind(error)}): must groups divide it? Any "
                    "--batch-size and --num-samples must work"
                ) from error
            wanted = (n, *shape) if role == "generator" else (n,)
            if found != wanted:
                raise Flaw(
                    f"the {role} returns shape {found} for a batch of {n}, not {wanted} (a squeeze() that drops the "
                    "batch of one?); a last batch could not be joined to the others"
                )


def inputs(subject: Subject) -> None:
    """Networks leave z and the samples they are given as they were."""
    for role, network, x in with_inputs(subject, 8):
        before = x.clone()
        with torch.no_grad():
            network(x)
        if not torch.equal(x, before):
            raise Flaw(
                f"the {role} changes its input in place (inplace=True in its first layer, or a method such as "
                "mul_?); a penalty or the other player would then see another tensor"
            )


def randomness(subject: Subject) -> None:
    """What a network draws while it trains comes from torch's seed, and from nothing else."""
    for role, network, x in with_inputs(subject, 8):
        found = []
        for seed in (1, 2):
            with own_global_stream(seed, CPU), torch.no_grad():  # numpy's and Python's, too
                torch.manual_seed(0)
                found.append(deepcopy(network)(x.clone()))
        if not torch.equal(*found):
            raise Flaw(
                f"the {role} in training gives another output for the same input and the same seed of torch "
                "(drawn from numpy, from random, or from the time?); the same trial would give another score, "
                "and could not be resumed"
            )


def resuming(subject: Subject) -> None:
    """A network that loads its saved state goes on training as if it had not stopped."""
    shape = typical(subject)
    for role, network, x in with_inputs(subject, 8):
        network = perturbed(network, BEYOND_ZERO)
        _called(network, x / 2, seed=1)
        resumed = getattr(networks(subject, shape, seed=1), role)
        resumed.load_state_dict(deepcopy(network.state_dict()))
        if not torch.equal(_called(network, x, seed=2), _called(resumed, x, seed=2)):
            raise Flaw(
                f"the {role} gives other outputs in training than a fresh one that has loaded its saved state: "
                "something that changes between calls is not saved (a counter in Python? use register_buffer); "
                "a trial could not be resumed"
            )


def learning(subject: Subject) -> None:
    """A gradient reaches every parameter of both networks."""
    shape = typical(subject)
    generator, discriminator = (perturbed(one, 0.1) for one in networks(subject, shape))
    z, real = latents(subject, 8), noise(8, shape)
    fakes = generator(z)
    r, f = discriminator(real), discriminator(fakes)
    weights = torch.linspace(0.5, 1.5, 8)
    ((r * weights).sum() - (f * weights.flip(0)).sum() + (f.square() * weights).sum()).backward()
    for role, network in zip(Networks._fields, (generator, discriminator), strict=True):
        dead = [
            name
            for name, parameter in network.named_parameters()
            if parameter.requires_grad and (parameter.grad is None or not bool(parameter.grad.abs().sum() > 0))
        ]
        if dead:
            raise Flaw(
                f"no gradient reaches the {role}'s "
                f"{', '.join(dead[:3])}{' and others' if len(dead) > 3 else ''}; it would keep its initial "
                "value, although it counts as a parameter"
            )
    if not bool(torch.isfinite(fakes).all() and torch.isfinite(f).all()):
        raise Flaw("outputs are not finite; the trial would diverge at its first step")


def double_backward(subject: Subject) -> None:
    """The discriminator can be differentiated twice if it says so."""
    architecture, shape = build(subject), typical(subject)
    if not architecture.double_backward:
        raise NotApplicable("it declares double_backward = False: gradient penalties are refused for it")
    discriminator = perturbed(networks(subject, shape).discriminator, 0.1)
    x = noise(4, shape).requires_grad_()
    try:
        (slopes,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
        slopes.flatten(1).norm(dim=1).sub(1).square().mean().backward()
    except RuntimeError as error:
        raise Flaw(
            f"the discriminator cannot be differentiated twice ({in_one_line(error, 160)}), but "
            "double_backward is True; every gradient penalty would fail at the first step"
        ) from error


def batch_dependence(subject: Subject) -> None:
    """``batch_norm_in_discriminator`` says whether one sample's output depends on its neighbours."""
    shape = typical(subject)
    discriminator = perturbed(networks(subject, shape).discriminator, BEYOND_ZERO)
    x, y = noise(4, shape), noise(4, shape, seed=9) * 0.2
    mixed = torch.cat([x[:1], y[1:]])
    with torch.no_grad():
        torch.manual_seed(0)
        alone = deepcopy(discriminator)(x)[0]
        torch.manual_seed(0)
        beside_others = deepcopy(discriminator)(mixed)[0]
    dependent = not torch.allclose(alone, beside_others, rtol=1e-3, atol=1e-5)
    declared = build(subject).batch_norm_in_discriminator
    if dependent and not declared:
        raise Flaw(
            "one sample's output depends on the others in its batch (batch norm, a minibatch statistic?), but "
            "batch_norm_in_discriminator is False; nothing would warn of a gradient penalty on it"
        )
    if declared and not dependent:
        raise Flaw(
            "batch_norm_in_discriminator is True, but no output depends on the other samples; every gradient "
            "penalty would be warned about for nothing"
        )


def spectral_norm(subject: Subject) -> None:
    """``spectral_norm_in_discriminator`` is true where the discriminator has spectral norm."""
    architecture, shape = build(subject), typical(subject)
    if architecture.spectral_norm_in_discriminator:
        return  # one of its own cannot be told from other layers
    discriminator = networks(subject, shape, only_raw=True).discriminator
    normed = [module for module in discriminator.modules() if _normed(module)]
    weights = [one for module in normed for one in module.parameters() if one.requires_grad]
    # An auxiliary classifier alone does not constrain the critic.
    if weights and not any(
        one is not None for one in torch.autograd.grad(discriminator(noise(4, shape)).sum(), weights, allow_unused=True)
    ):
        return
    if normed:
        raise Flaw(
            "the discriminator has spectral norm, but spectral_norm_in_discriminator is False; nothing would warn of "
            "a gradient penalty or of weight clipping on it, which constrain the critic a second time"
        )


def _normed(module: nn.Module) -> bool:
    """Whether a module is a spectral norm or has one, by its name: of torch, old and new, or of others."""
    parts = [module, *module._forward_pre_hooks.values()]
    if isinstance(module, nn.utils.parametrize.ParametrizationList):  # which holds the weight itself
        parts += module
    return any(type(one).__name__.endswith("SpectralNorm") for one in parts)


def evaluation(subject: Subject) -> None:
    """In eval mode a sample depends on its z alone, or on declared noise; different z give different samples."""
    shape = typical(subject)
    generator = perturbed(networks(subject, shape).generator, BEYOND_ZERO)
    with torch.no_grad():
        generator(latents(subject, 8, seed=2))
    generator.eval()

    def drawn(z: Tensor, seed: int = 1) -> Tensor:
        with own_global_stream(seed, CPU), torch.no_grad():
            return cast(Tensor, generator(z))

    z = latents(subject, 2 * CLASSES)  # if there are labels, sample CLASSES has the same one as sample 0
    together, noisy = drawn(z), bool(subject.expected.get("noise"))
    if not torch.allclose(together, drawn(z, seed=1 if noisy else 2)):
        raise Flaw(
            "in eval mode the same z gives another sample "
            + ("with the same seed, too; no score could be repeated" if noisy else UNASKED)
        )
    if torch.allclose(together, drawn(latents(subject, len(z), seed=5)), rtol=1e-6, atol=1e-8):
        raise Flaw("different z give the same sample: z is not used; every trial would show one picture")
    if noisy:
        return  # how much of it is drawn depends on how many samples are
    close = partial(torch.allclose, rtol=1e-3, atol=1e-4)
    in_parts = torch.cat([drawn(part) for part in torch.split(z, CLASSES)])
    if not (close(together[CLASSES], drawn(z[CLASSES : CLASSES + 1])[0]) and close(together, in_parts)):
        raise Flaw(
            "in eval mode a sample depends on the others in its batch, or is not at the place of its z; the scores "
            "would depend on how many samples are generated at a time"
        )


def half_precision(subject: Subject) -> None:
    """Both networks run under bfloat16 autocast."""
    shape = typical(subject)
    generator, discriminator = networks(subject, shape)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        fakes = generator(latents(subject, 4))
        found = discriminator(fakes)
    if not bool(torch.isfinite(fakes).all() and torch.isfinite(found).all()):
        raise Flaw("outputs are not finite under bfloat16; precision=bfloat16 would end as diverged")


def _called(network: nn.Module, x: Tensor, *, seed: int) -> Tensor:
    """The outputs of :data:`CALLS` calls in training, one after the other."""
    with own_global_stream(seed, CPU), torch.no_grad():
        return torch.stack([network(x.clone()) for _ in range(CALLS)])

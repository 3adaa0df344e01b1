"""What an augmentation must do: images in, images out, each by a draw of its own, with a gradient that passes.

``expected`` may hold ``shapes``, the (C, H, W) that it is tried on.
"""

import math
from typing import Any

import torch
from torch import Tensor

from ganbench.errors import in_one_line
from ganbench.testing.augmentation_images import STREAMS, build, images, shapes_of
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.other_device import fails_elsewhere
from ganbench.testing.trial_streams import UNUSUAL, drawn_from_a_stream, stream
from ganbench.testing.used_parameters import used_parameters

TYPES = (torch.float32, torch.float64, torch.bfloat16)


def largest(subject: Subject) -> tuple[int, ...]:
    """The tried shape with most to transform."""
    return max(shapes_of(subject), key=math.prod)


def require_draws(subject: Subject) -> None:
    """Leave a check of draws out where nothing is drawn."""
    augmentation, rng = build(subject), stream()
    before = rng.get_state()
    augmentation(images(4, largest(subject)), rng)
    if torch.equal(rng.get_state(), before):
        raise NotApplicable("it draws nothing from the stream it is given")


def shape(subject: Subject) -> str:
    """Images come out in the shape and type in which they went in, at any batch size."""
    augmentation = build(subject)
    for size in shapes_of(subject):
        for n in (1, 2, 7):
            found: Any = augmentation(images(n, size, dtype=torch.float32), stream())
            if not isinstance(found, Tensor) or found.shape != (n, *size):
                what = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"
                raise Flaw(
                    f"it makes {what} of images {(n, *size)}; the discriminator is built for the shape of the "
                    "data, so its first update would fail"
                )
        for dtype in TYPES:
            found = augmentation(images(2, size, dtype=dtype), stream())
            if found.dtype != dtype:
                raise Flaw(
                    f"it makes {found.dtype} of {dtype} images; the type must stay the same, or --set "
                    "precision=bfloat16 would train in another precision than it says"
                )
    return f"tried {', '.join('x'.join(map(str, size)) for size in shapes_of(subject))}"


def gradient(subject: Subject) -> None:
    """The generator's gradient passes through it, and is the derivative of the transformed images."""
    augmentation, size = build(subject), largest(subject)
    x = images(6, size).requires_grad_()
    weights = images(6, size, seed=2)
    y = augmentation(x, stream())
    if not y.requires_grad:
        raise Flaw(
            "no gradient passes through it (a detach(), no_grad() or a conversion to numpy or uint8?); the "
            "generator would learn nothing"
        )
    (slopes,) = torch.autograd.grad((y * weights).sum(), x, allow_unused=True)
    if slopes is None or not bool((slopes.flatten(1).abs().sum(1) > 0).all()):
        raise Flaw(
            "images get no gradient through it (rounding, thresholding, or blanking of a whole image?); the "
            "generator would not learn from them"
        )
    step = 1e-5
    for seed in range(3):
        direction = images(6, size, seed=20 + seed)
        with torch.no_grad():
            above, below = (augmentation(x + sign * step * direction, stream()) for sign in (1, -1))
        wanted = float(((above - below) * weights).sum()) / (2 * step)
        found = float((slopes * direction).sum())
        if not math.isclose(found, wanted, rel_tol=1e-4, abs_tol=1e-4 * (1 + float(slopes.abs().max()))):
            raise Flaw(
                f"its gradient is not the derivative of its result ({found:.4g} against {wanted:.4g} by finite "
                "differences): part of it is detached, so the generator would be pushed in a wrong direction"
            )


def own_draws(subject: Subject) -> None:
    """Every image of a batch has a draw of its own."""
    require_draws(subject)
    augmentation, size = build(subject), largest(subject)
    one = images(1, size)
    batches = [augmentation(one.expand(16, *size).clone(), stream(seed)) for seed in range(STREAMS)]
    if all(bool((batch == batch[:1]).all()) for batch in batches) and any(
        not torch.equal(batch[:1], one) for batch in batches
    ):
        raise Flaw(
            "all images of a batch share one random draw; the discriminator could recognise a batch by its "
            "transform, and each step would show only one transform"
        )


def neighbours(subject: Subject) -> None:
    """How an image is transformed does not depend on the others in its batch."""
    augmentation, size = build(subject), largest(subject)
    x, others = images(5, size), images(5, size, seed=2) * 0.3
    mixed = torch.cat([x[:1], others[1:]])
    for seed in range(STREAMS):
        together, apart = augmentation(x, stream(seed))[0], augmentation(mixed, stream(seed))[0]
        if not torch.allclose(together, apart, rtol=1e-6, atol=1e-9):
            raise Flaw(
                "the result for an image depends on the other images of the batch (a mean over the batch, or a "
                "mixture of images?); the discriminator could tell real from fake by the batch"
            )


def alike(subject: Subject) -> None:
    """Real and fake images are transformed alike: by the images and the draws alone, whoever made them."""
    augmentation, size = build(subject), largest(subject)
    real = images(6, size)
    fake = real.clone().requires_grad_()
    for seed in range(STREAMS):
        first, second = augmentation(real, stream(seed)), augmentation(fake, stream(seed)).detach()
        with torch.no_grad():
            third = augmentation(real, stream(seed))
        if not (torch.equal(first, second) and torch.equal(first, third)):
            raise Flaw(
                "the same images with the same random draws give another result when they carry a gradient, or "
                "when it is called again; real and fake images would be transformed differently"
            )


def repeatable(subject: Subject) -> None:
    """Its randomness comes from the stream it is given, and from nowhere else."""
    augmentation, x = build(subject), images(8, largest(subject))
    first = drawn_from_a_stream(lambda rng: augmentation(x, rng), "a resumed trial would see other images")
    if not torch.equal(build(subject)(x, stream(UNUSUAL)), first):
        raise Flaw(
            "the same random stream gives other images in another process or instance (drawn from numpy, "
            "random or a stream of its own, or remembered between calls?); the same trial would give another "
            "score"
        )
    require_draws(subject)
    if all(torch.equal(augmentation(x, stream(seed)), first) for seed in range(1, 1 + STREAMS)):
        raise Flaw(
            "it draws from its random stream but makes the same images for every draw; every image would be "
            "transformed alike"
        )


def undisturbed(subject: Subject) -> None:
    """The images that it is given stay as they are."""
    x = images(4, largest(subject))
    before = x.clone()
    build(subject)(x, stream())
    if not torch.equal(x, before):
        raise Flaw(
            "it changes the images it is given in place; under ada_target, images that must stay as they are "
            "would be transformed, and so would replayed ones"
        )


def finite(subject: Subject) -> None:
    """Images at the ends of their range, and of one colour, come out finite, and so do their gradients."""
    augmentation, size = build(subject), largest(subject)
    for level in (-1.0, 0.0, 1.0):
        for dtype in (torch.float32, torch.bfloat16):
            x = torch.full((4, *size), level, dtype=dtype, requires_grad=True)
            y = augmentation(x, stream())
            (slopes,) = torch.autograd.grad(y.float().square().sum(), x, allow_unused=True)
            if not bool(torch.isfinite(y).all()) or (slopes is not None and not bool(torch.isfinite(slopes).all())):
                raise Flaw(
                    f"for an image with the constant value {level:g} the result or its gradient is NaN or "
                    f"infinite in {dtype} (a division by its own spread?); the first such image would end the "
                    "trial as diverged"
                )


def double_backward(subject: Subject) -> None:
    """It can be differentiated twice."""
    augmentation, size = build(subject), largest(subject)
    x = images(4, size).requires_grad_()
    try:
        (slopes,) = torch.autograd.grad(augmentation(x, stream()).square().sum(), x, create_graph=True)
        (curvature,) = torch.autograd.grad(slopes.square().sum(), x)
    except RuntimeError as error:
        raise Flaw(
            f"it cannot be differentiated twice ({in_one_line(error, 160)}): one of its operations "
            "has only one derivative; a gradient penalty would fail at the first step"
        ) from error
    if not bool(torch.isfinite(curvature).all()):
        raise Flaw("its second derivative is NaN or infinite; a gradient penalty would diverge")


def devices(subject: Subject) -> None:
    """It draws and computes where the images are."""
    augmentation, x = build(subject), images(4, largest(subject), dtype=torch.float32)

    def call(device: str) -> None:
        found = augmentation(x.to(device), stream(device=device))
        if found.device.type != device:
            raise RuntimeError(f"images on the device {device} are returned on {found.device}")

    if said := fails_elsewhere(call):
        raise Flaw(f"it fails on another device ({said}): draw with device=images.device; --device cuda would fail")


CHECKS = (
    used_parameters,
    shape,
    gradient,
    own_draws,
    neighbours,
    alike,
    repeatable,
    undisturbed,
    finite,
    double_backward,
    devices,
)

"""What an extractor must do: the same features for the same images, with the identity of its weights.

``expected`` may hold ``known``: a list of (uint8 images, features).
"""

import itertools
import re
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganbench.api import Extractor
from ganbench.errors import with_kind
from ganbench.evaluation.isolation import own_global_stream
from ganbench.evaluation.needs import layers_of
from ganbench.files import file_sha256
from ganbench.testing import process_state
from ganbench.testing.files import check_named, readings
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.other_device import left_behind

SEVERITIES = (0.0, 0.2, 0.5, 1.0)
SMALLEST = 8
"""The smallest side that is tried where none is declared: no generator draws smaller images."""
LARGEST = 64
"""The largest side that is tried: on larger images a network for photographs takes long on a CPU."""
CPU = torch.device("cpu")


def build(subject: Subject) -> Extractor:
    """Return a fresh instance."""
    return cast(Extractor, subject.build())


def network(extractor: Extractor) -> nn.Module:
    """Build as an evaluation does; weights that are missing are a DataError, which leaves the check out."""
    found: Any = extractor.build(layers_of(extractor))
    if not isinstance(found, nn.Module):
        raise Flaw(f"build() returns {type(found).__name__}, not a network; no image could be scored")
    return found


def images(extractor: Extractor, n: int = 6, *, noise: float = 0.0, side: int = 0) -> Tensor:
    """Smooth uint8 pictures (n, channels, side, side) of a size it takes, with a share of noise."""
    low, high = extractor.sizes
    side = side or min(max(low, 32), high)
    rng = torch.Generator().manual_seed(5)
    coarse = torch.rand(n, extractor.channels, 4, 4, generator=rng)
    smooth = nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")
    mixed = (1 - noise) * smooth + noise * torch.rand(smooth.shape, generator=rng)
    return (255 * mixed).round().to(torch.uint8)


def features(extractor: Extractor, pictures: Tensor, built: nn.Module | None = None) -> tuple[Tensor, ...]:
    """Run it without gradients, as an evaluation does."""
    before = pictures.clone()
    with torch.no_grad():
        found: Any = (built or network(extractor))(pictures)
    if not isinstance(found, tuple) or len(found) != len(layers_of(extractor)):
        raise Flaw(f"forward() does not return a tuple of {len(layers_of(extractor))} outputs, one for each layer")
    if not torch.equal(pictures, before):
        raise Flaw(
            "forward() changes the images that it is given in place; other metrics and later evaluations would "
            "see changed samples"
        )
    if any(isinstance(output, Tensor) and output.requires_grad for output in found):
        raise Flaw(
            "its outputs require gradients even under torch.no_grad() (a parameter returned as it is, or "
            'torch.enable_grad() in forward()?); the first evaluation would end with "Can\'t call numpy()"'
        )
    return found


def identity(subject: Subject) -> None:
    """The SHA-256 of its weights is given, and is the file's."""
    extractor = build(subject)
    found: Any = extractor.sha256()
    if not isinstance(found, str) or not re.fullmatch(r"[0-9a-f]{64}", found):
        raise Flaw(f"sha256() gives {found!r}, not 64 hexadecimal digits; scores of other weights could be mixed up")
    if any(again != found for again in (extractor.sha256(), build(subject).sha256())):
        raise Flaw(
            "sha256() gives another answer when it is called again; a trial would be refused because its "
            "weights seem to have changed"
        )
    named = [Path(file) for file in extractor.files()]
    missing = [file for file in named if not (file.is_absolute() and file.is_file())]
    if missing:
        raise Flaw(
            f"files() names {missing[0]}, which is not a file with an absolute path; a change of it would not be "
            "noticed"
        )
    if len(named) == 1 and file_sha256(named[0]) != found:
        raise Flaw("sha256() is not that of its one file; other weights would be taken for these")


def files(subject: Subject) -> str | None:
    """It names the files that its weights and their identity are read from."""
    extractor = build(subject)
    with readings() as read:
        extractor.sha256()
        network(extractor)
    return check_named(read, extractor.files(), what="sha256() and build() read", old="the scores by the old weights")


def outputs(subject: Subject) -> str:
    """Features are finite float (N, dimension); logits are (N, classes)."""
    extractor = build(subject)
    built = network(extractor)
    if built.training:
        raise Flaw("build() returns a network in training mode; its features would change with every batch")
    found = dict(zip(layers_of(extractor), features(extractor, images(extractor), built), strict=True))
    for layer, value in found.items():
        if value.dim() != 2 or len(value) != 6:
            raise Flaw(f"layer '{layer}' has shape {tuple(value.shape)} for 6 images, not (6, F); scoring would fail")
        if value.dtype not in (torch.float32, torch.float64):
            raise Flaw(
                f"layer '{layer}' is {str(value.dtype).removeprefix('torch.')}, not float32; such rounding "
                "would change a score (compute in float32, at least in the last layers)"
            )
        if not bool(torch.isfinite(value).all()):
            raise Flaw(f"layer '{layer}' contains NaN or infinity; every score would be nan")
    logits = found.get(extractor.logits_layer)
    if logits is not None and extractor.logits_layer != extractor.feature_layer and _probabilities(logits):
        raise Flaw(
            f"layer '{extractor.logits_layer}' gives probabilities (rows in 0..1 with the sum 1), but metrics "
            "apply the softmax themselves; the Inception Score would be near 1 for any samples"
        )
    dimension = found[extractor.feature_layer].shape[1]
    if dimension != extractor.dimension:
        raise Flaw(
            f"it gives {dimension} features but declares {extractor.dimension}; the warning about too few "
            "samples would be wrong"
        )
    return f"{dimension} features from layer {extractor.feature_layer}"


def sizes(subject: Subject) -> str:
    """It takes the smallest and the largest images that it says it takes."""
    extractor = build(subject)
    low, high = extractor.sizes
    if not 1 <= low <= high:
        raise Flaw(f"sizes is ({low}, {high}), not (smallest, largest); every dataset would be refused")
    smallest = low if low > 1 else min(SMALLEST, high)
    built, sides = network(extractor), sorted({smallest, max(smallest, min(high, LARGEST))})
    for side in sides:
        said = f"it declares sides from {low} to {high}, and for images of {side}x{side}"
        try:
            found = features(extractor, images(extractor, side=side), built)
        except Flaw:
            raise
        except Exception as error:
            raise Flaw(
                f"{said} it raises {with_kind(error)}; a run on such a dataset "
                "would train and then fail at its first evaluation; declare the sizes it takes, so that others are "
                "refused by name"
            ) from error
        shape = tuple(found[0].shape)
        if shape != (6, extractor.dimension):
            raise Flaw(f"{said} gives features {shape}, not (6, {extractor.dimension}); scoring would fail")
    return f"tried with sides {' and '.join(map(str, sides))}"


def moves(subject: Subject) -> None:
    """All of its network moves to another device."""
    extractor = build(subject)
    if said := left_behind(network(extractor), images(extractor)):
        raise Flaw(
            f"its network cannot run on another device ({said}): one of its tensors, such as the mean of its "
            "training images, is neither a parameter nor a buffer (use register_buffer); every run on a GPU "
            "would fail at its first evaluation"
        )


def batch_size(subject: Subject) -> None:
    """An image's features do not depend on the others in its batch."""
    extractor = build(subject)
    built, pictures = network(extractor), images(extractor, 20)
    together = features(extractor, pictures, built)[0]
    apart = torch.cat([features(extractor, part, built)[0] for part in torch.split(pictures, 5)])
    if not torch.allclose(together, apart, rtol=1e-3, atol=1e-4 * float(together.abs().max() + 1e-6)):
        raise Flaw("the features of an image depend on the others in its batch; a score would depend on the batch size")


def repeatable(subject: Subject) -> None:
    """Built again it gives the same features."""
    first, second = (features(extractor, images(extractor))[0] for extractor in (build(subject), build(subject)))
    if not torch.equal(first, second):
        raise Flaw("built again it gives other features (weights drawn at random?); no two scores could be compared")


def streams(subject: Subject) -> None:
    """Neither building nor running it sets a global random stream to a fixed state."""
    extractor = build(subject)
    after = []
    for seed in (1, 2):
        with own_global_stream(seed, CPU):
            features(extractor, images(extractor))
            after.append(process_state.streams())
    fixed = [whose for whose, state in after[0].items() if state == after[1][whose]]
    if fixed:
        raise Flaw(
            f"it seeds the global random stream of {' and '.join(fixed)} (manual_seed?); everything drawn after "
            "it would be the same for every seed; give it a generator of its own"
        )


def severity(subject: Subject) -> None:
    """Features move farther away the more noise a picture has."""
    extractor = build(subject)
    built = network(extractor)
    clean = features(extractor, images(extractor, 16), built)[0]
    moved = [
        float((features(extractor, images(extractor, 16, noise=noise), built)[0] - clean).norm(dim=1).mean())
        for noise in SEVERITIES
    ]
    if not all(later > earlier for earlier, later in itertools.pairwise(moved)):
        listed = ", ".join(f"{value:.3g}" for value in moved)
        raise Flaw(f"more noise does not move the features farther ({listed}); an FID by it would not see bad samples")


def known_values(subject: Subject) -> None:
    """It gives the known features that its author states."""
    known = subject.expected.get("known")
    if not known:
        raise NotApplicable("no known features are given (expected = {'known': [(images, features)]})")
    extractor = build(subject)
    for pictures, wanted in known:
        if not torch.allclose(features(extractor, pictures)[0], wanted, rtol=1e-4, atol=1e-5):
            raise Flaw("its features are not the known ones; scores could not be compared with published ones")


def registered(subject: Subject) -> None:
    """torch-fidelity knows it by its declared name, so that its own command gives the same numbers."""
    from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

    extractor = build(subject)
    if not extractor.registered_name:
        raise Flaw("registered_name is empty; protocols and caches are named by it")
    network(extractor)
    if extractor.registered_name not in FEATURE_EXTRACTORS_REGISTRY:
        raise Flaw(
            f"torch-fidelity does not know '{extractor.registered_name}' once it is built (register_feature_extractor)"
            "; nobody could check a score with torch-fidelity itself"
        )


# What is kept in memory from then on is read but once: files are watched first.
CHECKS = (files, identity, outputs, sizes, moves, batch_size, repeatable, streams, severity, known_values, registered)


def _probabilities(logits: Tensor) -> bool:
    """Whether rows (N, K) are probabilities already."""
    sums = logits.sum(dim=1)
    inside = bool(((logits >= 0) & (logits <= 1)).all())
    return logits.shape[1] > 1 and inside and torch.allclose(sums, torch.ones_like(sums), atol=1e-3)

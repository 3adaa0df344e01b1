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
from ganbench.files import file_sha256
from ganbench.testing.kit import Flaw, NotApplicable, Subject

SEVERITIES = (0.0, 0.2, 0.5, 1.0)


def build(subject: Subject) -> Extractor:
    """Return a fresh instance."""
    return cast(Extractor, subject.build())


def layers(extractor: Extractor) -> list[str]:
    """The layers that an evaluation asks for."""
    return list(dict.fromkeys(layer for layer in (extractor.feature_layer, extractor.logits_layer) if layer))


def network(extractor: Extractor) -> nn.Module:
    """Build as an evaluation does; weights that are missing are a DataError, which leaves the check out."""
    found: Any = extractor.build(layers(extractor))
    if not isinstance(found, nn.Module):
        raise Flaw(f"build() returns {type(found).__name__}, not a network; no image could be scored")
    return found


def images(extractor: Extractor, n: int = 6, *, noise: float = 0.0) -> Tensor:
    """Smooth uint8 pictures (n, channels, side, side) of a size it takes, with a share of noise."""
    low, high = extractor.sizes
    side = min(max(low, 32), high)
    rng = torch.Generator().manual_seed(5)
    coarse = torch.rand(n, extractor.channels, 4, 4, generator=rng)
    smooth = nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")
    mixed = (1 - noise) * smooth + noise * torch.rand(smooth.shape, generator=rng)
    return (255 * mixed).round().to(torch.uint8)


def features(extractor: Extractor, pictures: Tensor, built: nn.Module | None = None) -> tuple[Tensor, ...]:
    """Run it without gradients."""
    with torch.no_grad():
        found: Any = (built or network(extractor))(pictures)
    if not isinstance(found, tuple) or len(found) != len(layers(extractor)):
        raise Flaw(f"forward() does not return a tuple of {len(layers(extractor))} outputs, one for each layer")
    return found


def identity(subject: Subject) -> None:
    """The SHA-256 of its weights is given, and is the file's."""
    extractor = build(subject)
    found: Any = extractor.sha256()
    if not isinstance(found, str) or not re.fullmatch(r"[0-9a-f]{64}", found):
        raise Flaw(f"sha256() gives {found!r}, not 64 hexadecimal digits; scores of other weights could be mixed up")
    files = [Path(file) for file in extractor.files()]
    missing = [file for file in files if not (file.is_absolute() and file.is_file())]
    if missing:
        raise Flaw(f"files() names {missing[0]}, which is no file with an absolute path; a change would go unnoticed")
    if len(files) == 1 and file_sha256(files[0]) != found:
        raise Flaw("sha256() is not that of its one file; other weights would pass for these")


def outputs(subject: Subject) -> str:
    """Features are finite float (N, dimension); logits are (N, classes)."""
    extractor = build(subject)
    built = network(extractor)
    if built.training:
        raise Flaw("build() returns a network in training mode; its features would change with every batch")
    found = dict(zip(layers(extractor), features(extractor, images(extractor), built), strict=True))
    for layer, value in found.items():
        if value.dim() != 2 or len(value) != 6:
            raise Flaw(f"layer '{layer}' has shape {tuple(value.shape)} for 6 images, not (6, F); scoring would fail")
        if not bool(torch.isfinite(value).all()):
            raise Flaw(f"layer '{layer}' holds values that are not finite; every score would be nan")
    dimension = found[extractor.feature_layer].shape[1]
    if dimension != extractor.dimension:
        raise Flaw(
            f"it gives {dimension} features and declares {extractor.dimension}; the warning about too few samples "
            "would be wrong"
        )
    return f"{dimension} features from layer {extractor.feature_layer}"


def batch_size(subject: Subject) -> None:
    """An image's features do not depend on the others in its batch."""
    extractor = build(subject)
    built, pictures = network(extractor), images(extractor, 20)
    together = features(extractor, pictures, built)[0]
    apart = torch.cat([features(extractor, part, built)[0] for part in torch.split(pictures, 5)])
    if not torch.allclose(together, apart, rtol=1e-3, atol=1e-4 * float(together.abs().max() + 1e-6)):
        raise Flaw("an image's features depend on the others in its batch; a score would depend on the batch size")


def repeatable(subject: Subject) -> None:
    """Built again it gives the same features."""
    first, second = (features(extractor, images(extractor))[0] for extractor in (build(subject), build(subject)))
    if not torch.equal(first, second):
        raise Flaw("built again it gives other features (weights drawn at random?); no two scores could be compared")


def severity(subject: Subject) -> None:
    """Features move farther away the more noise there is in a picture."""
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
    """It gives the features its author knows."""
    known = subject.expected.get("known")
    if not known:
        raise NotApplicable("no known features are given (expected = {'known': [(images, features)]})")
    extractor = build(subject)
    for pictures, wanted in known:
        if not torch.allclose(features(extractor, pictures)[0], wanted, rtol=1e-4, atol=1e-5):
            raise Flaw("its features are not those that are known; scores could not be compared with published ones")


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


CHECKS = (identity, outputs, batch_size, repeatable, severity, known_values, registered)

"""Fakes beside the training images that are nearest to them, by which papers show that a generator does not copy."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from ganbench import components, plugins
from ganbench.api import Evidence, Extractor, Metric, Samples
from ganbench.errors import DataError, StoreError, UsageError
from ganbench.evaluation.drawing import load_split
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.features import SMALLEST_BATCH
from ganbench.evaluation.images import NonFiniteSamples, require_finite
from ganbench.evaluation.naming import called
from ganbench.evaluation.preview import grid, png
from ganbench.files import write_bytes
from ganbench.metrics.neighbours import BLOCK, Points
from ganbench.spec import TrialFile

APART = 3
"""Pixels, beside the usual one, between a fake and its neighbours."""


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """What stands beside each of N fakes.

    Attributes:
        images: uint8 (N, K, C, H, W), the nearest training image of a fake first.
        index: int64 (N, K), where they are in the training set.
        distances: Euclidean ones between features, float32 (N, K), ascending; 0 for a copy.
    """

    images: Tensor
    index: Tensor
    distances: Tensor


def nearest(queries: Tensor, points: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return where the ``count`` nearest points of each query are, int64 (N, K), and their distances, float32 (N, K).

    Args:
        queries: (N, F).
        points: (M, F) with M at least ``count``.
        count: how many, from 1; of points at one distance the first comes first.
    """
    others = Points(points)
    indices, distances = [], []
    for block in torch.split(queries, BLOCK):
        for query, near in zip(block, others.distances(block), strict=True):
            index, exact = _first(query, points, near, count)
            indices.append(index)
            distances.append(exact)
    return torch.stack(indices), torch.stack(distances)


def _first(query: Tensor, points: Tensor, near: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """As :func:`nearest` of one query (F,), to which ``near`` (M,) says how far the points are but for rounding.

    Dot products say well enough which points are near; only differences say that a copy is at exactly 0, and which
    points are at one distance. More points are looked at until one of them is farther than those that were asked for.
    """
    looked_at = count
    while True:
        looked_at = min(2 * looked_at, len(points))
        found = near.topk(looked_at, largest=False).indices.sort().values
        exact = (query.double() - points[found].double()).square().sum(dim=1).sqrt().float()
        exact, order = exact.sort(stable=True)
        if looked_at == len(points) or exact[count - 1] < exact[-1]:
            return found[order[:count]], exact[:count]


def require_neighbours(trial: TrialFile, count: int) -> None:
    """Check that fakes of a trial have ``count`` neighbours to be shown with; nothing is read for it.

    Raises:
        UsageError: its samples are points, it has no extractor, or not as many training images.
    """
    data = trial.spec.data
    if data.kind != "image":
        raise UsageError(
            f"the samples of {trial.trial_id} are points, which have no image to stand beside; leave --neighbours out"
        )
    if trial.spec.evaluation.extractor is None:
        raise UsageError(
            f"{trial.trial_id} is scored without an extractor, whose features say what is near; "
            "name a trial that has one, or leave --neighbours out"
        )
    if count > data.size:
        raise UsageError(
            f"--neighbours {count} is more than the {data.size} training images of {trial.trial_id}; ask for fewer"
        )


def find_neighbours(
    trial: TrialFile, fakes: Tensor, count: int, *, device: torch.device, warn: Callable[[str], object]
) -> Neighbours:
    """Look for the training images nearest to each fake, in the features that the trial is scored with.

    The features of the training set come from the cache of references where they are, and are kept there.

    Args:
        trial: what its worker was told.
        fakes: images (N, C, H, W) in [-1, 1], on the CPU.
        count: neighbours of each.
        device: where the extractor runs.
        warn: told in one line what does not change the answer: the extractor's package has another version, with the
            same code, or the features cannot be kept.

    Raises:
        UsageError: as in :func:`require_neighbours`, or the extractor is missing or has changed.
        DataError: the training images or the extractor's weights are missing, or fakes are not finite.
        StoreError: one of these is not what it was when the trial was planned.
    """
    require_neighbours(trial, count)
    try:
        require_finite(fakes)
    except NonFiniteSamples as error:
        raise DataError(f"{error}, and nothing is near those; leave --neighbours out to see them") from error
    train = load_split(trial, "train", trial.spec.data.fingerprint)
    search = _Search(count, len(fakes))
    evaluator = _evaluator(trial, train, search, device, warn)
    # A handful of images may be rounded otherwise, by which a copy would not be at 0: the fakes are repeated.
    enough = torch.arange(max(len(fakes), SMALLEST_BATCH)) % len(fakes)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        evaluator.score(fakes[enough], final=True)
    for warning in told:
        warn(" ".join(str(warning.message).split()))
    return Neighbours(images=train.data[search.index], index=search.index, distances=search.distances)


def write_neighbours(out: Path, fakes: Tensor, found: Neighbours, notes: dict[str, str]) -> None:
    """Write a .png whose rows are a fake and, behind a wider gap, its neighbours, the nearest first.

    Its text fields hold ``notes``, and under ``distances`` those of the neighbours, a line for each row.

    Args:
        out: the file.
        fakes: images (N, C, H, W) in [-1, 1].
        found: their neighbours.
        notes: name to text.
    """
    real = found.images.float().div(127.5).sub(1)
    rows = torch.cat([fakes[:, None].float(), real], dim=1)
    picture = grid(rows.flatten(0, 1), rows.shape[1], apart=APART)
    lines = [" ".join(f"{distance:.6g}" for distance in row) for row in found.distances.tolist()]
    write_bytes(out, png(picture, {**notes, "distances": "\n".join(lines)}))


class _Search(Metric):
    """Sees the two sides as a metric does, and keeps who is near to whom; the reference is the training set."""

    needs: ClassVar = ("features", "images")

    def __init__(self, count: int, fakes: int) -> None:
        self._count, self._fakes = count, fakes
        self.index = self.distances = torch.empty(0)

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        self.index, self.distances = nearest(fake.features[: self._fakes], reference.features, self._count)
        return {}


def _evaluator(
    trial: TrialFile, train: Samples, search: Metric, device: torch.device, warn: Callable[[str], object]
) -> Evaluator:
    planned, expected = trial.spec.evaluation.extractor, trial.spec.evaluation.extractor_sha256
    assert planned is not None
    extractor: Extractor = components.rebuild("extractor", planned, plugins.load().registry, warn=warn)
    with called(planned.name, extractor):
        weights = extractor.sha256()
    if weights != expected:
        raise StoreError(
            f"the weights of extractor '{planned.name}' have changed since {trial.trial_id} was planned: "
            f"their SHA-256 is {weights[:12]}, expected {expected[:12]}; restore them"
        )
    cache = trial.execution.cache_dir
    return Evaluator(
        reference=train,
        mixture=None,
        metrics={"neighbours": search},
        extractor=extractor,
        planned=planned,
        device=device,
        cache=Path(cache) / "references" if cache else None,
    )

"""What metrics and extractors need, and whether it is there: asked while planning, and again in each trial."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args

import torch

from ganbench.api import Extractor, Metric, Mixture, Need, Samples, Value
from ganbench.errors import UsageError, did_you_mean
from ganbench.evaluation.features import extract
from ganbench.evaluation.isolation import own_global_stream
from ganbench.protocol import MOST_DECIMALS

NEEDS: tuple[Need, ...] = get_args(Need)
DIRECTIONS = ("lower", "higher", None)
OF_EXTRACTORS: frozenset[Need] = frozenset({"features", "logits"})


def uses_extractor(metric: Metric) -> bool:
    """Whether it looks at what a feature network makes of the samples."""
    return not OF_EXTRACTORS.isdisjoint(metric.needs)


def _outputs(extractor: Extractor, reference: Samples) -> int:
    """How many classes the extractor tells apart, by what it makes of one image; -1 without class outputs."""
    if not extractor.logits_layer:
        return -1
    device = torch.device("cpu")
    with own_global_stream(0, device):  # networks are initialised at random before their weights are loaded
        network = extractor.build([extractor.logits_layer])
    (logits,) = extract(network, reference.data[:1], channels=extractor.channels, device=device, batch_size=1)
    return int(logits.shape[1])


def check_words(name: str, metric: Metric) -> None:
    """Check that what a metric says it needs are words of the contract, and that its values can be written.

    Raises:
        UsageError: one is not; says which is near.
    """
    values: Any = metric.values
    if not isinstance(values, Mapping) or not all(isinstance(declared, Value) for declared in values.values()):
        raise UsageError(
            f"metric '{name}' declares values = {values!r}; it must map each name that it returns to a "
            'ganbench.api.Value, such as {"score": Value(label="score", direction="lower")}'
        )
    for value, declared in values.items():
        if declared.direction not in DIRECTIONS:
            raise UsageError(
                f"metric '{name}' declares '{value}' with the direction {declared.direction!r}; it must be 'lower' or "
                "'higher', whichever is better, or None"
            )
        decimals = declared.decimals
        # True is a whole number to Python, and 1 to what reads the result.
        if isinstance(decimals, bool) or not isinstance(decimals, int) or not 0 <= decimals <= MOST_DECIMALS:
            raise UsageError(
                f"metric '{name}' declares '{value}' with {decimals!r} decimals; it must be a whole number "
                f"from 0 to {MOST_DECIMALS}"
            )
    needs: Any = metric.needs
    if isinstance(needs, str):
        raise UsageError(
            f"metric '{name}' declares needs = {needs!r}; it must be a tuple of words, such as ({needs!r},)"
        )
    for need in needs:
        if need not in NEEDS:
            raise UsageError(
                f"metric '{name}' needs {need!r}, which no evaluation offers{did_you_mean(str(need), NEEDS)}"
            )


def require(
    name: str,
    metric: Metric,
    *,
    reference: Samples,
    train: Samples | None,
    mixture: Mixture | None,
    extractor: Extractor | None,
    where: str = "the reference",
) -> None:
    """Check that there is what a metric needs. The labels of fakes and their generator come with each scoring and are
    asked for there.

    Args:
        name: what users call the metric.
        metric: what is to be computed.
        reference: the real samples that fakes are compared with.
        train: the training samples; where they are the reference, nothing is held out for metrics that need them.
        mixture: the true distribution, where it is known.
        extractor: the feature network, or ``None``.
        where: what has or lacks all this, for messages.

    Raises:
        UsageError: something is missing, or there is no such need; says what to choose instead.
    """
    check_words(name, metric)
    offers: dict[Need, tuple[bool, str]] = {
        "features": (
            extractor is not None,
            "an extractor computes them (--extractor)"
            if reference.kind == "image"
            else "points have none: name metrics of points (--metrics), of which the built-in ones need known modes",
        ),
        "logits": (
            extractor is not None and bool(extractor.logits_layer),
            "choose an extractor with class outputs (--extractor)",
        ),
        "classes": (
            "classes" in metric.needs  # for no other metric is a network built
            and extractor is not None
            and _outputs(extractor, reference) == reference.class_count,
            "choose an extractor whose classes are those of the dataset's labels (--extractor)",
        ),
        "labels": (reference.labels is not None, "choose a dataset with labels"),
        "fake_labels": (True, ""),
        "generator": (True, ""),
        "mixture": (mixture is not None, "choose a dataset whose modes are known, such as ring or grid"),
        "train": (
            train is not None and train.fingerprint != reference.fingerprint,
            "the reference must not be the training samples (--reference test)",
        ),
        "images": (reference.kind == "image", "it is for images only"),
    }
    missing = [need for need in metric.needs if not offers[need][0]]
    if missing:
        hints = "; ".join(offers[need][1] for need in missing)
        raise UsageError(f"metric '{name}' needs {' and '.join(missing)}, which {where} does not offer; {hints}")


def layers_of(extractor: Extractor) -> list[str]:
    """The layers that an extractor's network is asked for: that of the features, and of the logits if it is another."""
    return list(dict.fromkeys(layer for layer in (extractor.feature_layer, extractor.logits_layer) if layer))


def owners(metrics: Iterable[tuple[str, Metric]]) -> dict[str, str]:
    """Return for each value the name of the metric that returns it.

    Raises:
        UsageError: two metrics have one name, or return values of one name; says which.
    """
    found: dict[str, str] = {}
    names: set[str] = set()
    for name, metric in metrics:
        if name in names:
            raise UsageError(f"two metrics are called '{name}'; choose one of them")
        names.add(name)
        for value in metric.values:
            if value in found:
                raise UsageError(f"metrics '{found[value]}' and '{name}' both return '{value}'; choose one of them")
            found[value] = name
    return found


def check_shape(
    extractor: Extractor, shape: tuple[int, ...], others: Iterable[tuple[str, type[Extractor]]] = ()
) -> None:
    """Check that an extractor takes samples of ``shape``.

    ``others`` are those that there are, by name, looked at only where it does not.

    Raises:
        UsageError: it does not; names both, and those of ``others`` that are for images of this very size.
    """
    name = extractor.registered_name
    if len(shape) != 3:
        raise UsageError(
            f"extractor '{name}' takes images, but the samples are vectors of {shape[0]} numbers; choose other metrics"
        )
    channels, height, width = shape
    smallest, largest = extractor.sizes
    if not all(smallest <= side <= largest for side in (height, width)):
        takes = f"{smallest}x{smallest}" if smallest == largest else f"sides from {smallest} to {largest}"
        raise UsageError(
            f"extractor '{name}' takes images of {takes}, but the samples are {height}x{width}; "
            f"{_another(shape, others)}, or images of {takes}"
        )
    if channels not in (1, extractor.channels):
        raise UsageError(
            f"extractor '{name}' takes images of {extractor.channels} channel{'' if extractor.channels == 1 else 's'}, "
            f"but the samples have {channels}; {_another(shape, others)}"
        )


def _another(shape: tuple[int, ...], others: Iterable[tuple[str, type[Extractor]]]) -> str:
    """Which extractor to use instead; those that resize whatever they get are too many to name."""
    channels, height, width = shape
    made = [
        name for name, cls in others if cls.sizes == (height, height) == (width, width) and cls.channels == channels
    ]
    return f"use --extractor {' or '.join(made)}" if made else "choose another ('ganbench list extractors')"

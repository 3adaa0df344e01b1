"""What metrics need of an evaluation, and whether it is there: asked while planning, and again in each trial."""

from typing import Any, get_args

from ganbench.api import Extractor, Metric, Mixture, Need, Samples
from ganbench.errors import UsageError, did_you_mean

NEEDS: tuple[Need, ...] = get_args(Need)
OF_EXTRACTORS: frozenset[Need] = frozenset({"features", "logits"})


def uses_extractor(metric: Metric) -> bool:
    """Whether it looks at what a feature network makes of the samples."""
    return not OF_EXTRACTORS.isdisjoint(metric.needs)


def check_words(name: str, metric: Metric) -> None:
    """Check that what a metric says it needs are words of the contract.

    Raises:
        UsageError: one is not; says which is near.
    """
    needs: Any = metric.needs
    if isinstance(needs, str):
        raise UsageError(f"metric '{name}' declares needs = {needs!r}, not a tuple of words such as ({needs!r},)")
    for need in needs:
        if need not in NEEDS:
            raise UsageError(f"metric '{name}' needs {need!r}, which no evaluation has{did_you_mean(str(need), NEEDS)}")


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
    """Check that there is what a metric needs. The labels of fakes come with each scoring and are asked for there.

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
        "features": (extractor is not None, "an extractor takes them from images (--extractor)"),
        "logits": (
            extractor is not None and bool(extractor.logits_layer),
            "only extractors with class outputs have them (--extractor)",
        ),
        "labels": (reference.labels is not None, "choose a dataset with labels"),
        "fake_labels": (True, ""),
        "mixture": (mixture is not None, "choose a dataset whose modes are known, such as ring or grid"),
        "train": (
            train is not None and train.fingerprint != reference.fingerprint,
            "the reference must be other samples than those trained on (--reference test)",
        ),
        "images": (reference.kind == "image", "the samples are vectors"),
    }
    missing = [need for need in metric.needs if not offers[need][0]]
    if missing:
        hints = "; ".join(offers[need][1] for need in missing)
        raise UsageError(f"metric '{name}' needs {' and '.join(missing)}, which {where} does not offer; {hints}")

"""The protocol of a number: without it, no number travels."""

from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from ganbench.files import digest
from ganbench.registry import BUILTIN
from ganbench.spec import Component, EvaluationSpec, Frozen, Labels, TrialSpec

MOST_DECIMALS = 20
"""That a number can be written with, or be declared to be."""
UNKNOWN = "not known"
"""The budget of samples that no trial of ganbench made."""


class Protocol(Frozen):
    """What must be equal for two numbers to stand in one ranking.

    Metrics and extractors are named by :func:`scored_by`. ``training`` is the fingerprint of the training samples of a
    dataset whose name does not say where they lie, and empty for every other, which is known by its name. ``shares``
    says how many of each class there are where samples brought labels of their own, and is empty elsewhere.
    """

    dataset: str
    metrics: tuple[str, ...]
    fidelity: str
    extractor: str
    extractor_sha256: str
    reference: str
    reference_fingerprint: str
    reference_size: int
    num_samples: int
    weights: Literal["last", "last-ema", "none"]
    budget: str
    labels: Labels = "none"
    training: str = ""
    shares: str = ""

    @model_serializer(mode="wrap")
    def _without_what_is_not_there(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what the first protocols did not have, where it says nothing, for their keys."""
        content: dict[str, Any] = serialise(self)
        for name in ("training", "shares"):
            if not getattr(self, name):
                content.pop(name, None)
        return content

    @property
    def key(self) -> str:
        """Eight digits that are equal exactly when the protocols are."""
        # What has no labels says nothing of them.
        return digest(self.model_dump(mode="json", exclude={"labels"} if self.labels == "none" else None))[:8]

    @property
    def measure(self) -> str:
        """As :attr:`key` without what is the generator's own: what a baseline must share with the rows it frames."""
        return digest(self.model_dump(mode="json", exclude={"budget", "weights", "labels", "shares"}))[:8]

    @property
    def fakes(self) -> str:
        """As :attr:`measure` with the labels: what samples from elsewhere must share with the rows they stand beside,
        whose budget alone they lack."""
        return digest([self.measure, self.labels, self.shares])[:8]

    def sentence(self, dataset: str = "") -> str:
        """One line for under a table.

        Args:
            dataset: what the table calls the dataset, where its own name does not say where the samples lie.
        """
        name = dataset if dataset and self.training else self.dataset
        trained = f"{self.weights} weights, {self.budget}" if self.budget != UNKNOWN else "weights and budget not known"
        network = f"{self.extractor} ({self.extractor_sha256[:8]})" if self.extractor else "no extractor"
        labels = {
            "none": "",
            "balanced": " with balanced labels",
            "reference": " with the reference's labels",
            "own": f" with labels of their own ({self.shares})" if self.shares else " with labels of their own",
        }
        return (
            f"{name}: {self.num_samples} fakes{labels[self.labels]} against {self.reference_size} "
            f"{self.reference} ({self.reference_fingerprint[:8]}), {network}, torch-fidelity {self.fidelity}, "
            f"{trained} [{self.key}]"
        )


def protocol_of(spec: TrialSpec, fidelity: str, *, located: bool = False) -> Protocol:
    """Return the protocol of a trial's numbers.

    Args:
        spec: the trial's.
        fidelity: the version of torch-fidelity.
        located: whether its data are known by their samples alone, and not by their dataset's name.
    """
    evaluation, recipe = spec.evaluation, spec.recipe
    trained = f"{recipe.steps * recipe.n_generator} generator updates of {recipe.batch_size}"
    return Protocol(
        dataset=spec.data.component.label,
        **scored_by(evaluation),
        fidelity=fidelity,
        extractor_sha256=evaluation.extractor_sha256,
        reference=evaluation.reference.split,
        reference_fingerprint=evaluation.reference.fingerprint,
        reference_size=evaluation.reference.size,
        num_samples=evaluation.num_samples,
        weights="none" if spec.baseline else spec.weights,
        budget={"": trained, "external": UNKNOWN}.get(spec.baseline, "untrained"),
        labels=evaluation.labels,
        shares=evaluation.shares,
        training=spec.data.fingerprint if located else "",
    )


def scored_by(evaluation: EvaluationSpec) -> dict[str, Any]:
    """The fields of a protocol that name what computed the numbers: ``metrics`` and ``extractor``.

    Each is written as a user would type it, those that are not built in with their package (``ganbench-x:fid``): of
    two packages, two metrics of one name are two metrics.
    """
    return {
        "metrics": tuple(_qualified(metric) for metric in evaluation.metrics),
        "extractor": _qualified(evaluation.extractor) if evaluation.extractor else "",
    }


def _qualified(component: Component) -> str:
    return component.label if component.plugin == BUILTIN else f"{component.plugin}:{component.label}"

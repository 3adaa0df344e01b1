"""What a trial consists of: everything its specification names, built and checked against what was planned."""

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch

from ganbench import components, seeds
from ganbench.api import (
    Architecture,
    Augmentation,
    Dataset,
    Extractor,
    GeneratorPenalty,
    Loss,
    Metric,
    Penalty,
    Samples,
)
from ganbench.errors import ChangedSincePlanning, UsageError
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.naming import called
from ganbench.evaluation.needs import owners
from ganbench.registry import Registry
from ganbench.spec import Execution, TrialSpec
from ganbench.training.objective import Objective


class Parts:
    """Everything a specification names, built, checked against what was planned, and on its device."""

    def __init__(self, spec: TrialSpec, execution: Execution, registry: Registry) -> None:
        self._spec, self.registry = spec, registry
        self.device = torch.device(execution.device)
        if self.device.type == "cuda" and not torch.cuda.is_available():
            raise UsageError("device 'cuda' was asked for, but torch finds none; use --device cpu")
        self.root = Path(execution.data_root)
        self.dataset: Dataset = components.rebuild("dataset", spec.data.component, registry, data_at=execution.data_at)
        self.train = _load(self.dataset, "train", self.root, spec.data.fingerprint)
        wanted = spec.evaluation.reference
        same = wanted.split == "train"
        self.reference = self.train if same else _load(self.dataset, wanted.split, self.root, wanted.fingerprint)
        metrics: dict[str, Metric] = {
            component.label: components.rebuild("metric", component, registry) for component in spec.evaluation.metrics
        }
        self.values = {name: value for metric in metrics.values() for name, value in metric.values.items()}
        self.owners = owners(metrics.items())
        self.evaluator = Evaluator(
            reference=self.reference,
            train=None if same else self.train,
            mixture=self.dataset.mixture(),
            metrics=metrics,
            extractor=self._extractor(),
            planned=spec.evaluation.extractor,
            device=self.device,
            cache=Path(execution.cache_dir) / "references" if execution.cache_dir else None,
        )

    def _extractor(self) -> Extractor | None:
        """The planned extractor with the planned weights; ``None`` where no metric needs one."""
        planned, expected = self._spec.evaluation.extractor, self._spec.evaluation.extractor_sha256
        if planned is None:
            return None
        extractor: Extractor = components.rebuild("extractor", planned, self.registry)
        with called(planned.name, extractor):
            found = extractor.sha256()
        if found != expected:
            raise ChangedSincePlanning(
                f"the weights of extractor '{planned.name}' have changed since the run was planned: their SHA-256 is "
                f"{found[:12]}, expected {expected[:12]}",
                expected,
            )
        return extractor

    @cached_property
    def architecture(self) -> Architecture:
        """Builds the networks; real data and samples from elsewhere have none."""
        if self._spec.architecture is None:
            raise UsageError("only the baseline 'real' has no architecture")
        architecture: Architecture = components.rebuild("architecture", self._spec.architecture, self.registry)
        return architecture

    @cached_property
    def augmentations(self) -> tuple[Augmentation, ...]:
        """Those that the recipe names. Only training needs them: a trial that is scored again can do without."""
        named = self._spec.augmentations
        return tuple(components.rebuild("augmentation", component, self.registry) for component in named)

    @cached_property
    def resident(self) -> Samples:
        """The training samples on the device, moved there once for all states that learn from them."""
        labels = self.train.labels
        moved = labels.to(self.device) if labels is not None else None
        return replace(self.train, data=self.train.data.to(self.device), labels=moved)


def build_objective(spec: TrialSpec, registry: Registry) -> Objective | None:
    """What the players minimise; ``None`` for a baseline, which has no loss."""
    if spec.loss is None:
        return None
    loss: Loss = components.rebuild("loss", spec.loss, registry)
    penalties: list[Penalty | GeneratorPenalty] = [loss.penalty] if loss.penalty is not None else []
    penalties += [components.rebuild("penalty", component, registry) for component in spec.penalties]
    return Objective(loss=loss, penalties=tuple(penalties))


def held_out(parts: Parts, spec: TrialSpec) -> Samples:
    """Real samples that are not in the reference, as many as there are fakes: the floor of the table."""
    other = parts.dataset.load("test", root=parts.root) if parts.reference is parts.train else parts.train
    if other.fingerprint == parts.reference.fingerprint:
        raise UsageError("there are no real samples besides the reference, so this dataset has no floor")
    if len(other) < spec.evaluation.num_samples:
        raise UsageError(
            f"{spec.evaluation.num_samples} real samples besides the reference were planned, but there are only "
            f"{len(other)}; run again"
        )
    order = torch.randperm(len(other), generator=seeds.stream(spec.seed, seeds.EVALUATION))
    chosen = order[: spec.evaluation.num_samples]
    labels = other.labels[chosen] if other.labels is not None else None
    return Samples(data=other.data[chosen], labels=labels, classes=other.classes)


def _load(dataset: Dataset, split: str, root: Path, fingerprint: str) -> Samples:
    samples = dataset.load(split, root=root)
    if samples.fingerprint != fingerprint:
        raise ChangedSincePlanning(
            f"the split '{split}' has changed since the run was planned: its fingerprint is "
            f"{samples.fingerprint[:12]}, expected {fingerprint[:12]}",
            fingerprint,
        )
    return samples

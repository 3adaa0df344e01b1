"""One scoring of generated samples: features once, then every metric."""

import math
from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor, nn

from ganbench.api import Extractor, Metric, Mixture, Samples
from ganbench.errors import UsageError
from ganbench.evaluation.features import Extracted, extract
from ganbench.evaluation.images import require_finite, to_uint8
from ganbench.evaluation.isolation import own_global_stream
from ganbench.evaluation.naming import called
from ganbench.evaluation.needs import require, uses_extractor
from ganbench.evaluation.references import ReferenceKey, recall
from ganbench.evaluation.values import as_declared


class Evaluator:
    """Scores samples against one reference, with the same metrics and extractor each time.

    What does not change between two scorings is computed once: the network, the reference's features and their
    statistics. Nothing of torch's or numpy's global state is different after a scoring.
    """

    def __init__(
        self,
        *,
        reference: Samples,
        mixture: Mixture | None,
        metrics: Mapping[str, Metric],
        extractor: Extractor | None,
        device: torch.device,
        cache: Path | None,
        extractor_code: str = "",
        extractor_name: str = "",
        train: Samples | None = None,
    ) -> None:
        """Check that every metric can be computed; the reference is looked at when it is first needed.

        Args:
            reference: the real samples that fakes are compared with.
            mixture: the true distribution, where it is known.
            metrics: name to metric.
            extractor: the feature network, or ``None``.
            device: where the network runs.
            cache: folder for reference features, or ``None``.
            extractor_code: stands for the extractor's code and parameters in the cache, beside its name and weights:
                features that others of that name left there are not its own.
            extractor_name: what errors call the extractor; by default the name that torch-fidelity knows it by.
            train: the training samples, for metrics that need ``train``.

        Raises:
            UsageError: a metric needs what is not there, two metrics return values of one name, or the extractor
                does not take samples of this kind.
            DataError: the extractor's weights are missing or damaged.
        """
        self.reference = reference
        self.mixture = mixture
        self.metrics = dict(metrics)
        self.extractor = extractor
        self.device = device
        self.cache = cache
        self.extractor_code = extractor_code
        self.extractor_name = extractor_name
        self.train = train
        owners(self.metrics.items())  # refuses two values of one name
        for name, metric in self.metrics.items():
            require(name, metric, reference=reference, train=train, mixture=mixture, extractor=extractor)
        if self._uses_extractor and extractor is not None:
            with called(extractor_name, extractor):
                check_shape(extractor, reference.shape)
                extractor.sha256()

    def score(self, fakes: Tensor, *, final: bool, labels: Tensor | None = None) -> dict[str, float]:
        """Return all values by name.

        Args:
            fakes: floating point images (N, C, H, W) in [-1, 1] or vectors (N, D), on any device.
            labels: the classes that a conditional generator was asked for, int64 (N,).
            final: also compute the costly metrics.

        Raises:
            NonFiniteSamples: a value is NaN or infinite; nothing is scored.
            UsageError: the samples do not have the reference's shape, or no labels where a metric needs them.
            GanbenchError: a metric does not return what it declares.
        """
        if tuple(fakes.shape[1:]) != self.reference.shape:
            raise UsageError(
                f"samples of shape {tuple(fakes.shape[1:])} cannot be compared with a reference of shape "
                f"{self.reference.shape}"
            )
        fakes = fakes.detach()
        data = to_uint8(fakes) if self.reference.kind == "image" else require_finite(fakes).float()
        return self._score(Samples(data=data.cpu(), labels=labels), final=final)

    def score_real(self, samples: Samples, *, from_train: bool = False) -> dict[str, float]:
        """Return all values for real samples, as they are.

        Args:
            samples: of the reference's kind and shape.
            from_train: they are training samples themselves, so whatever needs ``train`` is undefined (NaN): all of
                them are copies, which says nothing.

        Raises:
            UsageError: the samples do not have the reference's shape.
            GanbenchError: a metric does not return what it declares.
        """
        if samples.shape != self.reference.shape or samples.kind != self.reference.kind:
            raise UsageError(
                f"samples of shape {samples.shape} cannot be compared with a reference of shape {self.reference.shape}"
            )
        return self._score(samples, final=True, from_train=from_train)

    @cached_property
    def reference_evidence(self) -> Extracted:
        """The reference's side, its features from the cache where they are."""
        needs_train = any("train" in metric.needs for metric in self.metrics.values())
        train = self._known(self.train) if needs_train and self.train is not None else None
        return self._known(self.reference, train)

    @cached_property
    def _network(self) -> nn.Module:
        assert self.extractor is not None
        # Networks are initialised at random before their weights are loaded.
        with own_global_stream(0, self.device):
            with called(self.extractor_name, self.extractor):
                network = self.extractor.build(self._layers)
            return network.to(self.device)

    @property
    def _uses_extractor(self) -> bool:
        return any(uses_extractor(metric) for metric in self.metrics.values())

    @property
    def _layers(self) -> list[str]:
        if self.extractor is None or not self._uses_extractor:
            return []
        return list(
            dict.fromkeys(layer for layer in (self.extractor.feature_layer, self.extractor.logits_layer) if layer)
        )

    def _score(self, samples: Samples, *, final: bool, from_train: bool = False) -> dict[str, float]:
        wanted = {name: metric for name, metric in self.metrics.items() if final or metric.when == "always"}
        if samples.labels is None:
            for name, metric in self.metrics.items():
                if "fake_labels" in metric.needs:
                    raise UsageError(f"metric '{name}' needs the labels of the fakes, but these have none")
        values: dict[str, float] = {}
        with own_global_stream(0, self.device):
            found = self._extract(samples.data)
            fake = Extracted(
                samples=samples.data,
                features=found.get("features"),
                logits=found.get("logits"),
                labels=samples.labels,
                mixture=self.mixture,
            )
            for name, metric in wanted.items():
                if from_train and "train" in metric.needs:
                    values.update(dict.fromkeys(metric.values, math.nan))
                else:
                    values.update(as_declared(name, metric, metric.compute(fake, self.reference_evidence)))
        return values

    def _extract(self, images: Tensor) -> dict[str, Tensor]:
        if self.extractor is None or not self._layers:
            return {}
        outputs = extract(
            self._network,
            images,
            channels=self.extractor.channels,
            device=self.device,
            batch_size=self.extractor.batch_size,
        )
        by_layer = dict(zip(self._layers, outputs, strict=True))
        found = {"features": by_layer[self.extractor.feature_layer]}
        if self.extractor.logits_layer:
            found["logits"] = by_layer[self.extractor.logits_layer]
        return found

    def _known(self, samples: Samples, train: Extracted | None = None) -> Extracted:
        """Evidence for real samples, its features and statistics recalled or computed."""
        make = partial(Extracted, samples=samples.data, labels=samples.labels, mixture=self.mixture, train=train)
        if self.extractor is None or not self._layers:
            return make()
        key = ReferenceKey(
            fingerprint=samples.fingerprint,
            preprocessing=f"uint8, {samples.shape[0]} channels to {self.extractor.channels}",
            extractor=self.extractor.registered_name,
            extractor_code=self.extractor_code,
            extractor_sha256=self.extractor.sha256(),
            layers=tuple(self._layers),
            device=self.device.type,
            versions=tuple(f"{name} {version(name)}" for name in ("torch", "torch-fidelity", "numpy")),
        )
        tensors = recall(key, lambda: self._with_statistics(samples.data), cache=self.cache)
        return make(
            features=tensors["features"],
            logits=tensors.get("logits"),
            known_statistics={name: tensors[name].numpy() for name in ("mu", "sigma")},
        )

    def _with_statistics(self, images: Tensor) -> dict[str, Tensor]:
        found = self._extract(images)
        statistics = Extracted(samples=images, features=found["features"]).statistics()
        return {**found, **{name: torch.from_numpy(statistics[name]) for name in ("mu", "sigma")}}


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


def check_shape(extractor: Extractor, shape: tuple[int, ...]) -> None:
    """Check that an extractor takes samples of ``shape``.

    Raises:
        UsageError: it does not; names both.
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
            f"extractor '{name}' takes images of {takes}, but the samples are {height}x{width}; choose another with "
            "--extractor"
        )
    if channels not in (1, extractor.channels):
        raise UsageError(
            f"extractor '{name}' takes {extractor.channels} channels, but the samples have {channels}; choose "
            "another with --extractor"
        )

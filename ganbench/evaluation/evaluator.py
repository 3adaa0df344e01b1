"""One scoring of generated samples: features once, then every metric."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor, nn

from ganbench import files
from ganbench.api import Extractor, Metric, Mixture, Samples
from ganbench.errors import UsageError
from ganbench.evaluation.features import Extracted, extract
from ganbench.evaluation.images import require_finite, to_uint8
from ganbench.evaluation.isolation import own_global_stream
from ganbench.evaluation.naming import called
from ganbench.evaluation.needs import check_shape, layers_of, owners, require
from ganbench.evaluation.querying import QueriedGenerator
from ganbench.evaluation.references import ReferenceKey, recall
from ganbench.evaluation.values import as_declared
from ganbench.spec import Component


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
        planned: Component | None = None,
        train: Samples | None = None,
    ) -> None:
        """Check that every metric can be computed; the reference is looked at when it is first needed.

        Args:
            reference: the real samples that fakes are compared with.
            mixture: the true distribution, where it is known.
            metrics: name to metric.
            extractor: the feature network; ``None`` where no metric needs one.
            device: where the network runs.
            cache: folder for reference features, or ``None``.
            planned: the extractor as a trial names it: its name in errors, which is else the one that torch-fidelity
                knows it by, and its code and parameters, by which the cache tells it from others of that name.
            train: the training samples, for metrics that need ``train``.

        Raises:
            UsageError: a metric needs what is not there, two metrics return values of one name, or the extractor
                does not take samples of this kind.
            DataError: the extractor's weights are missing or damaged.
        """
        self.reference = reference
        self.mixture = mixture
        self._extractor = extractor
        self._train = train
        self._metrics = dict(metrics)
        self._device = device
        self._cache = cache
        self._name = "" if planned is None else planned.name
        self._code = "" if planned is None else files.digest(planned.model_dump(mode="json"))
        owners(metrics.items())  # refuses two values of one name
        for name, metric in metrics.items():
            require(name, metric, reference=reference, train=train, mixture=mixture, extractor=extractor)
        if extractor is not None:
            with called(self._name, extractor):
                check_shape(extractor, reference.shape)
                extractor.sha256()

    def score(
        self,
        fakes: Tensor,
        *,
        final: bool,
        labels: Tensor | None = None,
        generator: QueriedGenerator | None = None,
    ) -> dict[str, float]:
        """Return all values by name.

        Args:
            fakes: floating point images (N, C, H, W) in [-1, 1] or vectors (N, D), on any device.
            labels: the classes that a conditional generator was asked for, int64 (N,).
            generator: what made them, for metrics that query it.
            final: also compute the costly metrics.

        Raises:
            NonFiniteSamples: a value is NaN or infinite, also one that a metric asks the generator for.
            UsageError: the samples do not have the reference's shape, or no labels or generator where a metric needs
                them.
            GanbenchError: a metric does not return what it declares.
        """
        if tuple(fakes.shape[1:]) != self.reference.shape:
            raise UsageError(
                f"samples of shape {tuple(fakes.shape[1:])} cannot be compared with a reference of shape "
                f"{self.reference.shape}"
            )
        fakes = fakes.detach()
        if generator is None:
            for name, metric in self._metrics.items():
                if "generator" in metric.needs:
                    raise UsageError(f"metric '{name}' needs the generator, but only its samples are given")
        elif self._extractor is not None:
            generator = replace(generator, extract=self._features)
        samples = Samples(data=self._as_scored(fakes).cpu(), labels=labels)
        return self._score(samples, final=final, generator=generator)

    def score_real(self, samples: Samples, *, from_train: bool = False) -> dict[str, float]:
        """Return all values for real samples, as they are; those that need ``generator`` are undefined (NaN).

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
        needs_train = any("train" in metric.needs for metric in self._metrics.values())
        train = self._known(self._train) if needs_train and self._train is not None else None
        return self._known(self.reference, train)

    def _score(
        self, samples: Samples, *, final: bool, from_train: bool = False, generator: QueriedGenerator | None = None
    ) -> dict[str, float]:
        if samples.labels is None:
            for name, metric in self._metrics.items():
                if "fake_labels" in metric.needs:
                    raise UsageError(f"metric '{name}' needs the labels of the fakes, but these have none")
        values: dict[str, float] = {}
        with own_global_stream(0, self._device):
            found = self._extract(samples.data)
            fake = Extracted(
                samples=samples.data,
                features=found.get("features"),
                logits=found.get("logits"),
                labels=samples.labels,
                mixture=self.mixture,
                generator=generator,
            )
            for name, metric in self._metrics.items():
                if metric.when != "always" and not final:
                    continue
                if (from_train and "train" in metric.needs) or (generator is None and "generator" in metric.needs):
                    values.update(dict.fromkeys(metric.values, math.nan))
                else:
                    values.update(as_declared(name, metric, metric.compute(fake, self.reference_evidence)))
        return values

    def _as_scored(self, fakes: Tensor) -> Tensor:
        """Generated samples as metrics and the extractor see them: bytes of images, checked to be finite."""
        return to_uint8(fakes) if self.reference.kind == "image" else require_finite(fakes).float()

    def _features(self, fakes: Tensor) -> Tensor:
        """The features of samples that a metric asked a generator for."""
        return self._extract(self._as_scored(fakes))["features"]

    def _known(self, samples: Samples, train: Extracted | None = None) -> Extracted:
        """Evidence for real samples, its features and statistics recalled or computed."""
        make = partial(Extracted, samples=samples.data, labels=samples.labels, mixture=self.mixture, train=train)
        if self._extractor is None:
            return make()
        key = ReferenceKey(
            fingerprint=samples.fingerprint,
            preprocessing=f"uint8, {samples.shape[0]} channels to {self._extractor.channels}",
            extractor=self._extractor.registered_name,
            extractor_code=self._code,
            extractor_sha256=self._extractor.sha256(),
            layers=tuple(layers_of(self._extractor)),
            device=self._device.type,
            versions=tuple(f"{name} {version(name)}" for name in ("torch", "torch-fidelity", "numpy")),
        )
        tensors = recall(key, lambda: self._with_statistics(samples.data), cache=self._cache)
        return make(
            features=tensors["features"],
            logits=tensors.get("logits"),
            known_statistics={name: tensors[name].numpy() for name in ("mu", "sigma")},
        )

    def _with_statistics(self, images: Tensor) -> dict[str, Tensor]:
        found = self._extract(images)
        statistics = Extracted(samples=images, features=found["features"]).statistics()
        return {**found, **{name: torch.from_numpy(statistics[name]) for name in ("mu", "sigma")}}

    def _extract(self, images: Tensor) -> dict[str, Tensor]:
        """The extractor's ``features``, and its ``logits`` where it has some; nothing without an extractor."""
        extractor = self._extractor
        if extractor is None:
            return {}
        outputs = extract(
            self._network,
            images,
            channels=extractor.channels,
            device=self._device,
            batch_size=extractor.batch_size,
        )
        by_layer = dict(zip(layers_of(extractor), outputs, strict=True))
        found = {"features": by_layer[extractor.feature_layer]}
        if extractor.logits_layer:
            found["logits"] = by_layer[extractor.logits_layer]
        return found

    @cached_property
    def _network(self) -> nn.Module:
        assert self._extractor is not None
        # Networks are initialised at random before their weights are loaded.
        with own_global_stream(0, self._device):
            with called(self._name, self._extractor):
                network = self._extractor.build(layers_of(self._extractor))
            return network.to(self._device)

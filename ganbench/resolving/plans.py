"""The worker's answer to a plan: components imported, data read, pairs checked, recipes resolved.

Whatever cannot work is refused here by name, before anything trains.
"""

import math
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ganbench import plugins
from ganbench.api import Architecture, Penalty
from ganbench.errors import DataError, GanbenchError, TooFewSteps, UsageError
from ganbench.files import digest, read_json, write_json
from ganbench.grid import ComponentRequest, LossRequest, parse_augment
from ganbench.plan import FileStamp, PlanAnswer, Planned, PlanRequest
from ganbench.plugins.blame import with_blame
from ganbench.plugins.installed import siblings
from ganbench.recipe import resolve_recipe, validate
from ganbench.registry import Registry, package_of
from ganbench.resolving import components
from ganbench.resolving.compatibility import check_pair, check_penalties, check_recipe, doubts
from ganbench.resolving.data import Data
from ganbench.resolving.probing import check_augmentations, check_loss, check_networks, check_output_penalties
from ganbench.spec import Component, DataSpec, Labels, Recipe, Scalar, TrialSpec
from ganbench.training.adversarial import passes


def answer(request: PlanRequest) -> PlanAnswer:
    """Plan the grid, or say in one line why it cannot be."""
    loaded = plugins.load()
    files: set[str] = set()
    try:
        planned = tuple(_cells(request, loaded.registry, files))
        require_labelled(
            request.labels,
            planned,
            "no architecture here is conditional; leave --labels out, or add a conditional one",
        )
        require_extracted(request.extractor, planned)
        return PlanAnswer(planned=planned, files=tuple(stamps(files | loaded_sources(loaded.registry))))
    except (Exception, SystemExit) as error:  # a component may even call sys.exit
        return refusal(error, loaded)


def refusal(error: BaseException, loaded: plugins.Plugins) -> PlanAnswer:
    """The line that says why there is no plan; for what nobody foresaw, with the plugin it arose in."""
    if isinstance(error, GanbenchError):
        return PlanAnswer(error=str(error), needed_steps=error.needed if isinstance(error, TooFewSteps) else 0)
    trace = "".join(traceback.format_exception(error))
    return PlanAnswer(error=f"planning failed: {with_blame(error, loaded)}", trace=trace)


def require_labelled(labels: Labels | None, planned: Sequence[Planned], otherwise: str) -> None:
    """Refuse a choice of labels where nothing that is planned has labels.

    Raises:
        UsageError: ends with ``otherwise``, which says what has none and what to do.
    """
    if labels and all(cell.spec.evaluation.labels == "none" for cell in planned):
        raise UsageError(f"labels {labels}: {otherwise}")


def require_extracted(asked: ComponentRequest | None, planned: Sequence[Planned]) -> None:
    """Refuse an extractor where no metric of anything that is planned looks at features.

    Raises:
        UsageError: names it.
    """
    if asked and all(cell.spec.evaluation.extractor is None for cell in planned):
        raise UsageError(
            f"extractor '{asked.name}' has no effect, because no metric here uses features; leave --extractor out"
        )


def _cells(request: PlanRequest, registry: Registry, files: set[str]) -> Iterable[Planned]:
    for dataset_request in request.datasets:
        data = Data(dataset_request, request, registry, files)
        tried: set[str] = set()
        if request.baselines:
            yield from _baselines(request, data, registry, tried)
        for architecture_request in request.architectures:
            for loss_request in request.losses:
                yield _cell(loss_request, architecture_request, data, request, registry, tried)


def _cell(
    loss_request: LossRequest,
    architecture_request: ComponentRequest,
    data: Data,
    plan: PlanRequest,
    registry: Registry,
    tried: set[str],
) -> Planned:
    scored = data.scored(plan.num_samples)
    loss_component, loss = components.resolve(loss_request.loss, registry)
    resolved = [components.resolve(request, registry) for request in loss_request.penalties]
    own: list[Penalty] = [loss.penalty] if loss.penalty is not None else []
    check_penalties(loss_component, loss, resolved)
    penalties = own + [penalty for _, penalty in resolved]
    architecture_component, architecture = _settled(architecture_request, registry, penalties)
    recipe = resolve_recipe(
        policy=plan.policy,
        needed=data.dataset.recommends,
        needed_by=data.asked.component.name,
        recommended=loss.recommends,
        recommended_by=loss_component.name,
        suite=plan.suite_recipe,
        given=plan.recipe,
        images=math.ceil(plan.images / architecture.pack) if plan.images else None,
    )
    augmentations = [components.resolve(request, registry) for request in parse_augment(recipe.augment, registry)]
    if augmentations:  # as their labels say it: one policy, one spelling
        policy = "+".join(component.label for component, _ in augmentations)
        recipe = recipe.model_copy(update={"augment": policy})
    label = "+".join([loss_component.label, *(component.label for component, _ in resolved)])
    check_loss(loss_component, loss, recipe)
    check_output_penalties([*((loss_component, penalty) for penalty in own), *resolved], recipe)
    check_pair(label, penalties, architecture_component, architecture, data.asked, recipe)
    check_recipe(label, loss, architecture, data.asked, recipe)
    check_augmentations(augmentations, data.asked)
    _try_once(architecture_component, architecture, data.asked, recipe, tried)
    every = plan.eval_every if plan.eval_every is not None else max(1, recipe.steps // 5)
    labels = _labels(architecture_component, architecture, data, plan)
    spec = TrialSpec(
        loss=loss_component,
        penalties=tuple(component for component, _ in resolved),
        architecture=architecture_component,
        data=data.spec,
        seed=0,
        recipe=recipe,
        augmentations=tuple(component for component, _ in augmentations),
        evaluation=scored.spec.model_copy(update={"every": every, "labels": labels}),
    )
    warnings = (*scored.warnings, *doubts(label, penalties, architecture_component, architecture))
    return Planned(
        spec=spec,
        warnings=warnings,
        passes=passes(penalties, recipe),
        data_at=data.data_at,
        values=data.values,
    )


def _try_once(
    component: Component, architecture: Architecture, data: DataSpec, recipe: Recipe, tried: set[str]
) -> None:
    """Try networks that no other cell of this dataset has tried: large ones take seconds to build."""
    alone, standing = recipe.batch_size == 1, recipe.standing_batches > 0
    name = digest([component.model_dump(mode="json"), recipe.latent_dim, alone, recipe.init, standing])
    if name not in tried:
        check_networks(
            component, architecture, data, recipe.latent_dim, alone=alone, init=recipe.init, standing=standing
        )
        tried.add(name)


def _settled(request: ComponentRequest, registry: Registry, penalties: list[Penalty]) -> tuple[Component, Architecture]:
    """Resolve an architecture, with what it leaves to the context decided and recorded."""

    def settle(cls: type[Architecture], parameters: dict[str, Scalar]) -> dict[str, Scalar]:
        return cls.settle(
            parameters,
            gradient_penalty=any(penalty.double_backward for penalty in penalties),
            weight_clipping=any(penalty.constrains == "weights" for penalty in penalties),
        )

    return components.resolve(request, registry, settle)


def _labels(component: Component, architecture: Architecture, data: Data, plan: PlanRequest) -> Labels:
    """Where the labels of the fakes come from, checked to be there."""
    if architecture.conditioning == "none":
        data.require_labels("none", f"architecture '{component.label}'")
        return "none"
    return data.settle_labels(f"architecture '{component.label}'", plan.labels)


def _baselines(plan: PlanRequest, data: Data, registry: Registry, tried: set[str]) -> Iterable[Planned]:
    """The floor (real against real) and, for each architecture, the ceiling (untrained)."""
    floor, usual = data.floor(plan.num_samples), data.scored(plan.num_samples)
    yield Planned(
        spec=TrialSpec(
            baseline="real", loss=None, architecture=None, data=data.spec, seed=0, recipe=Recipe(),
            evaluation=floor.spec,
        ),
        warnings=floor.warnings,
        baseline=True,
        data_at=data.data_at,
    )  # fmt: skip
    shared = {**data.dataset.recommends, **plan.suite_recipe, **plan.recipe}
    keys = ("latent_dim", "latent", "init", "init_gain")
    relevant: dict[str, Any] = {key: shared[key] for key in keys if key in shared}
    recipe = validate(relevant, "the recipe")
    for request in plan.architectures:
        component, architecture = _settled(request, registry, [])
        check_pair("(untrained)", [], component, architecture, data.asked, recipe)
        _try_once(component, architecture, data.asked, recipe, tried)
        yield Planned(
            spec=TrialSpec(
                baseline="untrained", loss=None, architecture=component, data=data.spec, seed=0, recipe=recipe,
                evaluation=usual.spec.model_copy(update={"labels": _labels(component, architecture, data, plan)}),
            ),
            warnings=usual.warnings,
            baseline=True,
            data_at=data.data_at,
        )  # fmt: skip


def loaded_sources(registry: Registry) -> set[str]:
    """The source files of every distribution that components come from, as far as they were imported."""
    packages = siblings(entry.package for kind in components.CONTRACTS for entry in registry.entries(kind))
    modules = [module for name, module in list(sys.modules.items()) if package_of(name) in packages]
    return {file for module in modules if (file := getattr(module, "__file__", None))}


def stamps(files: Iterable[str]) -> Iterable[FileStamp]:
    for file in sorted(files):
        try:
            status = os.stat(file)
        except OSError as error:
            raise DataError(
                f"cannot read {file}, which a component names as one of its files: {error.strerror}"
            ) from error
        yield FileStamp(path=str(Path(file).resolve()), size=status.st_size, mtime_ns=status.st_mtime_ns)


def main(request_path: str, answer_path: str) -> int:
    """Answer the request in one file into another."""
    request = PlanRequest.model_validate(read_json(Path(request_path)))
    write_json(Path(answer_path), answer(request).model_dump(mode="json"))
    return 0

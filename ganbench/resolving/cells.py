"""The cells of a grid on one dataset: components resolved, pairs checked, recipes settled.

Whatever cannot work is refused here by name, before anything trains.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from ganbench import components
from ganbench.api import Architecture, Augmentation, GeneratorPenalty, Loss, Penalty
from ganbench.errors import UsageError
from ganbench.files import digest
from ganbench.grid import ComponentRequest, LossRequest, parse_augment
from ganbench.plan import Planned, PlanRequest
from ganbench.recipe import resolve_recipe, validate
from ganbench.registry import Registry
from ganbench.resolving.compatibility import check_pair, check_recipe, doubts
from ganbench.resolving.data import Data
from ganbench.resolving.penalties import AnyPenalty, check_kinds, check_penalties, those_of
from ganbench.resolving.probing import check_augmentations, check_loss, check_networks
from ganbench.resolving.probing_penalties import check_generator_penalties, check_output_penalties
from ganbench.spec import Component, Labels, Recipe, Scalar, TrialSpec
from ganbench.training.adversarial import g_passes, passes


class _Objective(NamedTuple):
    """A loss and the penalties that are added to it."""

    component: Component
    loss: Loss
    added: list[tuple[Component, AnyPenalty]]

    @property
    def on_discriminator(self) -> list[tuple[Component, Penalty]]:
        """The penalties on the discriminator, each with the component that it comes with: the loss's own first."""
        own = [(self.component, self.loss.penalty)] if self.loss.penalty is not None else []
        return [*own, *those_of(Penalty, self.added)]

    @property
    def on_generator(self) -> list[tuple[Component, GeneratorPenalty]]:
        """The penalties on the generator, each with its component."""
        return those_of(GeneratorPenalty, self.added)

    @property
    def label(self) -> str:
        return "+".join([self.component.label, *(component.label for component, _ in self.added)])


def _evaluated_every(asked: int | None, label: str, steps: int) -> int:
    """After how many of a loss's steps there is an evaluation: as asked for, by default a fifth of them.

    Raises:
        UsageError: after more than there are.
    """
    if asked is None:
        return max(1, steps // 5)
    if asked > steps:
        raise UsageError(
            f"eval_every={asked} is after the last step of loss '{label}', {steps}; use at most {steps}, or 0 to "
            "evaluate only at the end"
        )
    return asked


class Cells:
    """Plans the cells of one dataset.

    Args:
        plan: the grid; its other datasets do not matter.
        data: the dataset.
        registry: where components are found.
    """

    def __init__(self, plan: PlanRequest, data: Data, registry: Registry) -> None:
        self._plan, self._data, self._registry = plan, data, registry
        self._tried: set[str] = set()  # networks, penalties with them: large ones take seconds to build
        self._calls: dict[str, int] = {}  # of the generator, by the penalty on it that was tried

    def plan(self) -> Iterable[Planned]:
        """Plan the baselines, where they are wanted, and a cell for each architecture and loss.

        Raises:
            UsageError: a cell cannot work; names what does not fit.
        """
        if self._plan.baselines:
            yield from self._baselines()
        for architecture in self._plan.architectures:
            for loss in self._plan.losses:
                yield self._cell(loss, architecture)

    def _cell(self, loss_request: LossRequest, architecture_request: ComponentRequest) -> Planned:
        plan, data = self._plan, self._data
        scored = data.scored(plan.num_samples)
        objective = self._objective(loss_request)
        loss, label = objective.loss, objective.label
        penalties = [penalty for _, penalty in objective.on_discriminator]
        on_generator = [penalty for _, penalty in objective.on_generator]
        component, architecture = self._settled(architecture_request, penalties)
        recipe, augmentations = self._recipe(objective, architecture)
        check_loss(objective.component, loss, recipe)
        check_output_penalties(objective.on_discriminator, recipe)
        check_pair(label, penalties, component, architecture, data.asked, recipe, on_generator)
        check_kinds(label, [*penalties, *on_generator], data.asked)
        check_recipe(label, loss, architecture, data.asked, recipe)
        check_augmentations(augmentations, data.asked)
        self._try_once(component, architecture, recipe, objective.on_generator)
        every = _evaluated_every(plan.eval_every, label, recipe.steps)
        labels = self._labels(component, architecture)
        spec = TrialSpec(
            loss=objective.component,
            penalties=tuple(component for component, _ in objective.added),
            architecture=component,
            data=data.spec,
            seed=0,
            recipe=recipe,
            augmentations=tuple(component for component, _ in augmentations),
            evaluation=scored.spec.model_copy(update={"every": every, "labels": labels}),
        )
        warnings = (*scored.warnings, *doubts(label, penalties, component, architecture))
        return Planned(
            spec=spec,
            warnings=warnings,
            passes=passes(penalties, recipe),
            g_passes=g_passes([self._calls[one.label] for one, _ in objective.on_generator], recipe),
            data_at=data.data_at,
            values=data.values,
        )

    def _objective(self, request: LossRequest) -> _Objective:
        component, loss = components.resolve(request.loss, self._registry)
        added = [components.resolve(penalty, self._registry) for penalty in request.penalties]
        check_penalties(component, loss, added)
        return _Objective(component, loss, added)

    def _recipe(
        self, objective: _Objective, architecture: Architecture
    ) -> tuple[Recipe, list[tuple[Component, Augmentation]]]:
        """The recipe of a cell, and the augmentations that it names."""
        plan, data = self._plan, self._data
        recipe = resolve_recipe(
            policy=plan.policy,
            needed=data.dataset.recommends,
            needed_by=data.asked.component.name,
            recommended=objective.loss.recommends,
            recommended_by=objective.component.name,
            suite=plan.suite_recipe,
            given=plan.recipe,
            images=math.ceil(plan.images / architecture.pack) if plan.images else None,
        )
        named = parse_augment(recipe.augment, self._registry)
        augmentations = [components.resolve(request, self._registry) for request in named]
        # As their labels say it: one policy, one spelling.
        policy = "+".join(component.label for component, _ in augmentations) or "none"
        return recipe.model_copy(update={"augment": policy}), augmentations

    def _baselines(self) -> Iterable[Planned]:
        """The floor (real against real) and, for each architecture, the ceiling (untrained)."""
        plan, data = self._plan, self._data
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
            component, architecture = self._settled(request, [])
            check_pair("(untrained)", [], component, architecture, data.asked, recipe)
            self._try_once(component, architecture, recipe)
            labels = self._labels(component, architecture)
            yield Planned(
                spec=TrialSpec(
                    baseline="untrained", loss=None, architecture=component, data=data.spec, seed=0, recipe=recipe,
                    evaluation=usual.spec.model_copy(update={"labels": labels}),
                ),
                warnings=usual.warnings,
                baseline=True,
                data_at=data.data_at,
            )  # fmt: skip

    def _settled(self, request: ComponentRequest, penalties: list[Penalty]) -> tuple[Component, Architecture]:
        """Resolve an architecture, with what it leaves to the context decided and recorded."""

        def settle(cls: type[Architecture], parameters: dict[str, Scalar]) -> dict[str, Scalar]:
            return cls.settle(
                parameters,
                gradient_penalty=any(penalty.double_backward for penalty in penalties),
                weight_clipping=any(penalty.constrains == "weights" for penalty in penalties),
            )

        return components.resolve(request, self._registry, settle)

    def _try_once(
        self,
        component: Component,
        architecture: Architecture,
        recipe: Recipe,
        penalties: Sequence[tuple[Component, GeneratorPenalty]] = (),
    ) -> None:
        """Try networks that no other cell has tried, and with them each penalty on the generator."""
        alone, standing = recipe.batch_size == 1, recipe.standing_batches > 0
        networks = [component.model_dump(mode="json"), recipe.latent_dim, alone, recipe.init, standing]
        given = component, architecture, self._data.asked, recipe
        self._once(networks, partial(check_networks, *given))
        networks.append(recipe.batch_size * recipe.g_batches)  # how many samples there are at most
        for one in penalties:
            self._once([*networks, one[0].model_dump(mode="json")], partial(self._try_penalty, one, *given))

    def _try_penalty(self, one: tuple[Component, GeneratorPenalty], *given: Any) -> None:
        """Try a penalty on the generator, and note how often it calls it."""
        (self._calls[one[0].label],) = check_generator_penalties([one], *given)

    def _once(self, what: list[Any], check: Callable[[], None]) -> None:
        """Check what has not been checked yet."""
        name = digest(what)
        if name not in self._tried:
            check()
            self._tried.add(name)

    def _labels(self, component: Component, architecture: Architecture) -> Labels:
        """Where the labels of the fakes come from, checked to be there."""
        what = f"architecture '{component.label}'"
        if architecture.conditioning == "none":
            self._data.require_labels("none", what)
            return "none"
        return self._data.settle_labels(what, self._plan.labels)

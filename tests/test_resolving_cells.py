"""The cells of one dataset: what they share is tried once, and what their components leave open is settled."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ganbench import plugins
from ganbench.api import Networks
from ganbench.architectures.mlp import MLP
from ganbench.datasets.digits import Digits
from ganbench.datasets.mixtures import Ring
from ganbench.grid import parse_axis
from ganbench.losses.hinge import Hinge
from ganbench.resolving import cells
from ganbench.resolving.probing_penalties import check_generator_penalties
from ganbench.spec import Component, Recipe, TrialSpec
from tests.planned import ask


def test_networks_are_tried_once_for_all_losses_and_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[tuple[int, int]] = []

    networks = MLP.networks

    def seen(self: MLP, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        built.append((self.hidden, latent_dim))
        return networks(self, shape, latent_dim, classes)

    monkeypatch.setattr(MLP, "networks", seen)
    found = ask(["vanilla,hinge,lsgan"], ["mlp[hidden=8|16]"], recipe={"latent_dim": 3}, baselines=True)
    assert found.error == ""
    assert len(found.planned) == 1 + 2 + 3 * 2
    assert built == [(8, 3), (16, 3)]


def test_each_penalty_on_the_generator_is_tried_once_on_each_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[str, str]] = []

    def seen(penalties: list[Any], component: Component, *rest: Any) -> list[int]:
        tried.extend((own.label, component.label) for own, _ in penalties)
        return check_generator_penalties(penalties, component, *rest)

    monkeypatch.setattr(cells, "check_generator_penalties", seen)
    losses = ["vanilla+path-length,hinge+path-length+orthogonal,lsgan+orthogonal+r1", "vanilla+orthogonal[beta=1]",
              "lsgan+feature-matching", "hinge+feature-matching"]  # fmt: skip
    assert ask(losses, ["mlp[hidden=8|16]"]).error == ""
    names = ("path-length", "orthogonal", "orthogonal[beta=1]", "feature-matching")
    assert tried == [(name, f"mlp[hidden={hidden}]") for hidden in (8, 16) for name in names]


def test_networks_are_tried_with_each_scheme_that_draws_their_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    monkeypatch.setattr(cells, "check_networks", lambda *given: tried.append(given[-1].init))
    monkeypatch.setattr(Hinge, "recommends", {"init": "orthogonal"})
    assert ask(["vanilla,hinge,lsgan"], ["mlp"]).error == ""
    assert tried == ["architecture", "orthogonal"]


def test_a_batch_of_one_is_tried_with_networks_that_two_samples_had_passed() -> None:
    wrong = ask(["vanilla"], ["mlp"], recipe={"batch_size": 1}, baselines=True)
    assert "architecture 'mlp' cannot be trained with batch_size=1 on dataset 'ring'" in wrong.error
    assert ask(["vanilla"], ["mlp[norm_g=none]"], recipe={"batch_size": 1}).error == ""


def test_standing_statistics_are_refused_where_no_batch_norm_has_any() -> None:
    """Also with networks that had passed for the row of an untrained generator, which is scored without them."""
    wrong = ask(["vanilla"], ["mlp[norm_g=none]"], recipe={"standing_batches": 4}, baselines=True)
    words = (
        "standing_batches is about batch norm in the generator, but that of architecture 'mlp[norm_g=none]' has none"
    )
    assert wrong.error.startswith(words)
    assert ask(["vanilla"], ["mlp"], recipe={"standing_batches": 4}, baselines=True).error == ""


def test_an_evaluation_after_the_last_step_is_refused_for_the_loss_that_has_fewer() -> None:
    """Of 640 images, wgan-gp has a fifth of the steps."""

    def every(loss: str, asked: int | None, **budget: Any) -> int | str:
        found = ask([loss], ["mlp"], eval_every=asked, **budget)
        return found.error or found.planned[0].spec.evaluation.every

    assert (every("vanilla", 10, images=640), every("wgan-gp", 2, images=640)) == (10, 2)
    assert every("vanilla,wgan-gp", 3, images=640) == (
        "eval_every=3 is after the last step of loss 'wgan-gp', 2; use at most 2, or 0 to evaluate only at the end"
    )
    assert (every("wgan-gp", None, images=640), every("wgan-gp", 0, images=640)) == (1, 0)


def test_a_budget_of_images_is_used_up_by_groups_of_them_too() -> None:
    """640 groups of two are 10 batches of 64; one more image needs an 11th."""

    def steps(images: int) -> int:
        return ask(["vanilla"], ["pacgan[pack=2]"], images=images).planned[0].spec.recipe.steps

    assert (steps(1280), steps(1281)) == (10, 11)


@pytest.mark.parametrize(
    ("spelt", "policy"), [("none ", "none"), (" translation[shift=0.125] ", "translation"), ("none", "none")]
)
def test_a_policy_of_augmentations_has_one_spelling(spelt: str, policy: str) -> None:
    def planned(augment: str) -> TrialSpec:
        (cell,) = ask(["vanilla"], ["mlp"], dataset="digits", recipe={"augment": augment}).planned
        return cell.spec

    assert planned(spelt).recipe.augment == policy
    assert planned(spelt).trial_id == planned(policy).trial_id


def test_baselines_are_the_same_however_often_the_others_are_evaluated() -> None:
    often, last = (ask(["vanilla"], ["mlp"], baselines=True, eval_every=asked).planned for asked in (7, 0))
    assert [cell.spec.evaluation.every for cell in often] == [0, 0, 7]
    assert [cell.spec for cell in often[:2]] == [cell.spec for cell in last[:2]]


def test_spectral_norm_gives_way_to_what_else_bounds_the_critic() -> None:
    normalised, bounded = ["hinge", "hinge+lecam"], ["wgan-gp", "wgan-lp", "dragan", "hinge+r1", "wgan"]
    found = ask([*normalised, *bounded], ["resnet[width=4]"], dataset="digits", baselines=True)
    assert found.error == ""
    settled = {
        cell.spec.loss_label: (cell.spec.architecture.parameters["spectral_norm"], cell.spec.architecture.label)
        for cell in found.planned
        if cell.spec.architecture is not None
    }
    assert settled == {
        **dict.fromkeys(("(untrained)", *normalised), ("true", "resnet[width=4]")),
        **dict.fromkeys(bounded, ("false", "resnet[width=4]")),
    }
    assert not any("constrained twice" in line for cell in found.planned for line in cell.warnings)


@pytest.mark.parametrize("loss", ["wgan-gp", "wgan"])
def test_spectral_norm_that_is_asked_for_stays_and_is_doubted(loss: str) -> None:
    cells = {
        cell.spec.architecture.label: cell
        for cell in ask([loss], ["resnet[width=4,spectral_norm=true|false]"], dataset="digits").planned
        if cell.spec.architecture is not None
    }
    both, plain = (f"resnet[width=4,spectral_norm={value}]" for value in ("true", "false"))
    assert set(cells) == {both, plain}
    assert [line for line in cells[both].warnings if f"spectral norm in '{both}'" in line]
    assert not [line for line in cells[plain].warnings if "spectral norm" in line]


def test_the_untrained_baseline_has_the_latents_and_weights_that_all_rows_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the dataset needs them, or a suite says otherwise, or the command line."""

    def untrained(**more: Any) -> Recipe:
        found = ask(["vanilla"], ["mlp"], baselines=True, **more)
        assert found.error == ""
        (spec,) = (cell.spec for cell in found.planned if cell.spec.baseline == "untrained")
        return spec.recipe

    shared = {"latent_dim": 7, "latent": "uniform", "init": "orthogonal", "init_gain": 0.5}
    assert untrained(recipe=shared | {"steps": 9}) == Recipe(**shared)
    assert untrained(recipe={"latent_dim": 7}, suite_recipe={"latent_dim": 5, "latent": "uniform"}) == Recipe(
        latent_dim=7, latent="uniform"
    )
    monkeypatch.setattr(Ring, "recommends", {"latent_dim": 3, "init": "orthogonal", "steps": 9})
    assert untrained(suite_recipe={"latent_dim": 5}) == Recipe(latent_dim=5, init="orthogonal")


def test_baselines_find_the_samples_where_the_others_do_and_are_doubted_as_they_are(tmp_path: Path) -> None:
    for number, image in enumerate(Digits().load("train", root=tmp_path).data[:80]):
        Image.fromarray(image[0].numpy()).save(tmp_path / f"{number}.png")
    (extractor,) = parse_axis("extractor", ["digits"], plugins.load().registry)
    metrics = tuple(parse_axis("metric", ["fid"], plugins.load().registry))
    found = ask(
        ["vanilla"], ["mlp[hidden=8]"], dataset=f"folder:{tmp_path}[holdout=0.5]", extractor=extractor, metrics=metrics,
        num_samples=20, baselines=True, recipe={"batch_size": 8},
    )  # fmt: skip
    assert [cell.spec.baseline for cell in found.planned] == ["real", "untrained", ""], found.error
    assert [cell.data_at for cell in found.planned] == [{"path": str(tmp_path)}] * 3
    ((warning,),) = {cell.warnings for cell in found.planned}
    assert warning.startswith("metric 'fid': 20 samples")

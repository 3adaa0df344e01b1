"""Recipes: the order of the layers, the two policies, and whose fault a wrong value is."""

from typing import Any

import pytest

from ganbench.errors import UsageError
from ganbench.recipe import resolve_recipe
from ganbench.spec import Recipe


def resolve(**changes: Any) -> Recipe:
    arguments: dict[str, Any] = {
        "policy": "paper",
        "needed": {},
        "needed_by": "digits",
        "recommended": {"n_critic": 5, "g_lr": 1e-4},
        "recommended_by": "wgan-gp",
        "suite": {},
        "given": {},
    }
    return resolve_recipe(**(arguments | changes))


def refusal(**changes: Any) -> str:
    with pytest.raises(UsageError) as caught:
        resolve(**changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_each_layer_overrides_the_one_before() -> None:
    plain = Recipe()
    assert (plain.n_critic, plain.g_lr, plain.batch_size) == (1, 2e-4, 64)
    paper = resolve()
    assert (paper.n_critic, paper.g_lr, paper.batch_size) == (5, 1e-4, 64)
    suite = resolve(suite={"n_critic": 2, "batch_size": 32})
    assert (suite.n_critic, suite.g_lr, suite.batch_size) == (2, 1e-4, 32)
    line = resolve(suite={"n_critic": 2, "batch_size": 32}, given={"n_critic": 3})
    assert (line.n_critic, line.g_lr, line.batch_size) == (3, 1e-4, 32)


def test_uniform_leaves_the_recommendation_out() -> None:
    assert resolve(policy="uniform") == Recipe()
    assert resolve(policy="uniform", suite={"g_lr": 5e-4}).g_lr == 5e-4
    assert resolve(policy="uniform", recommended={"no_such": 1}) == Recipe()


def test_what_a_dataset_needs_is_applied_first_and_under_either_policy() -> None:
    needed = {"augment": "translation", "g_lr": 3e-4}
    assert (resolve(needed=needed).augment, resolve(needed=needed).g_lr) == ("translation", 1e-4)
    assert resolve(policy="uniform", needed=needed).g_lr == 3e-4
    assert resolve(needed=needed, given={"augment": "none"}).augment == "none"


def test_a_budget_of_images_counts_what_the_discriminator_sees() -> None:
    # 5 batches of 64 per step: 320 real images.
    assert resolve(images=3200).steps == 10
    assert resolve(images=3201).steps == 11
    assert resolve(images=1).steps == 1
    # The generator's updates show it none.
    assert resolve(images=3200, given={"n_generator": 4}).steps == 10
    assert resolve(images=3200, given={"n_critic": 1, "batch_size": 100}).steps == 32
    # Two boosted steps of 100 batches, and 10 of 5.
    boosted = {"n_critic_boost": 100, "boost_first": 2}
    assert resolve(images=64 * 250, given=boosted).steps == 12
    assert resolve(images=64 * 250 + 1, given=boosted).steps == 13


@pytest.mark.parametrize(
    ("changes", "whose"),
    [
        ({"recommended": {"n_critics": 5}}, "loss 'wgan-gp' sets 'n_critics'"),
        ({"needed": {"n_critics": 5}}, "dataset 'digits' sets 'n_critics'"),
        ({"suite": {"n_critics": 5}}, "the suite sets 'n_critics'"),
        ({"given": {"n_critics": 5}}, "--set sets 'n_critics'"),
    ],
)
def test_an_unknown_setting_names_who_asked_for_it(changes: dict[str, Any], whose: str) -> None:
    message = refusal(**changes)
    assert message.startswith(whose)
    assert message.endswith("did you mean 'n_critic'?")


@pytest.mark.parametrize(
    ("changes", "whose"),
    [
        ({"recommended": {"g_lr": -1}}, "loss 'wgan-gp'"),
        ({"suite": {"g_lr": -1}}, "the suite"),
        ({"given": {"g_lr": -1}}, "--set"),
        ({"suite": {"g_lr": 1.0}, "given": {"g_lr": -1}}, "--set"),
    ],
)
def test_a_value_out_of_range_names_who_asked_for_it(changes: dict[str, Any], whose: str) -> None:
    message = refusal(**changes)
    assert message.startswith(f"{whose}: g_lr=-1:")
    assert "greater than 0" in message


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("steps", "many", "steps='many'"),
        ("optimizer", "adamw", "'adam', 'rmsprop' or 'sgd'"),
        ("beta1", 1, "less than 1"),
        ("smoothing_real", float("nan"), "smoothing_real=nan"),
        ("n_critic", True, "n_critic=True"),
    ],
)
def test_the_message_shows_the_setting_and_what_it_must_be(field: str, value: Any, said: str) -> None:
    assert said in refusal(given={field: value})


@pytest.mark.parametrize(
    ("setting", "value", "needed", "enough"),
    [
        ("ema_start", 100, "ema_decay", 0.99),
        ("lr_decay_start", 100, "lr_schedule", "linear"),
        ("lr_decay_steps", 100, "lr_schedule", "linear"),
        ("lr_final", 0.25, "lr_schedule", "cosine"),
        ("penalty_decay_steps", 100, "penalty_final", 0.1),
        ("boost_first", 25, "n_critic_boost", 100),
        ("boost_every", 500, "n_critic_boost", 100),
        ("replay_share", 0.3, "replay", 500),
        ("ada_images", 1000, "ada_target", 0.6),
        ("init_gain", 0.1, "init", "orthogonal"),
    ],
)
def test_a_setting_that_changes_nothing_is_refused(setting: str, value: Any, needed: str, enough: Any) -> None:
    said = f"{setting}={value} has no effect without {needed}; set both or neither"
    assert refusal(given={setting: value}) == f"--set: {said}"
    assert refusal(suite={setting: value}) == f"the suite: {said}"
    for more in ({"given": {setting: value, needed: enough}}, {"suite": {needed: enough}, "given": {setting: value}},
                 {"suite": {setting: value, needed: enough}}):  # fmt: skip
        assert getattr(resolve(**more), setting) == value
    # Its default does no harm; nor does one in a suite for which the command line has switched off what it is about.
    resolve(given={setting: getattr(Recipe(), setting)})
    resolve(suite={setting: value, needed: enough}, given={needed: getattr(Recipe(), needed)})


@pytest.mark.parametrize("optimizer", ["rmsprop", "sgd"])
def test_adams_epsilon_is_for_adam(optimizer: str) -> None:
    said = f"adam_eps=1e-06 has no effect with optimizer={optimizer}; choose another optimizer, or leave adam_eps out"
    assert refusal(given={"adam_eps": 1e-6, "optimizer": optimizer}) == f"--set: {said}"
    assert refusal(suite={"adam_eps": 1e-6}, recommended={"optimizer": optimizer}) == f"the suite: {said}"
    assert resolve(given={"adam_eps": 1e-6}).adam_eps == 1e-6
    # The command line may switch off what a suite's setting is about.
    assert resolve(suite={"adam_eps": 1e-6}, given={"optimizer": optimizer}).optimizer == optimizer


@pytest.mark.parametrize(
    ("scheme", "gain"), [("normal", 0.02), ("xavier", 1.0), ("orthogonal", 1.0), ("kaiming", 0.02)]
)
def test_a_scheme_has_its_own_gain(scheme: str, gain: float) -> None:
    """0.02 as a gain would leave nothing of what passes through a few layers."""
    assert resolve(given={"init": scheme}).init_gain == gain
    if scheme != "kaiming":
        assert resolve(suite={"init": scheme}, given={"init_gain": 0.5}).init_gain == 0.5
    assert Recipe.model_validate(resolve(given={"init": scheme}).model_dump()).init_gain == gain


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"init_gain": 2.0, "init": "kaiming"},
            "init_gain=2.0 has no effect with init=kaiming; choose another init, or leave init_gain out",
        ),
        ({"lr_decay_start": 5, "lr_schedule": "constant"}, "has no effect with lr_schedule=constant"),
        ({"replay_share": 0.3, "replay": 0}, "has no effect with replay=0"),
    ],
)
def test_a_setting_that_changes_nothing_beside_one_that_is_given_names_it(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        resolve(given=settings)
    with pytest.raises(UsageError, match=said):
        resolve(suite=settings)

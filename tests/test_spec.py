"""What a trial is: frozen, strict, and a name that changes with the question and with nothing else."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ganbench.grid import parse_scalar
from ganbench.settings import LATER, Recipe
from ganbench.spec import (
    FINAL,
    STATUSES,
    Component,
    Execution,
    TrialFile,
    TrialSpec,
    format_scalar,
)

Make = Callable[..., TrialSpec]

# Another value for each field of a recipe; a new field must be added here.
OTHER: dict[str, Any] = {
    "steps": 2001,
    "batch_size": 65,
    "n_critic": 2,
    "n_critic_boost": 100,
    "boost_first": 25,
    "boost_every": 500,
    "n_generator": 2,
    "g_batches": 2,
    "latent_dim": 129,
    "latent": "uniform",
    "optimizer": "sgd",
    "g_lr": 3e-4,
    "d_lr": 3e-4,
    "beta1": 0.0,
    "beta2": 0.9,
    "lr_schedule": "linear",
    "adam_eps": 1e-6,
    "lr_decay_start": 1000,
    "lr_decay_steps": 500,
    "lr_final": 0.25,
    "ema_decay": 0.999,
    "ema_start": 1,
    "standing_batches": 16,
    "smoothing_real": 0.1,
    "smoothing_fake": 0.1,
    "replay": 100,
    "replay_share": 0.25,
    "mirror": 0.5,
    "penalty_every": 16,
    "penalty_final": 0.1,
    "penalty_decay_steps": 100,
    "g_penalty_every": 4,
    "augment": "cutout",
    "init": "normal",
    "init_gain": 0.03,
    "ada_target": 0.6,
    "ada_images": 1000,
    "classifier_d": 0.5,
    "classifier_g": 0.1,
    "discriminator_batch": "joint",
    "precision": "bfloat16",
    "divergence_limit": 1e5,
}


def test_the_name_of_a_known_trial_stays_what_it_is(trial_spec: Make) -> None:
    """A change here forgets everybody's results: every stored trial would be trained again."""
    assert trial_spec().trial_id == "wgan-gp-dcgan-digits-s0-2d69ed84fb5e"


def test_the_hash_is_that_of_the_canonical_json(trial_spec: Make) -> None:
    import hashlib

    spec = trial_spec(seed=7)
    text = json.dumps(json.loads(spec.model_dump_json()), sort_keys=True, separators=(",", ":"))
    assert spec.trial_id == f"wgan-gp-dcgan-digits-s7-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def test_a_round_trip_through_json_keeps_the_name(trial_spec: Make) -> None:
    spec = trial_spec(recipe=OTHER, seed=2**63 - 1)
    again = TrialSpec.model_validate(json.loads(json.dumps(spec.model_dump(mode="json"))))
    assert again == spec
    assert again.trial_id == spec.trial_id
    assert TrialSpec.model_validate_json(spec.model_dump_json()).trial_id == spec.trial_id


def test_augmentations_are_stored_where_there_are_any(trial_spec: Make) -> None:
    """Trials without them, stored before they were components, keep their names."""
    plain = trial_spec()
    assert plain.loss is not None
    assert "augmentations" not in plain.model_dump(mode="json")
    augmented = trial_spec(augmentations=(plain.loss,))
    assert TrialSpec.model_validate_json(augmented.model_dump_json()) == augmented


def test_settings_that_came_later_are_stored_where_they_do_something(trial_spec: Make) -> None:
    """Trials stored before there were such settings keep their names, and older versions can read their like."""
    later = {name: OTHER[name] for name in LATER}
    assert not set(later) & set(trial_spec().model_dump(mode="json")["recipe"])
    changed = trial_spec(recipe=later)
    assert changed.model_dump(mode="json")["recipe"] == changed.recipe.model_dump()
    assert TrialSpec.model_validate_json(changed.model_dump_json()) == changed
    assert trial_spec().model_dump(mode="json", exclude={"recipe"}).keys().isdisjoint({"recipe"})


def test_every_setting_of_the_recipe_is_in_the_name(trial_spec: Make) -> None:
    assert set(OTHER) == set(Recipe.model_fields)
    plain = trial_spec().trial_id
    names = [trial_spec(recipe={field: value}).trial_id for field, value in OTHER.items()]
    assert len({plain, *names}) == len(OTHER) + 1


def test_the_rest_of_the_question_is_in_the_name(trial_spec: Make) -> None:
    spec = trial_spec()
    assert spec.loss is not None
    changed = [
        spec,
        trial_spec(seed=1),
        trial_spec(loss=spec.loss.model_copy(update={"version": "0.2.0"})),
        trial_spec(loss=spec.loss.model_copy(update={"source": "another"})),
        trial_spec(loss=spec.loss.model_copy(update={"parameters": {"lambda_gp": 1.0}})),
        trial_spec(loss=spec.loss.model_copy(update={"plugin": "other"})),
        trial_spec(penalties=(spec.loss,)),
        trial_spec(augmentations=(spec.loss,)),
        trial_spec(data=spec.data.model_copy(update={"fingerprint": "0" * 64})),
        trial_spec(evaluation=spec.evaluation.model_copy(update={"num_samples": 298})),
        trial_spec(evaluation=spec.evaluation.model_copy(update={"extractor_sha256": "b" * 64})),
        trial_spec(baseline="untrained", loss=None),
    ]
    assert len({each.trial_id for each in changed}) == len(changed)


def test_equal_settings_typed_differently_have_one_name(trial_spec: Make) -> None:
    assert trial_spec(recipe={"g_lr": 1}).trial_id == trial_spec(recipe={"g_lr": 1.0}).trial_id
    assert trial_spec(recipe={"steps": 2000}).trial_id == trial_spec().trial_id


def test_execution_is_no_part_of_the_name(trial_spec: Make) -> None:
    assert not set(Execution.model_fields) & set(TrialSpec.model_fields)
    spec = trial_spec()
    here = TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution(device="cpu"))
    there = TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution(device="cuda:1", threads=8, data_root="x"))
    assert here.spec.trial_id == there.spec.trial_id


def test_names_are_fit_for_folders(trial_spec: Make) -> None:
    spec = trial_spec()
    folder = spec.data.component.model_copy(update={"name": "My Data/..\\x\n" + "long" * 40})
    name = trial_spec(data=spec.data.model_copy(update={"component": folder})).trial_id
    assert len(name) <= 93
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")
    assert not name.startswith(".")
    assert trial_spec(baseline="real", loss=None, architecture=None).trial_id.startswith("real-digits-s0-")
    assert trial_spec(baseline="untrained", loss=None).trial_id.startswith("untrained-dcgan-digits-s0-")


def test_a_specification_is_frozen(trial_spec: Make) -> None:
    with pytest.raises(ValidationError):
        trial_spec().seed = 1  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Recipe().steps = 5  # type: ignore[misc]


def test_how_it_runs_may_hold_what_another_version_wrote() -> None:
    assert Execution.model_validate({"device": "cpu", "of_another_version": 1}) == Execution(device="cpu")


@pytest.mark.parametrize("model", [Recipe, Component])
def test_an_unknown_field_is_refused(model: type[Any]) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        model(stepz=5)


def test_an_unknown_field_anywhere_in_a_stored_specification_is_refused(trial_spec: Make) -> None:
    stored = trial_spec().model_dump(mode="json")
    stored["data"]["component"]["flavour"] = "sweet"
    with pytest.raises(ValidationError):
        TrialSpec.model_validate(stored)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_out_of_range_is_refused(trial_spec: Make, seed: int) -> None:
    with pytest.raises(ValidationError):
        trial_spec(seed=seed)


def test_parameters_keep_their_types() -> None:
    given_parameters = {"a": True, "b": 1, "c": 1.0, "d": "1", "e": "true"}
    component = Component(name="x", label="x", plugin="p", version="1", source="s", parameters=given_parameters)
    again = Component.model_validate_json(component.model_dump_json())
    assert [type(value) for value in again.parameters.values()] == [bool, int, float, str, str]


def test_labels(trial_spec: Make) -> None:
    spec = trial_spec()
    assert spec.loss is not None
    penalty = spec.loss.model_copy(update={"label": "r1[gamma=0.1]"})
    assert trial_spec(penalties=(penalty,)).loss_label == "wgan-gp+r1[gamma=0.1]"
    assert trial_spec(baseline="real", loss=None, architecture=None).loss_label == "(real data)"
    assert trial_spec(baseline="real", loss=None, architecture=None).architecture_label == "-"
    assert trial_spec(baseline="untrained", loss=None).loss_label == "(untrained)"


def test_the_weights_that_are_scored(trial_spec: Make) -> None:
    assert trial_spec().weights == "last"
    assert trial_spec(recipe={"ema_decay": 0.9}).weights == "last-ema"


def test_a_failure_is_never_cached_as_final() -> None:
    assert set(FINAL) <= set(STATUSES)
    assert not {"failed", "timeout", "out-of-memory", "interrupted", "pending", "running"} & set(FINAL)


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (1, "1"), (0.1, "0.1"), (10.0, "10"), ("a b", "a b")]
)
def test_a_scalar_as_it_would_be_typed(value: Any, text: str) -> None:
    assert format_scalar(value) == text


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**17), 10**17), st.booleans()))
def test_two_values_never_look_the_same(value: Any) -> None:
    """A label is typed again by users, and tells two rows apart."""
    assert parse_scalar(format_scalar(value)) == value

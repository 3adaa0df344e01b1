"""A grid is planned cell by cell, and what its cells share is done once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganbench import losses, plugins
from ganbench.api import Metric, Samples, objectives
from ganbench.datasets.digits import Digits
from ganbench.grid import parse_axis
from ganbench.losses import hinge
from ganbench.losses.hinge import Hinge
from ganbench.metrics.fid import FID
from ganbench.metrics.inception_score import InceptionScore
from ganbench.penalties.gradient import GradientPenalty
from ganbench.penalties.lecam import LeCam
from ganbench.penalties.zero_centred import R1
from ganbench.plan import PlanAnswer
from tests.planned import ask


def test_each_metric_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []

    class Counted(InceptionScore):
        def __init__(self, splits: int = 10) -> None:
            super().__init__(splits)
            built.append(splits)

    monkeypatch.setattr("ganbench.metrics.inception_score.InceptionScore", Counted)
    metrics = tuple(parse_axis("metric", ["is"], plugins.load().registry))
    found = ask(["hinge"], ["mlp[hidden=8]"], dataset="digits", metrics=metrics, baselines=True, num_samples=1500)
    assert found.error == ""
    assert built == [10]


def test_a_recipe_that_a_loss_has_no_use_for_is_refused() -> None:
    assert "loss 'hinge' has no labels to smooth" in ask(["hinge"], ["mlp"], recipe={"smoothing_real": 0.1}).error


def test_a_cell_knows_how_often_its_discriminator_runs() -> None:
    """The penalty that a loss carries counts, as those that are added to it do."""
    found = ask(["hinge+r1+lecam", "wgan-gp", "wgan"], ["mlp[hidden=8]"])
    assert [cell.passes for cell in found.planned] == [2.0, 2.0, 1.0]
    assert {cell.g_passes for cell in found.planned} == {1.0}


def test_a_cell_knows_how_often_its_generator_runs() -> None:
    losses = ["hinge+mode-seeking", "hinge+r1+path-length+mode-seeking", "hinge+orthogonal+mode-seeking"]
    found = ask(losses, ["mlp[hidden=8]"], recipe={"g_penalty_every": 4})
    assert [(cell.passes, cell.g_passes) for cell in found.planned] == [(1.0, 1.25), (2.0, 1.5), (1.0, 1.25)]
    assert "but loss 'hinge' has none" in ask(["hinge"], ["mlp[hidden=8]"], recipe={"g_penalty_every": 4}).error


def test_a_history_is_judged_by_the_steps_that_a_budget_of_images_comes_to() -> None:
    """1,280 images are 20 batches of 64, or 10 of groups of two; half of each batch but the last goes into it."""
    for architecture, most in (("mlp", 19 * 32), ("pacgan[pack=2]", 9 * 32)):
        assert ask(["vanilla"], [architecture], images=1280, recipe={"replay": most}).error == ""
        wrong = ask(["vanilla"], [architecture], images=1280, suite_recipe={"replay": most + 1})
        assert f"use at most {most}, or more steps" in wrong.error
        assert wrong.trace == ""


def test_a_loss_that_is_no_scalar_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hinge, "discriminator", lambda self, real, fake: fake - real)
    wrong = ask(["vanilla,hinge"], ["mlp"])
    assert wrong.error.startswith("discriminator() of loss 'hinge' returns shape (64,) for 64 raw outputs, not a")
    assert wrong.trace == ""
    monkeypatch.setattr(LeCam, "on_outputs", lambda self, real, fake: fake - real)
    wrong = ask(["vanilla+lecam"], ["mlp"])
    assert wrong.error.startswith("on_outputs() of penalty 'lecam' returns shape (64,)")


def test_a_penalty_on_who_knows_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be added to a loss whose own penalty excludes it."""
    words = "declares constrains = 'gradients', which is not a valid value; did you mean 'gradient'?"
    monkeypatch.setattr(R1, "constrains", "gradients")
    for loss in ("wgan-gp+r1", "hinge+r1"):
        assert ask([loss], ["mlp"]).error == f"penalty 'r1' {words}"
    monkeypatch.setattr(GradientPenalty, "constrains", "gradients")
    assert ask(["wgan-gp"], ["mlp"]).error == f"the penalty of loss 'wgan-gp' {words}"


def test_vectors_are_not_told_of_an_extractor_that_nobody_named(tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.zeros((200, 3), np.float32))
    found = ask(["vanilla"], ["mlp"], dataset=f"array:{tmp_path / 'points.npy'}")
    assert "metric 'fid' needs features, which dataset 'array:" in found.error


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        (("featurs",), "metric 'fid' needs 'featurs', which no evaluation offers; did you mean 'features'?"),
        ("features", "metric 'fid' declares needs = 'features'; it must be a tuple of words, such as ('features',)"),
        (("mixture",), "metric 'fid' needs mixture, which dataset 'digits' does not offer; choose a dataset whose"),
    ],
)
def test_what_a_metric_needs_and_cannot_have_is_refused_while_planning(
    monkeypatch: pytest.MonkeyPatch, needs: Any, words: str
) -> None:
    monkeypatch.setattr(FID, "needs", needs)
    metrics = tuple(parse_axis("metric", ["fid"], plugins.load().registry))
    assert ask(["hinge"], ["mlp[hidden=8]"], dataset="digits", metrics=metrics).error.startswith(words)


def test_training_samples_that_are_the_reference_are_refused_while_planning(monkeypatch: pytest.MonkeyPatch) -> None:
    load = Digits.load
    monkeypatch.setattr(Digits, "load", lambda self, split, *, root: load(self, "train", root=root))
    metrics = tuple(parse_axis("metric", ["memorisation"], plugins.load().registry))
    found = ask(["hinge"], ["mlp[hidden=8]"], dataset="digits", metrics=metrics)
    assert found.error.startswith("metric 'memorisation' needs train, which dataset 'digits' with extractor 'digits'")


def test_a_choice_of_labels_is_refused_where_nothing_is_conditional() -> None:
    assert "no architecture here is conditional" in ask(["hinge"], ["mlp"], labels="balanced").error


def test_a_metric_of_the_labels_of_fakes_is_refused_where_networks_take_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(InceptionScore, "needs", ("logits", "fake_labels"))
    metrics = tuple(parse_axis("metric", ["is"], plugins.load().registry))
    conditional = "mlp[hidden=8,condition=projection]"
    for baselines in (False, True):
        kept: dict[str, Any] = {"dataset": "digits", "metrics": metrics, "baselines": baselines}
        assert ask(["hinge"], [conditional], **kept).error == ""
        assert ask(["hinge"], [conditional, "mlp[hidden=8]"], **kept).error == (
            "metric 'is' needs the labels of the fakes, but architecture 'mlp[hidden=8]' has none; leave "
            "the metric out, or choose a conditional architecture"
        )


def test_the_floor_says_how_many_real_samples_it_has() -> None:
    """The digits have 899 samples for training and 898 to test with: there are no 1,500 beside either."""
    for split, beside in (("test", 899), ("train", 898)):
        found = ask(["hinge"], ["mlp"], dataset="digits", baselines=True, num_samples=1500, reference_split=split)
        floor, ceiling, cell = found.planned
        assert floor.spec.baseline == "real"
        assert [each.spec.evaluation.num_samples for each in (floor, ceiling, cell)] == [beside, 1500, 1500]
        assert f"there are only {beside} real samples besides the reference, not 1500" in floor.warnings[-1]
        assert not any("besides the reference" in warning for warning in (*ceiling.warnings, *cell.warnings))
    equal = ask(["hinge"], ["mlp"], dataset="digits", baselines=True, num_samples=899).planned[0]
    assert equal.spec.evaluation.num_samples == 899
    assert not any("besides the reference" in warning for warning in equal.warnings)


def test_a_floor_of_too_few_real_samples_is_not_told_to_score_more(monkeypatch: pytest.MonkeyPatch) -> None:
    load = Digits.load

    def few(self: Digits, split: str, *, root: Path) -> Samples:
        samples = load(self, split, root=root)
        return replace(samples, data=samples.data[:5], labels=None) if split == "test" else samples

    monkeypatch.setattr(Digits, "load", few)
    metrics = tuple(parse_axis("metric", ["is"], plugins.load().registry))
    asked: dict[str, Any] = {"dataset": "digits", "metrics": metrics, "num_samples": 500, "reference_split": "train"}
    assert ask(["hinge"], ["mlp"], **asked).error == ""
    assert ask(["hinge"], ["mlp"], baselines=True, **asked).error == (
        "metric 'is': 5 samples cannot be cut into 10 splits; there are only 5 real samples besides the reference, so "
        "leave the metric out with --metrics; or leave --baselines out"
    )


def test_metrics_that_return_values_of_one_name_are_refused() -> None:
    registry = plugins.load().registry
    metrics = tuple(parse_axis("metric", ["fid,precision-recall[nearest=3|5]"], registry))
    found = ask(["hinge"], ["mlp"], dataset="digits", metrics=metrics)
    assert found.error == (
        "metrics 'precision-recall' and 'precision-recall[nearest=5]' both return 'precision'; choose one of them"
    )


def test_sample_counts_are_judged_by_name() -> None:
    metrics = tuple(parse_axis("metric", ["fid,is"], plugins.load().registry))

    def judged(num_samples: int) -> PlanAnswer:
        return ask(["hinge"], ["mlp[hidden=8]"], dataset="digits", metrics=metrics, num_samples=num_samples)

    enough, few = (judged(n).planned[0].warnings for n in (898, 50))
    assert [line.partition(":")[0] for line in few if line not in enough] == ["metric 'fid'", "metric 'is'"]
    assert "metric 'is': 5 samples cannot be cut into 10 splits" in judged(5).error


def test_classes_without_names_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    load = Digits.load

    def hundred(self: Digits, split: str, *, root: Path) -> Samples:
        samples = load(self, split, root=root)
        return replace(samples, labels=torch.arange(len(samples)) % 100, classes=())

    monkeypatch.setattr(Digits, "load", hundred)
    metrics = tuple(parse_axis("metric", ["class-coverage"], plugins.load().registry))
    found = ask(["hinge"], ["mlp[hidden=8]"], dataset="digits", metrics=metrics, num_samples=200)
    assert found.planned[0].warnings == ("metric 'class-coverage': 200 samples are few for 100 classes",)


def test_the_dimension_is_that_of_what_a_metric_looks_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever other metrics the run has: features where it needs them, else the values of one sample."""

    def told(self: Metric, *, fakes: int, reference: int, dimension: int, classes: int) -> str:
        return f"{fakes} of {reference}, {dimension} and {classes}"

    monkeypatch.setattr(InceptionScore, "needs", ("images",))
    for metric in (InceptionScore, FID):
        monkeypatch.setattr(metric, "check", told)
    metrics = tuple(parse_axis("metric", ["is,fid"], plugins.load().registry))
    found = ask(["hinge"], ["mlp[hidden=8]"], dataset="digits", metrics=metrics, num_samples=200)
    assert found.planned[0].warnings == ("metric 'is': 200 of 898, 256 and 10", "metric 'fid': 200 of 898, 64 and 10")


def test_where_samples_lie_is_no_part_of_what_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In any cell, baselines too; what is said of the dataset names the place all the same."""
    monkeypatch.chdir(tmp_path)
    images = Digits().load("train", root=tmp_path).data[:120].numpy()
    for place in ("here.npy", "there.npy"):
        np.save(tmp_path / place, images)
    (extractor,) = parse_axis("extractor", ["digits"], plugins.load().registry)

    def on(place: str, architecture: str = "mlp[hidden=8]") -> PlanAnswer:
        return ask(["vanilla"], [architecture], dataset=f"array:{place}", extractor=extractor)

    here, there = on("here.npy"), on(str(tmp_path / "there.npy"))
    assert here.error == there.error == ""
    assert [cell.spec for cell in here.planned] == [cell.spec for cell in there.planned]
    assert [cell.data_at for cell in here.planned] == [{"path": str(tmp_path / "here.npy")}]
    assert str((tmp_path / "here.npy").resolve()) in {stamp.path for stamp in here.files}
    assert [cell.data_at for cell in there.planned] == [{"path": str(tmp_path / "there.npy")}]
    np.save(tmp_path / "there.npy", images[::-1])
    assert on("there.npy").planned[0].spec.trial_id != here.planned[0].spec.trial_id
    assert "'array:there.npy' has no labels" in on("there.npy", "dcgan[condition=projection]").error


def test_a_plan_is_of_the_sources_of_its_components() -> None:
    """A kept one does not hold once a loss has changed, or what it imports of its package."""
    stamped = {stamp.path for stamp in ask(["hinge"], ["mlp[hidden=8]"]).files}
    for module in (hinge, losses, objectives):
        assert str(Path(module.__file__ or "").resolve()) in stamped


@pytest.mark.parametrize(("given", "largest", "expected"), [(None, 150, 150), (None, 10**6, 0), (120, 100, 120)])
def test_as_many_fakes_are_scored_as_the_reference_has_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch, given: int | None, largest: int, expected: int
) -> None:
    monkeypatch.setattr("ganbench.resolving.data.DEFAULT_SAMPLES", largest)
    (cell,) = ask(["vanilla"], ["mlp"], num_samples=given).planned
    evaluation = cell.spec.evaluation
    assert evaluation.num_samples == (expected or evaluation.reference.size)


def test_a_file_that_holds_no_weights_is_refused_before_any_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tmp_path / "wrong.pth"
    wrong.write_text("<html>404</html>")
    monkeypatch.setenv("GANBENCH_INCEPTION_WEIGHTS", str(wrong))
    (extractor,) = parse_axis("extractor", ["inception"], plugins.load().registry)
    found = ask(["hinge"], ["mlp[hidden=8]"], dataset="digits", extractor=extractor)
    assert found.error.startswith(f"{wrong} cannot be read as weights of inception (")
    assert found.error.endswith("); correct GANBENCH_INCEPTION_WEIGHTS, which names it, or unset it")
    assert not found.planned
    # No metric here looks at features.
    assert ask(["hinge"], ["mlp[hidden=8]"], dataset="ring").error == ""

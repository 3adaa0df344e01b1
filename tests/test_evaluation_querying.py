"""Generators that metrics query: as they are scored, without a trace in training or in what else is scored."""

import math
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganbench import plugins, seeds
from ganbench.api import Evidence, Metric, Need, Value
from ganbench.errors import UsageError
from ganbench.evaluation.handout import write_program
from ganbench.evaluation.images import NonFiniteSamples, to_uint8
from ganbench.evaluation.querying import QueriedGenerator, to_query
from ganbench.evaluation.trained import load_generator
from ganbench.extractors.embedded import Digits
from ganbench.metrics.fid import FID
from ganbench.plan import Planned
from ganbench.planning.given import to_request
from ganbench.planning.suite import Suite
from ganbench.planning.suite import to_request as to_run
from ganbench.records.folder import TrialFolder
from ganbench.resolving import plans, sources
from ganbench.spec import Execution, TrialFile
from ganbench.trial import run_trial
from tests.scoring import CPU, TRAIN, evaluator
from tests.workers import lines

Z = torch.randn(700, 5, generator=torch.Generator().manual_seed(0))


class Noisy(nn.Module):
    """Adds noise of its own, and has layers that behave otherwise in training."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.drop = nn.BatchNorm1d(5), nn.Dropout()

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        moved = 0 if labels is None else labels[:, None]
        made: Tensor = self.drop(self.norm(z)) + moved + torch.randn(len(z), 5)
        return made


class Kept(Metric):
    """Keeps what it is given."""

    values: ClassVar = {"kept": Value(label="kept", direction="lower")}
    needs: ClassVar[tuple[Need, ...]] = ("features", "generator")
    when = "final"

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        self.fake, self.reference = fake, reference
        return {"kept": 1.0}


def queried(module: nn.Module, **more: Any) -> QueriedGenerator:
    return QueriedGenerator(**{"module": module, "device": CPU, "latent_dim": 5, "latent": "normal", "classes": 0,
                               "seed": 3, **more})  # fmt: skip


def test_the_same_question_has_the_same_answer_and_asking_leaves_no_trace() -> None:
    module = Noisy()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state = torch.get_rng_state()
    first = queried(module).samples(Z)
    assert first.dtype == torch.float32
    assert not first.requires_grad
    assert torch.equal(queried(module).samples(Z), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(part.training for part in module.modules())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_two_calls_differ_by_z_alone() -> None:
    """The generator's own noise is the same, of more points than are made at a time, too."""
    moved = queried(Noisy()).samples(Z + 1) - queried(Noisy()).samples(Z)
    assert torch.allclose(moved, torch.ones(700, 5) / (1 + 1e-5) ** 0.5, atol=1e-5)
    assert not torch.equal(queried(Noisy(), seed=4).samples(Z), queried(Noisy()).samples(Z))


def test_questions_that_cannot_be_answered_are_refused() -> None:
    plain, conditional = queried(Noisy()), queried(Noisy(), classes=3)
    labels = torch.arange(700) % 3
    moved = conditional.samples(Z, labels) - plain.samples(Z)
    assert torch.allclose(moved, labels[:, None].expand(-1, 5).float(), atol=1e-5)
    for wrong, z, of, words in (
        (plain, Z[:, :4], None, r"z must have the shape \(N, 5\), not \(700, 4\)"),
        (plain, Z[0], None, r"z must have the shape \(N, 5\), not \(5,\)"),
        (plain, Z, labels, "this generator takes no labels"),
        (conditional, Z, None, "this generator needs labels of 0 to 2"),
    ):
        with pytest.raises(ValueError, match=words):
            wrong.samples(z, of)
    for of, words in (
        (labels[:1], r"labels must have the shape \(700,\), one for each z, not \(1,\)"),
        (labels[:, None], r"labels must have the shape \(700,\), one for each z, not \(700, 1\)"),
        (labels.float(), "labels must be whole numbers, not float32"),
        (labels > 0, "labels must be whole numbers, not bool"),
        (labels + 1, "labels must be 0 to 2, not 1 to 3"),
        (labels - 1, "labels must be 0 to 2, not -1 to 1"),
    ):
        with pytest.raises(ValueError, match=words):
            conditional.samples(Z, of)
    assert torch.equal(conditional.samples(Z, labels.int()), conditional.samples(Z, labels))
    with pytest.raises(ValueError, match="no features without an extractor"):
        plain.features(Z)


def test_what_was_asked_with_stays_as_it_was() -> None:
    class InPlace(nn.Module):
        def forward(self, z: Tensor, labels: Tensor) -> Tensor:
            return z.mul_(0) + labels.mul_(0)[:, None]

    z, labels = Z.clone().requires_grad_(), torch.arange(700) % 3
    made = queried(InPlace(), classes=3).samples(z, labels)
    assert not made.any()
    assert not made.requires_grad
    assert torch.equal(z, Z)
    assert torch.equal(labels, torch.arange(700) % 3)


class Images(nn.Module):
    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, z: Tensor) -> Tensor:
        ramp = torch.linspace(0.1, 1, 256).view(1, 1, 16, 16)
        return torch.tanh(z[:, :1, None, None] * ramp).repeat(1, self.channels, 1, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_those_of_samples_as_they_are_scored(channels: int) -> None:
    kept = Kept()
    asked = queried(Images(channels), channels=1 if channels == 3 else 0)
    score = evaluator({"kept": kept, "fid": FID(groups=0)})
    fakes = asked.samples(Z[:60])
    assert fakes.shape == (60, 1, 16, 16)
    values = score.score(fakes, final=True, generator=asked)
    assert kept.fake.generator is not None
    assert kept.fake.features is not None
    assert kept.reference.generator is None
    assert torch.equal(kept.fake.generator.features(Z[:60]), kept.fake.features)
    assert torch.equal(to_uint8(kept.fake.generator.samples(Z[:60])), kept.fake.samples)
    # What a metric asks for changes no other's number.
    assert score.score(fakes, final=True, generator=asked) == values
    assert evaluator({"fid": FID(groups=0)}).score(fakes, final=True)["fid"] == values["fid"]
    assert evaluator({"fid": FID(groups=0)}, extractor=Digits()).score(fakes, final=True, generator=asked) == {
        name: value for name, value in values.items() if name != "kept"
    }


def test_samples_without_a_generator_are_refused_and_real_ones_have_no_value() -> None:
    score = evaluator({"kept": Kept(), "fid": FID(groups=0)})
    fakes = queried(Images()).samples(Z[:60])
    with pytest.raises(UsageError, match="metric 'kept' needs the generator, but only its samples are given"):
        score.score(fakes, final=True)
    values = score.score_real(TRAIN)
    assert math.isnan(values["kept"])
    assert math.isfinite(values["fid"])


def test_what_a_metric_asks_for_is_finite_or_the_generator_has_diverged() -> None:
    kept = Kept()
    score = evaluator({"kept": kept})
    asked = queried(Images())
    score.score(asked.samples(Z[:60]), final=True, generator=asked)
    assert kept.fake.generator is not None
    with pytest.raises(NonFiniteSamples, match="1 of 2 generated samples"):
        kept.fake.generator.features(torch.tensor([[math.nan] * 5, [0.0] * 5]))


GRID = Suite(
    losses=("hinge",), architectures=("mlp[hidden=16,layers=1,condition=projection]",), datasets=("digits",), steps=4,
    batch_size=16, num_samples=100, eval_every=2, metrics=("fid", "ppl"), recipe={"ema_decay": 0.5},
)  # fmt: skip


def run(cell: Planned, place: Path) -> TrialFolder:
    folder = TrialFolder(place / cell.spec.trial_id)
    folder.path.mkdir(parents=True)
    execution = Execution(snapshots=0, source_path=cell.source, data_at=cell.data_at)
    folder.write_spec(TrialFile(trial_id=cell.spec.trial_id, spec=cell.spec, execution=execution))
    assert run_trial(folder) == "done", folder.read_status()
    return folder


def grid(**more: Any) -> list[Planned]:
    request, _ = to_run(Suite(), GRID.model_copy(update=more), plugins.load().registry)
    found = plans.answer(request)
    assert found.error == ""
    return list(found.planned)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TrialFolder, Path]]:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    place = tmp_path_factory.mktemp("querying")
    (cell,) = grid()
    yield run(cell, place / "runs"), place
    for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
        signal.signal(number, handler)


def test_a_trial_trains_and_scores_as_it_would_without(trained: tuple[TrialFolder, Path], tmp_path: Path) -> None:
    folder, _ = trained
    (cell,) = grid(metrics=("fid",))
    without = run(cell, tmp_path)
    ours, theirs = (load_generator(each.path).state_dict() for each in (folder, without))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    found, wanted = (lines(each.metrics) for each in (folder, without))
    assert [set(one["values"]) - set(other["values"]) for one, other in zip(found, wanted, strict=True)] == [
        set(),
        {"ppl", "ppl_std"},
    ]
    for one, other in zip(found, wanted, strict=True):
        assert {name: one["values"][name] for name in other["values"]} == other["values"]
    assert found[-1]["values"]["ppl"] > 0


@pytest.mark.parametrize(("name", "more"), [("g.pt2", {}), ("g.pt", {"latent_dim": 32}), ("", {})])
def test_whatever_has_a_generator_has_the_trials_value(
    trained: tuple[TrialFolder, Path], name: str, more: dict[str, Any], tmp_path: Path
) -> None:
    folder, _ = trained
    generator = load_generator(folder.path)
    given = tmp_path / name if name else folder.path
    if name == "g.pt2":
        write_program(given, generator)
    elif name:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            inputs = (torch.zeros(2, generator.latent_dim), torch.zeros(2, dtype=torch.int64))
            torch.jit.trace(generator, inputs).save(str(given))
    scored = {"against": str(folder.path), "value_range": "-1:1"} if name else {"metrics": ["ppl"]}
    request = to_request([given], plugins.load().registry, device="cpu", **scored, **more)
    found = sources.answer(request)
    assert found.error == ""
    again = run(found.planned[0], tmp_path / "runs").read_result()["metrics"]
    assert again["ppl"] == pytest.approx(folder.read_result()["metrics"]["ppl"], rel=1e-5)


def test_a_colour_generator_is_queried_in_the_grey_that_it_is_scored_in(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"against": "digits", "metrics": ["ppl"], "num_samples": 100, "latent_dim": 5}
    found = []
    for channels in (1, 3):
        path = tmp_path / f"{channels}.pt"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.trace(Images(channels).eval(), torch.randn(2, 5)).save(str(path))
        request = to_request([path], plugins.load().registry, device="cpu", channels=1, value_range="-1:1", **asked)
        (cell,) = sources.answer(request).planned
        found.append(run(cell, tmp_path / "runs").read_result()["metrics"])
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert found[0]["ppl"] > 0


def test_each_seed_of_a_trial_has_draws_of_its_own() -> None:
    (cell,) = grid()
    drawn = [to_query(nn.Identity(), cell.spec.model_copy(update={"seed": seed}), CPU).seed for seed in (0, 1, 0)]
    assert drawn[0] == drawn[2] != drawn[1]
    assert all(0 <= seed < 2**32 for seed in drawn)


def test_a_trials_generator_says_what_it_takes() -> None:
    for more, wanted in (
        ({"recipe": {"latent": "uniform", "latent_dim": 12}}, (12, "uniform", 10)),
        ({"architectures": ("mlp[hidden=16,layers=1]",)}, (32, "normal", 0)),
    ):
        (cell,) = grid(**more)
        asked = to_query(nn.Identity(), cell.spec, CPU)
        assert (asked.latent_dim, asked.latent, asked.classes) == wanted
        # The stream that stored numbers were drawn from, and no other use has.
        assert asked.seed == seeds.stream_seed(0, "queries") % 2**32


def test_samples_alone_are_refused_by_name_while_planning(trained: tuple[TrialFolder, Path], tmp_path: Path) -> None:
    np.save(tmp_path / "fakes.npy", TRAIN.data[:200].numpy())
    for scored in ({"against": str(trained[0].path)}, {"against": "digits", "metrics": ["fid", "ppl"]}):
        asked = to_request([tmp_path / "fakes.npy"], plugins.load().registry, device="cpu", **scored)
        assert sources.answer(asked).error == (
            "metric 'ppl' queries the generator, but 'fakes.npy' contains samples alone; leave the metric out "
            "(--metrics), or score the generator itself"
        )


def test_the_floor_has_no_value_and_the_ceiling_has_one(tmp_path: Path) -> None:
    cells = [cell for cell in grid(baselines=True) if cell.baseline]
    found = {cell.spec.baseline: run(cell, tmp_path).read_result()["metrics"] for cell in cells}
    assert found["real"]["ppl"] is None
    assert found["real"]["fid"] is not None
    assert found["untrained"]["ppl"] > 0

"""Every argument of ``ganbench.run`` reaches what is run; nothing is run here."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ganbench
from ganbench import session
from ganbench.errors import GanbenchError, UsageError
from ganbench.plan import PlanRequest
from ganbench.planning.request import RunRequest
from ganbench.running.outcome import Outcome

Run = Callable[..., RunRequest]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call ``ganbench.run``; what would have been run."""

    def asked(**given: Any) -> RunRequest:
        wanted: list[RunRequest] = []

        def shown(request: RunRequest, loaded: object, *, quiet: bool) -> Outcome:
            assert quiet == given.get("quiet", False)
            wanted.append(request)
            return Outcome()

        monkeypatch.setattr(session, "run_shown", shown)
        grid = {} if "suite" in given else {"losses": "vanilla", "architectures": "mlp", "datasets": "ring"}
        table = ganbench.run(**grid | given)
        assert len(table) == 0
        return wanted[0]

    return asked


GIVEN: dict[str, tuple[Any, Callable[[Any], Any], Any]] = {
    "losses": (["hinge", "lsgan"], lambda it: [loss.loss.name for loss in it.plan.losses], ["hinge", "lsgan"]),
    "architectures": ("dcgan", lambda it: [part.name for part in it.plan.architectures], ["dcgan"]),
    "datasets": (["grid"], lambda it: [part.name for part in it.plan.datasets], ["grid"]),
    "seeds": ([3, 1], lambda it: it.seeds, (3, 1)),
    "recipe": ({"n_critic": 2}, lambda it: it.plan.recipe, {"n_critic": 2}),
    "steps": (7, lambda it: it.plan.recipe, {"steps": 7}),
    "images": (700, lambda it: it.plan.images, 700),
    "batch_size": (9, lambda it: it.plan.recipe, {"batch_size": 9}),
    "protocol": ("uniform", lambda it: it.plan.policy, "uniform"),
    "metrics": (["kid"], lambda it: [part.name for part in it.plan.metrics or ()], ["kid"]),
    "extractor": ("digits", lambda it: it.plan.extractor and it.plan.extractor.name, "digits"),
    "num_samples": (123, lambda it: it.plan.num_samples, 123),
    "reference": ("test", lambda it: it.plan.reference_split, "test"),
    "labels": ("balanced", lambda it: it.plan.labels, "balanced"),
    "eval_every": (0, lambda it: it.plan.eval_every, 0),
    "baselines": (True, lambda it: it.plan.baselines, True),
    "data_root": ("elsewhere", lambda it: Path(it.plan.data_root).name, "elsewhere"),
    "out": ("there", lambda it: it.out, Path("there")),
    "device": ("cuda:1", lambda it: it.device, "cuda:1"),
    "jobs": (3, lambda it: it.jobs, 3),
    "trackers": ("tensorboard", lambda it: [part.name for part in it.trackers], ["tensorboard"]),
    "timeout": (90, lambda it: it.timeout, 90.0),
    "memory_limit": ("4G", lambda it: it.memory_limit, 4 << 30),
    "checkpoint_seconds": (5, lambda it: it.checkpoint_seconds, 5.0),
    "retry": (True, lambda it: it.retry, True),
    "executor": ("slurm", lambda it: it.executor, "slurm"),
    "executor_options": ({"time": "60"}, lambda it: it.executor_options, {"time": "60"}),
    "devices": ([0, "GPU-1"], lambda it: it.devices, ("0", "GPU-1")),
    "per_device": ("auto", lambda it: it.per_device, -1),
    "batch_seeds": (True, lambda it: it.batch_seeds, True),
}


@pytest.mark.parametrize("name", GIVEN)
def test_what_is_given_is_what_is_asked_for_and_nothing_else_is(run: Run, name: str) -> None:
    value, read, expected = GIVEN[name]
    usual, changed = run(), run(**{name: value})
    assert read(changed) == expected
    assert read(usual) != expected
    differing = {field for field in RunRequest.model_fields if getattr(usual, field) != getattr(changed, field)}
    assert len(differing) == 1


def test_what_is_not_given_is_as_a_request_has_it(run: Run) -> None:
    found = run()
    assert found == RunRequest(plan=found.plan, seeds=(0,), out=Path("runs"))


def test_no_argument_is_forgotten_here() -> None:
    assert set(GIVEN) | {"suite", "quiet"} == set(inspect.signature(ganbench.run).parameters)


def test_without_words_progress_is_shown_and_with_one_it_is_not(run: Run) -> None:
    run()
    run(quiet=True)
    run(quiet=np.True_)  # as a comparison of NumPy's numbers is


def test_a_suite_gives_what_the_call_does_not(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_text('losses = ["lsgan"]\narchitectures = ["mlp"]\ndatasets = ["ring"]\nseeds = 4\n')
    path.write_text(path.read_text() + 'trackers = ["tensorboard"]\n')
    found = run(suite=str(path), seeds=2)
    assert [part.name for part in found.trackers] == ["tensorboard"]
    assert isinstance(found.plan, PlanRequest)
    assert [loss.loss.name for loss in found.plan.losses] == ["lsgan"]
    assert found.seeds == (0, 1)
    path.write_text("losses = 5\n")
    with pytest.raises(UsageError, match="losses"):
        run(suite=path)
    with pytest.raises(GanbenchError, match=r"grid\.yaml"):
        run(suite=tmp_path / "grid.yaml")


def test_an_interrupted_run_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "run_shown", lambda *_, **__: Outcome(interrupted=True))
    with pytest.raises(KeyboardInterrupt):
        ganbench.run("vanilla", "mlp", "ring")

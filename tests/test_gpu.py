"""Whole runs on a GPU, and what is computed there against the CPU. Without a GPU nothing here says anything."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ganbench.architectures.mlp import MLP
from ganbench.evaluation.features import extract
from ganbench.extractors.embedded import Digits
from ganbench.losses.hinge import Hinge
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGANGP
from ganbench.penalties.feature_matching import FeatureMatching
from ganbench.records.folder import TrialFolder
from ganbench.training.batchable import obstacle_to_batching
from ganbench.training.loop import train, whole_step
from ganbench.training.objective import Objective
from ganbench.training.recorded import WARM_UP, Recorded
from tests.batches import SEEDS, assert_same, build, members, recipe, together
from tests.commands import ganbench
from tests.loops import Notes, Peculiar, counts, objective, rebinds, state_with

GPU = "cuda"
PLAIN = MLP(hidden=16, layers=2, init="kaiming")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(GPU == "cuda" and not torch.cuda.is_available(), reason="needs a GPU"),
]


def run(folder: Path, *options: str) -> list[Path]:
    """Run a grid there; return the folders of its trials, all of which are done."""
    done = ganbench("run", "--device", GPU, "--steps", "30", "--batch-size", "16", *options, cwd=folder)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    trials = sorted(path.parent for path in (folder / "runs").glob("*/spec.json"))
    for trial in trials:
        assert json.loads((trial / "status.json").read_text())["status"] == "done", done.stderr
    return trials


def result(trial: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((trial / "result.json").read_text())
    return content


def test_the_four_losses_on_networks_of_images(tmp_path: Path) -> None:
    trials = run(tmp_path, "--losses", "vanilla,lsgan,wgan-gp,hinge", "--arch", "dcgan[width=8],resnet[width=8]")
    assert len(trials) == 8
    for trial in trials:
        found = result(trial)
        assert found["environment"]["device"].startswith(GPU)
        assert found["metrics"]["fid"] > 0
        assert found["cost"]["peak_memory"] > 0
        log = TrialFolder(trial).log.read_text()
        assert "not recorded" not in log
        assert "the plain memory layout" not in log


@pytest.mark.parametrize(
    "options",
    [
        ["--set", "precision=bfloat16"],
        ["--set", "augment=translation", "--set", "ada_target=0.6"],
        ["--set", "replay=32", "--set", "ema_decay=0.9"],
        ["--set", "optimizer=rmsprop", "--set", "n_critic=2"],
        ["--set", "lr_schedule=linear"],
        ["--set", "lr_schedule=linear,lr_decay_start=3"],
        ["--set", "lr_schedule=cosine,lr_final=0.25,adam_eps=1e-6"],
        ["--set", "mirror=0.5", "--set", "g_batches=2"],
        ["--set", "n_generator=2,ema_decay=0.9"],
        ["--set", "n_critic_boost=9,boost_first=3,boost_every=5"],
        ["--set", "penalty_every=4"],
        ["--set", "penalty_final=0.1,penalty_decay_steps=5"],
        ["--set", "standing_batches=4,ema_decay=0.9"],
    ],
    ids=lambda options: options[1],
)
def test_parts_of_a_recipe(options: list[str], tmp_path: Path) -> None:
    (trial,) = run(tmp_path, "--losses", "hinge+r1", "--arch", "dcgan[width=8]", *options)
    assert result(trial)["metrics"]["fid"] > 0


@pytest.mark.parametrize(
    ("losses", "options"),
    [
        ("hinge+r1+mode-seeking+path-length[gamma_pl=0.1]", []),
        ("vanilla+mode-seeking+orthogonal", []),
        ("vanilla+feature-matching", ["--set", "augment=translation,ada_target=0.6,mirror=0.5,g_batches=2"]),
        ("vanilla+feature-matching", ["--set", "precision=bfloat16,n_generator=2"]),
    ],
)
@pytest.mark.parametrize("condition", ["none", "projection"])
def test_penalties_on_the_generator(losses: str, options: list[str], condition: str, tmp_path: Path) -> None:
    (trial,) = run(tmp_path, "--losses", losses, "--arch", f"dcgan[width=8,condition={condition}]", *options)
    assert result(trial)["metrics"]["fid"] > 0
    log = TrialFolder(trial).log.read_text()
    assert "not recorded" not in log or "not recorded: a penalty that remembers earlier updates" in log
    assert "remembers" not in log or "path-length" in losses


def test_class_labels(tmp_path: Path) -> None:
    (trial,) = run(tmp_path, "--losses", "hinge", "--arch", "dcgan[width=8,condition=projection]")
    assert "not recorded" not in TrialFolder(trial).log.read_text()


def test_several_trials_on_one_gpu(tmp_path: Path) -> None:
    trials = run(tmp_path, "--losses", "vanilla", "--arch", "mlp", "--dataset", "ring", "--seeds", "4",
                 "--per-device", "2")  # fmt: skip
    assert len(trials) == 4


@pytest.mark.parametrize("goal", [lambda: objective(WGANGP()), lambda: objective(Vanilla(), FeatureMatching())])
def test_batched_seeds_go_the_way_they_go_alone(goal: Callable[[], Objective], float64: None) -> None:
    chosen, device = recipe(), torch.device(GPU)
    states = [build(chosen, seed, device=device) for seed in SEEDS]
    assert obstacle_to_batching(PLAIN, states, chosen) == ""
    group = members(chosen, goal, device=device)
    together(group, chosen)
    for seed, member in zip(SEEDS, group, strict=True):
        alone = build(chosen, seed, device=device)
        train(alone, goal(), chosen, Notes(), evaluate_every=0)
        assert_same(member.state, alone)


def recorded(discriminator: Peculiar, device: str = GPU) -> Recorded:
    """Steps there after the first few; what can be recorded is."""
    step = whole_step(state_with(discriminator, recipe(), device=device), objective(Hinge()), recipe())
    assert isinstance(step, Recorded)
    for _ in range(WARM_UP + 3):
        assert step().isfinite().all()
    return step


def test_a_network_that_waits_for_the_device_leaves_it_as_it_was() -> None:
    assert recorded(Peculiar(lambda network: network.ema.item())).given_up
    torch.cuda.empty_cache()
    assert recorded(Peculiar(lambda network: None)).given_up == ""


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_one_card_after_the_other() -> None:
    for device in ("cuda:0", "cuda:1"):
        assert recorded(Peculiar(lambda network: None), device).given_up == ""
    assert torch.cuda.current_device() == 0


@pytest.mark.parametrize("also", [rebinds, counts])
def test_what_a_recording_would_not_repeat_is_noticed(also: Callable[[Peculiar], object]) -> None:
    assert recorded(Peculiar(also)).given_up


def test_recording_leaves_a_trial_the_memory_of_its_steps() -> None:
    """The weights are nearly all of it: they, two moments and a gradient, and at no time a copy for comparison.

    What cuBLAS works in, some tens of MiB for each stream, is little beside them.
    """
    peaks = []
    for remembers in (False, True):
        torch.cuda.empty_cache()
        before = torch.cuda.memory_reserved()
        chosen, wide = recipe(), MLP(hidden=4096, layers=4, init="kaiming")
        state = build(chosen, 0, wide, torch.device(GPU))
        step = whole_step(state, objective(Hinge()), chosen)
        assert isinstance(step, Recorded)
        step._obstacle = lambda remembers=remembers: "as asked" if remembers else ""  # type: ignore[misc]
        for _ in range(WARM_UP + 3):
            step()
        assert step.given_up == ("as asked" if remembers else "")
        peaks.append(torch.cuda.max_memory_reserved() - before)
        weights = sum(4 * each.numel() for net in (state.generator, state.discriminator) for each in net.parameters())
        assert peaks[-1] < 6 * weights
        del state, step


def test_features_are_those_of_the_cpu() -> None:
    images = torch.randint(0, 256, (600, 1, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    network = Digits().build(["64", "logits"])
    wanted = extract(network, images, channels=1, device=torch.device("cpu"), batch_size=500)
    found = extract(network.to(GPU), images, channels=1, device=torch.device(GPU), batch_size=500)
    for own, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-4)

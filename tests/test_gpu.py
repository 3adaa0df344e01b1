"""Whole runs on a GPU, and what is computed there against the CPU. Without a GPU nothing here says anything."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from ganbench.architectures.mlp import MLP
from ganbench.evaluation.features import extract
from ganbench.extractors.embedded import Digits
from ganbench.losses.wgan import WGANGP
from ganbench.training.batched import obstacle
from ganbench.training.loop import train
from tests.batches import SEEDS, assert_same, build, members, recipe, together
from tests.commands import ganbench
from tests.loops import Notes, objective

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
        log = (trial / "log.txt").read_text()
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
    ],
    ids=lambda options: options[1],
)
def test_parts_of_a_recipe(options: list[str], tmp_path: Path) -> None:
    (trial,) = run(tmp_path, "--losses", "hinge+r1", "--arch", "dcgan[width=8]", *options)
    assert result(trial)["metrics"]["fid"] > 0


def test_class_labels(tmp_path: Path) -> None:
    (trial,) = run(tmp_path, "--losses", "hinge", "--arch", "dcgan[width=8,condition=projection]")
    assert "class labels" in (trial / "log.txt").read_text()


def test_several_trials_on_one_gpu(tmp_path: Path) -> None:
    trials = run(tmp_path, "--losses", "vanilla", "--arch", "mlp", "--dataset", "ring", "--seeds", "4",
                 "--per-device", "2")  # fmt: skip
    assert len(trials) == 4


def test_batched_seeds_go_the_way_they_go_alone(float64: None) -> None:
    chosen, device = recipe(), torch.device(GPU)
    assert obstacle(PLAIN, [build(chosen, seed, device=device) for seed in SEEDS], chosen) == ""
    group = members(chosen, lambda: objective(WGANGP()), device=device)
    together(group, chosen)
    for seed, member in zip(SEEDS, group, strict=True):
        alone = build(chosen, seed, device=device)
        train(alone, objective(WGANGP()), chosen, Notes(), evaluate_every=0)
        assert_same(member.state, alone)


def test_features_are_those_of_the_cpu() -> None:
    images = torch.randint(0, 256, (600, 1, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    network = Digits().build(["64", "logits"])
    wanted = extract(network, images, channels=1, device=torch.device("cpu"), batch_size=500)
    found = extract(network.to(GPU), images, channels=1, device=torch.device(GPU), batch_size=500)
    for own, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-4)

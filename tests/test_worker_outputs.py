"""What a trained trial leaves behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load, load_file, save
from torch import Tensor, nn

from ganbench import seeds, trial
from ganbench.api import Architecture, Samples
from ganbench.architectures.dcgan import DCGAN
from ganbench.evaluation import drawing
from ganbench.evaluation.sampling import sample
from ganbench.spec import TrialSpec
from ganbench.training.state import State
from ganbench.worker import outputs
from ganbench.worker.outputs import PREVIEW_POINTS, as_pictured, preview_columns, preview_samples, weights_of
from ganbench.worker.parts import Parts
from ganbench.worker.recording import Recorder
from tests.workers import MLP, StopAfter, lines, planned

CPU = torch.device("cpu")


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = self.first
        self.kernel = nn.Parameter(torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last))


def test_tied_weights_and_any_layout_are_written() -> None:
    network = Tied()
    written = load(save(weights_of(network)))
    assert written.keys() == {"first.weight", "first.bias", "second.weight", "second.bias", "kernel"}
    again = Tied()
    again.load_state_dict(written)
    assert torch.equal(again.second.weight, network.first.weight)
    assert torch.equal(again.kernel, network.kernel)


def test_of_real_samples_a_picture_takes_no_more_than_it_has_room_for() -> None:
    """2,500 large images, of which 64 are drawn, would take gigabytes."""
    images = torch.arange(100, dtype=torch.uint8).view(-1, 1, 1, 1)
    assert torch.equal(as_pictured(Samples(data=images)), images[:64] / 127.5 - 1)
    points = torch.randn(3000, 2)
    assert torch.equal(as_pictured(Samples(data=points)), points[:2500])


@pytest.mark.parametrize("classes", [3, 20])
def test_a_conditional_generator_is_pictured_with_a_column_for_each_of_a_few_classes(
    trial_spec: Callable[..., TrialSpec], classes: int
) -> None:
    spec = trial_spec(recipe={"latent_dim": 4, "batch_size": 8})
    spec = spec.model_copy(update={"data": spec.data.model_copy(update={"classes": classes})})
    samples = Samples(
        data=torch.zeros(40, 1, 16, 16, dtype=torch.uint8), labels=torch.arange(40) % classes,
        classes=tuple(map(str, range(classes))),
    )  # fmt: skip

    def pictured(architecture: Architecture) -> tuple[int, int, list[Tensor]]:
        state = State(architecture=architecture, samples=samples, recipe=spec.recipe, seed=0, device=CPU)
        seen: list[Tensor] = []
        state.generator.register_forward_pre_hook(lambda module, inputs: seen.extend(inputs[1:]))
        return len(preview_samples(state, spec)), preview_columns(state, spec), seen

    count, columns, seen = pictured(DCGAN(width=4, condition="projection"))
    assert (count, columns) == ((24, 3) if classes == 3 else (64, 8))
    assert torch.cat(seen).tolist() == [number % classes for number in range(count)]
    assert pictured(DCGAN(width=4)) == (64, 8, [])


@pytest.mark.usefixtures("signals_as_before")
def test_what_is_left_of_a_trial_that_was_stopped_once(tmp_path: Path) -> None:
    """The weights say whose they are, and no checkpoint is left that nobody needs."""
    (folder,) = planned(tmp_path, MLP, seeds=1, steps=6, every=0)
    assert trial.run_trial(folder, StopAfter(2)) == "interrupted"
    assert folder.checkpoint.is_file()
    assert trial.run_trial(folder) == "done"
    assert not list(folder.path.glob("checkpoint*"))
    with safe_open(folder.generator, framework="pt") as weights:
        assert weights.metadata() == {"trial_id": folder.trial_id}


@pytest.mark.usefixtures("signals_as_before")
@pytest.mark.parametrize("recipe", [{}, {"ema_decay": 0.9}, {"latent": "uniform"}], ids=str)
def test_what_is_scored_pictured_and_kept_is_one_generator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: dict[str, Any]
) -> None:
    """The average where the recipe has one, else the generator as it is."""
    ended: list[State] = []
    scored: list[Tensor] = []

    def conclude(state: State, parts: Parts, recorder: Recorder) -> None:
        ended.append(state)
        outputs.conclude(state, parts, recorder)

    def note(*arguments: Any) -> tuple[Tensor, Tensor | None]:
        fakes, labels = drawing.draw_to_score(*arguments)
        scored.append(fakes)
        return fakes, labels

    monkeypatch.setattr(trial, "conclude", conclude)
    monkeypatch.setattr("ganbench.worker.watcher.draw_to_score", note)
    (folder,) = planned(tmp_path, MLP, seeds=1, every=0, **recipe)
    assert trial.run_trial(folder) == "done"
    (state,), spec = ended, folder.read_spec().spec

    wanted = state.average.module if state.average is not None else state.generator
    assert (state.average is not None) == ("ema_decay" in recipe)
    written, own = load_file(folder.generator), wanted.state_dict()
    assert written.keys() == own.keys()
    assert all(torch.equal(written[name], value) for name, value in own.items())
    assert state.average is None or not all(
        torch.equal(written[name], value) for name, value in state.generator.state_dict().items()
    )

    def drawn(n: int, seed: int, stream: str) -> Tensor:
        return sample(
            wanted, n=n, latent_dim=spec.recipe.latent_dim, latent=spec.recipe.latent,
            rng=seeds.stream(seed, stream), device=state.device,
        )  # fmt: skip

    assert torch.equal(scored[-1], drawn(200, spec.seed, seeds.EVALUATION))
    assert torch.equal(preview_samples(state, spec), drawn(PREVIEW_POINTS, 0, seeds.PREVIEW))
    other_seed = spec.model_copy(update={"seed": 5})  # all trials share the points of a picture
    assert torch.equal(preview_samples(state, other_seed), preview_samples(state, spec))
    last = lines(folder.snapshots)[-1]
    assert last["step"] == spec.recipe.steps
    assert torch.allclose(torch.tensor(last["points"]), preview_samples(state, spec)[: len(last["points"])], rtol=1e-3)


@pytest.mark.usefixtures("signals_as_before")
def test_training_is_not_lost_over_a_picture_of_what_is_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def some_missing(state: State, spec: TrialSpec) -> Tensor:
        samples = preview_samples(state, spec)
        samples[:3] = float("nan")
        return samples

    monkeypatch.setattr(outputs, "preview_samples", some_missing)
    (folder,) = planned(tmp_path, MLP, seeds=1, steps=2, every=0)
    assert trial.run_trial(folder) == "done"
    assert folder.samples.is_file()
    told = [line for line in folder.read_result()["warnings"] if "samples.png" in line]
    assert told == ["samples.png: 3 of 2500 samples in the picture are not finite; the plot leaves those out"]

"""What a trained trial leaves behind."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load, save
from torch import nn

from ganbench.api import Samples
from ganbench.folder import TrialFolder
from ganbench.losses.vanilla import Vanilla
from ganbench.outputs import preview_samples, weights_of, write_outcome
from ganbench.recording import Recorder
from ganbench.spec import DataSpec, Execution, TrialFile, TrialSpec
from tests.loops import Make, objective, recipe, run
from tests.trials import component

POINTS = DataSpec(component=component("ring"), kind="vector", shape=(2,), size=40, fingerprint="f" * 64)


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


def test_what_is_written_is_of_the_weights_that_are_scored(
    make_state: Make, trial_spec: Callable[..., TrialSpec], tmp_path: Path
) -> None:
    """The average of the generator, where there is one, and not the generator that was trained last."""
    settings = recipe(ema_decay=0.9)
    state = make_state(settings)
    run(state, settings, objective(Vanilla()))
    average, last = weights_of(state.scored), weights_of(state.generator)
    assert any(not torch.equal(average[name], last[name]) for name in average)
    spec = trial_spec(recipe=settings, data=POINTS)
    trial = TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution())
    folder = TrialFolder(tmp_path)
    parts: Any = SimpleNamespace(train=Samples(data=torch.randn(40, 2)), dataset=SimpleNamespace(mixture=lambda: None))
    write_outcome(state, spec, parts, Recorder(folder, trial))
    written = load(folder.generator.read_bytes())
    assert written.keys() == average.keys()
    assert all(torch.equal(written[name], average[name]) for name in average)
    assert folder.samples.read_bytes().startswith(b"\x89PNG")
    shown = preview_samples(state, spec)
    state.generator.load_state_dict(average)
    state.average = None
    assert torch.equal(shown, preview_samples(state, spec))

"""Which samples are scored, and which are drawn from a finished trial: by their streams, seeds and latent points."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench import seeds
from ganbench.api import Samples
from ganbench.errors import StoreError
from ganbench.evaluation.drawing import draw, draw_to_score, rebuild_generator
from ganbench.evaluation.labels import balanced, like
from ganbench.evaluation.sampling import draw_latents, sample
from ganbench.records.folder import TrialFolder
from ganbench.spec import TrialSpec
from ganbench.trial import run_trial
from tests.trials import make_spec
from tests.workers import MLP, planned

CPU = torch.device("cpu")
REFERENCE = Samples(data=torch.zeros(30, 2), labels=torch.arange(30) % 3)


class Echo(nn.Module):
    """Returns z, and notes the labels it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: list[Tensor] = []

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        if labels is not None:
            self.labels.append(labels)
        return z


def spec(labels: str = "none", **settings: Any) -> TrialSpec:
    plain = make_spec(num_samples=40, **settings)
    return plain.model_copy(
        update={
            "evaluation": plain.evaluation.model_copy(update={"labels": labels}),
            "data": plain.data.model_copy(update={"classes": 3}),
        }
    )


@pytest.mark.parametrize("latent", ["normal", "uniform"])
@pytest.mark.parametrize("seed", [0, 7])
def test_what_is_scored_comes_from_the_trials_own_stream_for_evaluation(seed: int, latent: Any) -> None:
    trial = spec(seed=seed, latent=latent, latent_dim=5)
    fakes, labels = draw_to_score(Echo(), trial, REFERENCE, CPU)
    assert labels is None
    assert torch.equal(fakes, draw_latents(40, 5, latent, seeds.stream(seed, seeds.EVALUATION)))
    again, _ = draw_to_score(Echo(), trial, REFERENCE, CPU)
    assert torch.equal(fakes, again)


@pytest.mark.parametrize("seed", [0, 7])
def test_labels_come_from_a_stream_of_their_own(seed: int) -> None:
    def rng() -> torch.Generator:
        return seeds.stream(seed, seeds.EVALUATION_LABELS)

    assert REFERENCE.labels is not None
    for kind, expected in (("balanced", balanced(40, 3, rng())), ("reference", like(40, REFERENCE.labels, rng()))):
        generator = Echo()
        fakes, labels = draw_to_score(generator, spec(kind, seed=seed, latent_dim=5), REFERENCE, CPU)
        assert labels is not None
        assert torch.equal(labels, expected)
        assert torch.equal(torch.cat(generator.labels), expected)
        assert torch.equal(fakes, draw_latents(40, 5, "normal", seeds.stream(seed, seeds.EVALUATION)))


@pytest.mark.usefixtures("signals_as_before")
@pytest.mark.parametrize("latent", ["normal", "uniform"])
def test_a_finished_trial_is_drawn_from_by_the_seed_that_is_given(tmp_path: Path, latent: Any) -> None:
    (folder,) = planned(tmp_path, MLP, seeds=1, steps=2, every=0, latent=latent)
    assert run_trial(folder) == "done"
    trial = folder.read_spec()
    generator = rebuild_generator(folder, trial.spec, print)
    for seed in (0, 3):
        drawn, labels = draw(folder, trial, count=9, seed=seed, wanted=None, device=CPU, warn=print)
        expected = sample(
            generator, n=9, latent_dim=trial.spec.recipe.latent_dim, latent=latent,
            rng=seeds.stream(seed, seeds.PREVIEW), device=CPU,
        )  # fmt: skip
        assert labels is None
        assert torch.equal(drawn, expected)


def test_weights_that_are_a_link_are_not_read(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    folder.path.mkdir()
    (tmp_path / "elsewhere").touch()
    folder.generator.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"generator\.safetensors is a link or no file, which is not read"):
        rebuild_generator(folder, spec(), print)

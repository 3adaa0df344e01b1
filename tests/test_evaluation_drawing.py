"""Which samples are scored, and which are drawn from a finished trial: by their streams, seeds and latent points."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ganbench import seeds
from ganbench.api import Samples
from ganbench.errors import StoreError, UsageError
from ganbench.evaluation.drawing import Choice, Drawer, draw_to_score, rebuild_generator
from ganbench.evaluation.labels import balanced, like
from ganbench.evaluation.latents import draw_truncated, draw_walks
from ganbench.evaluation.preview import write_grid
from ganbench.evaluation.sampling import draw_latents, generate, sample
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
    drawer = Drawer(folder=folder, trial=trial, device=CPU, warn=print)
    generator = rebuild_generator(folder, trial.spec, print)
    for seed in (0, 3):
        drawn, labels = drawer.draw(9, Choice(seed=seed))
        expected = sample(
            generator, n=9, latent_dim=trial.spec.recipe.latent_dim, latent=latent,
            rng=seeds.stream(seed, seeds.PREVIEW), device=CPU,
        )  # fmt: skip
        assert labels is None
        assert torch.equal(drawn, expected)
        if latent == "uniform":
            with pytest.raises(UsageError, match="leave --truncation out"):
                drawer.draw(9, Choice(seed=seed, truncation=0.5))
            continue
        cut, _ = drawer.draw(9, Choice(seed=seed, truncation=0.5))
        rng = seeds.stream(seed, seeds.PREVIEW)
        points = draw_truncated(9, trial.spec.recipe.latent_dim, latent, rng, 0.5)
        assert torch.equal(cut, generate(generator, points, rng=rng, device=CPU))
    with pytest.raises(UsageError, match="are points, whose plot has no rows to walk along; leave --interpolate out"):
        drawer.draw_walks(2, 3, Choice())
    # Whatever fits the architecture could be loaded: only the manifest tells whose weights these are.
    save_file({name: weight + 1 for name, weight in load_file(folder.generator).items()}, folder.generator)
    with pytest.raises(StoreError, match=r"generator\.safetensors .*; restore it, or remove the trial"):
        drawer.draw(9, Choice())


@pytest.mark.parametrize(("wanted", "classes"), [(None, [0, 1, 2, 0]), ("2", [2, 2, 2, 2])])
def test_a_walk_keeps_to_one_class(wanted: str | None, classes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    generator = Echo()
    monkeypatch.setattr("ganbench.evaluation.drawing.rebuild_generator", lambda *_: generator)
    monkeypatch.setattr("ganbench.evaluation.drawing._class_number", lambda *_: 2)
    plain = spec("balanced", latent_dim=5)
    images = plain.model_copy(update={"data": plain.data.model_copy(update={"shape": (1, 8, 8)})})
    trial: Any = SimpleNamespace(spec=images, trial_id="t")
    drawer = Drawer(folder=TrialFolder(Path()), trial=trial, device=CPU, warn=print)
    drawn, labels = drawer.draw_walks(4, 3, Choice(seed=6, wanted=wanted))
    assert labels is not None
    assert labels.view(4, 3).tolist() == [[one] * 3 for one in classes]
    assert torch.equal(torch.cat(generator.labels), labels)
    assert torch.equal(drawn, draw_walks(4, 3, 5, "normal", seeds.stream(6, seeds.PREVIEW)))


def test_there_is_a_picture_of_images_and_of_points_but_not_of_numbers_on_a_line(tmp_path: Path) -> None:
    out = tmp_path / "samples.png"
    for samples, size in ((torch.zeros(6, 1, 200, 200), (403, 604)), (torch.eye(2), (640, 640))):
        write_grid(out, samples, 2, {"Trial": "mine"})
        with Image.open(out) as picture:
            assert (picture.size, picture.info["Trial"]) == (size, "mine")
    with pytest.raises(UsageError, match=r"cannot be drawn as a picture; use --out samples\.npy"):
        write_grid(tmp_path / "line.png", torch.zeros(5, 1), 2)
    assert not (tmp_path / "line.png").exists()


def test_weights_that_are_a_link_are_not_read(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    folder.path.mkdir()
    (tmp_path / "elsewhere").touch()
    folder.generator.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"generator\.safetensors is a link or no file, which is not read"):
        rebuild_generator(folder, spec(), print)

"""``ganbench.load_generator``: the generator that was scored, and no other use of it than it is made for."""

import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import assert_type

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import ganbench
from ganbench import seeds
from ganbench.api import Samples
from ganbench.datasets.digits import Digits
from ganbench.errors import StoreError, UsageError
from ganbench.evaluation.drawing import Drawer
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.labels import like
from ganbench.evaluation.sampling import sample
from ganbench.evaluation.trained import TrainedGenerator, _device
from ganbench.extractors.embedded import Digits as DigitsExtractor
from ganbench.metrics.fid import FID
from ganbench.records.folder import TrialFolder
from ganbench.registry import Entry, Registry

CPU = torch.device("cpu")


def trained(place: Path, architecture: str) -> Path:
    """A trial of a few steps, and its folder."""
    ganbench.run(
        losses="hinge", architectures=architecture, steps=4, batch_size=16, num_samples=100, device="cpu", quiet=True,
        metrics="fid", recipe={"ema_decay": 0.5}, out=place,
    )  # fmt: skip
    (folder,) = place.glob("*/generator.safetensors")
    return folder.parent


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("plain"), "dcgan")


@pytest.fixture(scope="module")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("conditional"), "mlp[condition=projection,hidden=16,layers=1]")


def drawer(folder: TrialFolder) -> Drawer:
    return Drawer(folder=folder, trial=folder.read_spec(), device=CPU, warn=pytest.fail)


def test_it_makes_the_samples_that_the_trial_scored(plain: Path) -> None:
    generator = ganbench.load_generator(plain)
    assert (generator.latent_dim, generator.latent, generator.classes) == (32, "normal", 0)
    assert generator.shape == (1, 16, 16)
    assert not generator.training
    assert not any(parameter.requires_grad for parameter in generator.parameters())
    made = sample(generator, n=100, latent_dim=32, latent="normal", rng=seeds.stream(0, seeds.EVALUATION), device=CPU)
    folder = TrialFolder(plain)
    drawn, labels = drawer(folder).draw_scored()
    assert labels is None
    assert torch.equal(made, drawn)
    evaluator = Evaluator(
        reference=Samples(data=Digits().load("test", root=Path()).data),
        mixture=None,
        metrics={"fid": FID(groups=0)},
        extractor=DigitsExtractor(),
        device=CPU,
        cache=None,
    )
    found = evaluator.score(made, final=True)["fid"]
    assert found == pytest.approx(folder.read_result()["metrics"]["fid"], rel=1e-5)


def test_it_says_what_it_takes(plain: Path, conditional: Path) -> None:
    elsewhere = ganbench.load_generator(plain, device="meta")
    assert {parameter.device.type for parameter in elsewhere.parameters()} == {"meta"}
    generator = ganbench.load_generator(str(plain), device="cpu")
    z = torch.randn(3, 32, requires_grad=True)
    assert generator(z).shape == (3, 1, 16, 16)
    assert float(generator(z).detach().abs().max()) <= 1
    generator(z).sum().backward()
    assert z.grad is not None
    with pytest.raises(ValueError, match=r"z must have the shape \(N, 32\), not \(3, 7\)"):
        generator(torch.randn(3, 7))
    with pytest.raises(ValueError, match=r"^this generator takes no labels$"):
        generator(z, torch.zeros(3, dtype=torch.int64))
    generator = ganbench.load_generator(conditional)
    z = torch.randn(3, generator.latent_dim)
    assert generator.classes == 10
    assert generator(z, torch.tensor([1, 2, 9])).shape == (3, 1, 16, 16)
    with pytest.raises(ValueError, match="needs labels of 0 to 9"):
        generator(z)


class Halves(nn.Module):
    """Returns float64, or bytes in eval mode as some generators do."""

    def __init__(self, *, bytes_out: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.5, dtype=torch.float64))
        self._bytes_out = bytes_out

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        made = z.double() * self.weight + (0 if labels is None else labels[:, None])
        return made if self.training or not self._bytes_out else torch.full_like(z, 255, dtype=torch.uint8)


def test_any_generator_is_called_in_eval_mode_and_returns_float32() -> None:
    z = torch.randn(2, 3)
    plain = TrainedGenerator(Halves(), latent_dim=3, latent="uniform", shape=(3,), classes=0)
    assert (plain.latent_dim, plain.latent, plain.shape, plain.classes) == (3, "uniform", (3,), 0)
    assert plain(z).dtype == torch.float32
    torch.testing.assert_close(assert_type(plain(z), Tensor), z / 2)  # to a type checker, too
    assert not any(module.training for module in plain.modules())
    assert not any(parameter.requires_grad for parameter in plain.parameters())
    levels = TrainedGenerator(Halves(bytes_out=True), latent_dim=3, latent="normal", shape=(3,), classes=0)
    assert levels(z).tolist() == [[1.0] * 3] * 2
    named = TrainedGenerator(Halves(), latent_dim=3, latent="normal", shape=(3,), classes=2)
    torch.testing.assert_close(named(z, torch.tensor([1, 0])), z / 2 + torch.tensor([[1.0], [0.0]]))
    with pytest.raises(ValueError, match=r"needs labels of 0 to 1$"):
        named(z)
    for wrong in (torch.zeros(3), torch.zeros(2, 3, 3), torch.zeros(2, 3, 1)):
        with pytest.raises(ValueError, match=r"z must have the shape \(N, 3\), not \("):
            plain(wrong)


def test_a_gpu_is_one_that_torch_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for device in ("cpu", "cuda", "cuda:0", "cuda:1", torch.device("cuda:1")):
        assert _device(device) == torch.device(device)
    with pytest.raises(UsageError, match=r"^device 'cuda:2' does not exist; torch finds 2 GPUs$"):
        _device("cuda:2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"^device 'cuda' does not exist"):
        _device("cuda")
    with pytest.raises(UsageError, match=r"^device 'gpu' must be cpu, cuda or cuda:i$"):
        _device("gpu")
    with pytest.raises(UsageError, match=r"^device 'None' must be cpu, cuda or cuda:i$"):
        _device(None)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(UsageError, match=r"^device '9{30}' must be cpu, cuda or cuda:i$"):
        _device(int("9" * 30))  # type: ignore[arg-type]  # as above


def test_a_kind_of_device_that_this_torch_cannot_use_is_refused() -> None:
    kinds = ["mps", "xpu", "hpu", "ipu", "privateuseone"]  # no torch is built for all of them
    refused = 0
    for device in kinds:
        try:
            torch.empty(0, device=device)
        except Exception:
            refused += 1
            with pytest.raises(UsageError, match=rf"^device '{device}' cannot be used: .+; use 'cpu'$"):
                _device(device)
    assert refused


def test_another_version_of_the_package_is_a_warning_about_the_line_that_asked(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Registry.find

    def newer(self: Registry, kind: str, name: str) -> Entry:
        return replace(found(self, kind, name), version="9.9")

    monkeypatch.setattr(Registry, "find", newer)
    with pytest.warns(UserWarning, match="architecture 'dcgan' of ganbench is 9.9 here, with the same code") as caught:
        ganbench.load_generator(plain)
    assert [warning.filename for warning in caught] == [__file__]
    told: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ganbench.load_generator(plain, warn=told.append)
    assert len(told) == 1


def test_the_scored_samples_of_a_conditional_generator_have_their_labels(conditional: Path) -> None:
    folder = TrialFolder(conditional)
    drawn, labels = drawer(folder).draw_scored()
    assert labels is not None
    assert folder.read_spec().spec.evaluation.labels == "reference"
    real = Digits().load("test", root=Path())
    assert real.labels is not None
    assert torch.equal(labels, like(100, real.labels, seeds.stream(0, seeds.EVALUATION_LABELS)))
    again, _ = drawer(folder).draw_scored()
    assert torch.equal(drawn, again)


def test_what_has_no_generator_or_another_is_refused(plain: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no trial .*nowhere"):
        ganbench.load_generator(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="is a folder of trials; name one of them"):
        ganbench.load_generator(plain.parent)
    for nothing in (None, 3, b"runs"):
        with pytest.raises(UsageError, match=re.escape(f"load_generator(): trial={nothing!r}: must be a path")):
            ganbench.load_generator(nothing)  # type: ignore[arg-type]  # wrong on purpose
    for device in ("tpu?", "cuda:99"):
        with pytest.raises(UsageError, match=f"device '{device[:3]}"):
            ganbench.load_generator(plain, device=device)
    weights = plain / "generator.safetensors"
    before = weights.read_bytes()
    try:
        save_file({name: -tensor for name, tensor in load_file(weights).items()}, weights)
        with pytest.raises(StoreError, match="is damaged"):
            ganbench.load_generator(plain)
    finally:
        weights.write_bytes(before)

"""Saved generators: TorchScript and torch.export give the samples of the module they were saved from."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.errors import DataError
from ganbench.evaluation.images import NonFiniteSamples, to_uint8
from ganbench.evaluation.sampling import sample
from ganbench.evaluation.saved import SavedGenerator, load_saved, runs_on

CPU = torch.device("cpu")
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning", "ignore:.*torch.jit:DeprecationWarning")


class Picture(nn.Module):
    """With batch norm and dropout, so that a mode that is not eval shows."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 64)
        self.norm = nn.BatchNorm1d(64)
        self.dropout = nn.Dropout(0.5)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.dropout(self.norm(self.linear(z)))).view(-1, 1, 8, 8)


def draw(generator: nn.Module, n: int = 21) -> Tensor:
    rng = torch.Generator().manual_seed(3)
    return sample(generator, n=n, latent_dim=6, latent="normal", rng=rng, device=CPU)


def test_an_exported_program_runs_where_it_was_exported_for() -> None:
    gpu = torch.device("cuda", 1)
    assert [runs_on(kind, gpu) for kind in ("exported", "torchscript", "trial")] == [CPU, gpu, gpu]


def test_a_torchscript_program_in_training_mode_is_scored_in_eval_mode(tmp_path: Path) -> None:
    module = Picture()
    module.train()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module).save(str(tmp_path / "g.pt"))
        warnings.simplefilter("error")  # that TorchScript is deprecated is no news to who scores another's program
        generator = load_saved(tmp_path / "g.pt", "torchscript", 6, CPU)
    generator.settle((1, 8, 8), "", CPU)
    assert generator.value_range == "-1:1"
    assert torch.allclose(draw(generator), draw(module), atol=1e-6)
    assert generator.switched
    assert not script(torch.jit.script(module.eval()), tmp_path).switched
    next(module.children()).train()  # a part of it alone
    assert script(torch.jit.script(module), tmp_path).switched
    with pytest.raises(DataError, match="set --latent-dim"):
        load_saved(tmp_path / "g.pt", "torchscript", 0, CPU)
    with pytest.raises(DataError, match="makes samples of 1x8x8, but the reference has 3x8x8"):
        generator.settle((3, 8, 8), "", CPU)
    with pytest.raises(
        DataError, match=r"cannot make samples from z of 16x5 \(RuntimeError: [^()]*mat1[^()]*\(16x5 .*set --latent-dim"
    ):
        load_saved(tmp_path / "g.pt", "torchscript", 5, CPU).settle((1, 8, 8), "", CPU)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("form", ["torchscript", "exported"])
def test_a_program_in_training_mode_for_good_is_refused(tmp_path: Path, form: Any) -> None:
    path, module = tmp_path / ("g.pt" if form == "torchscript" else "g.pt2"), Picture()

    def saved(training: bool) -> Path:
        module.train(training)
        if form == "torchscript":
            torch.jit.trace(module, torch.zeros(4, 6), check_trace=False).save(str(path))
        else:
            torch.export.save(torch.export.export(module, (torch.zeros(4, 6),)), str(path))
        return path

    with pytest.raises(DataError, match=r"g\.pt2? was saved in training mode \(aten.*batch_norm.* is\).*call \.eval"):
        load_saved(saved(True), form, 6, CPU)
    assert load_saved(saved(False), form, 6, CPU).latent_dim == 6


def test_of_a_program_that_shows_no_mode_nothing_is_claimed(tmp_path: Path) -> None:
    """It may have been traced in training mode, or be a scripted one for which no mode makes a difference."""
    path, module = tmp_path / "g.pt", torch.nn.Sequential(torch.nn.Linear(6, 64), torch.nn.Unflatten(1, (1, 8, 8)))
    torch.jit.trace(module.train(), torch.zeros(4, 6)).save(str(path))
    told = r"g\.pt was saved in training mode, so its samples may depend on each other or on chance; call \.eval\(\)"
    with pytest.raises(DataError, match=told):
        load_saved(path, "torchscript", 6, CPU)
    torch.jit.trace(module.eval(), torch.zeros(4, 6)).save(str(path))
    assert load_saved(path, "torchscript", 6, CPU).latent_dim == 6


@pytest.mark.slow
@pytest.mark.parametrize("dynamic", [False, True])
def test_an_exported_program_says_how_long_its_z_is(tmp_path: Path, dynamic: bool) -> None:
    module = Picture().eval()
    shapes = ({0: torch.export.Dim("n")},) if dynamic else None
    program = torch.export.export(module, (torch.zeros(4, 6),), dynamic_shapes=shapes)
    torch.export.save(program, str(tmp_path / "g.pt2"))
    generator = load_saved(tmp_path / "g.pt2", "exported", 0, CPU)
    assert (generator.latent_dim, generator.batch_size) == (6, 0 if dynamic else 4)
    generator.settle((1, 8, 8), "", CPU)
    assert torch.allclose(draw(generator), draw(module), atol=1e-6)
    with pytest.raises(DataError, match="takes z of 6 numbers, not 7"):
        load_saved(tmp_path / "g.pt2", "exported", 7, CPU)


@pytest.mark.parametrize("form", ["torchscript", "exported"])
def test_a_damaged_program_is_named(tmp_path: Path, form: str) -> None:
    (tmp_path / "g.pt").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(DataError, match=r"g\.pt is damaged or is not a"):
        load_saved(tmp_path / "g.pt", form, 6, CPU)  # type: ignore[arg-type]


FULL = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("The following operation failed in the TorchScript interpreter.\nRuntimeError: CUDA out of memory."),
)
"""By itself, and as TorchScript tells of it."""


@pytest.mark.parametrize("full", FULL)
def test_a_full_gpu_is_no_fault_of_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: Exception) -> None:
    """A trial that has no memory beside others is tried again, alone."""

    def fails(*given: Any, **named: Any) -> Any:
        raise full

    monkeypatch.setattr(torch.jit, "load", fails)
    with pytest.raises(RuntimeError, match="out of memory"):
        load_saved(tmp_path / "g.pt", "torchscript", 6, CPU)
    with pytest.raises(RuntimeError, match="out of memory"):
        SavedGenerator(fails, 6, 0, "g.pt")(torch.zeros(2, 6))


def test_whole_levels_are_taken_as_they_are() -> None:
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(16, -1, -1, -1)
    generator = SavedGenerator(lambda z: levels[: len(z)], 6, 0, "g.pt")
    generator.settle((1, 16, 16), "", CPU)
    assert torch.equal(to_uint8(generator(torch.zeros(2, 6))), levels[:2])
    with pytest.raises(DataError, match="--range"):
        generator.settle((1, 16, 16), "0:1", CPU)


def test_nan_and_values_out_of_range_are_refused_when_the_program_is_tried() -> None:
    with pytest.raises(DataError, match="contain NaN or infinity"):
        SavedGenerator(lambda z: torch.full((len(z), 1, 8, 8), float("nan")), 6, 0, "g").settle((1, 8, 8), "", CPU)
    with pytest.raises(DataError, match="outside the range -1 to 1"):
        SavedGenerator(lambda z: torch.full((len(z), 1, 8, 8), -9.0), 6, 0, "g").settle((1, 8, 8), "", CPU)
    with pytest.raises(DataError, match="say with --range whether they are in 0:1"):
        SavedGenerator(lambda z: torch.full((len(z), 1, 8, 8), 0.5), 6, 0, "g").settle((1, 8, 8), "", CPU)
    made: list[tuple[Any, str]] = [(lambda z: (z, z), "tuple"), (lambda z: z[:, 0], "16"), (lambda z: z[:3], "3x6")]
    for program, told in made:
        with pytest.raises(DataError, match=f"must return one tensor of 16 samples, not {told}$"):
            SavedGenerator(program, 6, 0, "g").settle((6,), "", CPU)


def test_a_generator_may_shoot_a_little_beyond_its_range() -> None:
    for largest, value_range in ((1.45, "-1:1"), (1.2, "0:1")):
        images = torch.linspace(-0.2, largest, 64).view(1, 1, 8, 8)
        generator = SavedGenerator(lambda z, images=images: images.expand(len(z), -1, -1, -1), 6, 0, "g")
        generator.settle((1, 8, 8), value_range, CPU)  # type: ignore[arg-type]
        assert float(generator(torch.zeros(2, 6)).max()) == 1
        images += 0.1
        with pytest.raises(DataError, match="outside the range"):
            generator.settle((1, 8, 8), value_range, CPU)  # type: ignore[arg-type]


def test_what_is_made_grey_or_colour_has_the_size_of_the_reference_all_the_same() -> None:
    generator = SavedGenerator(lambda z: torch.rand(len(z), 3, 8, 8) * 2 - 1, 6, 0, "g")
    generator.settle((1, 8, 8), "-1:1", CPU, channels=1)
    with pytest.raises(DataError, match="makes samples of"):
        generator.settle((1, 16, 16), "-1:1", CPU, channels=1)


def test_nan_that_comes_later_is_a_divergence_and_never_a_black_pixel() -> None:
    generator = SavedGenerator(lambda z: torch.full((len(z), 1, 8, 8), float("nan")), 6, 0, "g")
    generator.value_range = "-1:1"
    with pytest.raises(NonFiniteSamples, match="21 of 21"):
        to_uint8(draw(generator))


class Loud(nn.Module):
    """A TorchScript program that does something when it is loaded."""

    @torch.jit.export
    def __getstate__(self) -> tuple[int, bool]:
        return 1, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[int, bool]) -> None:
        self.training = state[1]
        assert state[0] > 1, "it ran"

    def forward(self, z: Tensor) -> Tensor:
        return z


def test_a_torchscript_program_that_was_taken_for_an_array_is_not_loaded(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(Loud()).save(str(tmp_path / "samples.pt"))
    with pytest.raises(DataError, match="it ran"):
        load_saved(tmp_path / "samples.pt", "torchscript", 2, CPU)
    with pytest.raises(DataError, match=r"is a TorchScript program, .*; set --latent-dim"):
        load_saved(tmp_path / "samples.pt", "torchscript", 0, CPU)


class Classed(nn.Module):
    """Makes points that say which class they were asked for."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, 2)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        return torch.cat([z, labels[:, None].to(z.dtype), self.embedding(labels)], dim=1)


class MayBeClassed(nn.Module):
    def forward(self, z: Tensor, labels: Tensor | None = None, psi: float = 1.0) -> Tensor:
        return z * psi if labels is None else z * psi + labels[:, None]


class Scaled(nn.Module):
    def forward(self, z: Tensor, psi: float = 1.0) -> Tensor:
        return z * psi


def script(program: Any, path: Path) -> SavedGenerator:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program.save(str(path / "g.pt"))
    return load_saved(path / "g.pt", "torchscript", 6, CPU)


def exported(module: nn.Module, inputs: tuple[Tensor, ...], path: Path) -> SavedGenerator:
    torch.export.save(torch.export.export(module, inputs), str(path / "g.pt2"))
    return load_saved(path / "g.pt2", "exported", 0, CPU)


def test_a_program_says_whether_it_takes_labels(tmp_path: Path) -> None:
    z, labels = torch.zeros(4, 6), torch.zeros(4, dtype=torch.int64)
    assert script(torch.jit.script(Classed().eval()), tmp_path).conditioning == "needed"
    assert script(torch.jit.trace(Classed().eval(), (z, labels)), tmp_path).conditioning == "needed"
    assert script(torch.jit.freeze(torch.jit.script(Classed().eval())), tmp_path).conditioning == "needed"
    assert script(torch.jit.script(MayBeClassed().eval()), tmp_path).conditioning == "optional"
    assert script(torch.jit.script(Scaled().eval()), tmp_path).conditioning == "none"
    assert exported(Classed(), (z, labels), tmp_path).conditioning == "needed"
    assert exported(Scaled(), (z,), tmp_path).conditioning == "none"


@pytest.mark.parametrize("form", ["torchscript", "exported"])
def test_a_conditional_program_makes_what_is_asked_for_in_any_number(tmp_path: Path, form: Any) -> None:
    module, inputs = Classed().eval(), (torch.zeros(4, 6), torch.zeros(4, dtype=torch.int64))
    found = script(torch.jit.script(module), tmp_path) if form == "torchscript" else exported(module, inputs, tmp_path)
    found.settle((9,), "", CPU, classes=3)
    z, labels = torch.randn(11, 6, generator=torch.Generator().manual_seed(0)), torch.arange(11) % 3
    with torch.no_grad():  # exported for four at once: the last part is filled up
        assert torch.equal(found(z, labels), module(z, labels))
    with pytest.raises(DataError, match=r"z of \d+x6 and labels of 0 to 7 \(.*the dataset whose classes it knows$"):
        found.settle((9,), "", CPU, classes=8)


def test_a_program_gets_labels_of_the_kind_that_it_was_exported_with(tmp_path: Path) -> None:
    module, labels = Classed().eval(), torch.arange(4, dtype=torch.int32) % 3
    found = exported(module, (torch.zeros(4, 6), labels), tmp_path)
    assert found.label_type == torch.int32
    with torch.no_grad():
        assert torch.equal(found(torch.ones(4, 6), labels.long()), module(torch.ones(4, 6), labels))


class OneHot(nn.Module):
    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        return torch.cat([z, labels], dim=1)


class Three(nn.Module):
    def forward(self, z: Tensor, labels: Tensor, noise: Tensor) -> Tensor:
        return z + labels[:, None] + noise


def test_programs_that_take_something_else_are_refused(tmp_path: Path) -> None:
    z, labels = torch.zeros(4, 6), torch.zeros(4, dtype=torch.int64)
    with pytest.raises(DataError, match=r"takes a second input of 2 dimensions, float32, but a generator takes z of"):
        exported(OneHot(), (z, torch.zeros(4, 3)), tmp_path)
    with pytest.raises(DataError, match=r"takes a second input of 2 dimensions, int64, but a generator takes z of"):
        exported(OneHot(), (z, torch.zeros(4, 3, dtype=torch.int64)), tmp_path)
    with pytest.raises(DataError, match=r"takes a second input of 1 dimensions, float32, but a generator takes z of"):
        exported(MayBeClassed(), (z, torch.zeros(4)), tmp_path)
    with pytest.raises(DataError, match="takes 1 inputs, but a generator takes z of shape"):
        exported(Scaled(), (torch.zeros(4, 6, 1),), tmp_path)
    with pytest.raises(DataError, match="takes 3 inputs, but a generator takes z of shape"):
        exported(Three(), (z, labels, z), tmp_path)
    with pytest.raises(DataError, match="takes 3 inputs, but a generator takes z of shape"):
        script(torch.jit.script(Three().eval()), tmp_path)

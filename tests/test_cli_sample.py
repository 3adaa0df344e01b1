"""``ganbench sample``: what it refuses, before it loads a generator and after. What it draws is tested with a run."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

import ganbench
from ganbench.executors import devices
from ganbench.provenance import cuda
from ganbench.records import manifest
from ganbench.records.folder import TrialFolder
from tests.fuzz.inputs import run_command
from tests.trials import make_spec, make_trial


@pytest.mark.parametrize(
    ("trial", "options", "words"),
    [
        ("runs", ["--out", "s.png"], "runs is a folder of trials; name one of them, e.g. runs/vanilla-"),
        ("used", ["--out", "s.png"], "used is not the folder of a trial, which contains spec.json"),
        ("TRIAL", ["--out", "TRIAL/samples.png"], "would overwrite part of runs/vanilla-"),
        ("TRIAL", ["--out", "s.npy", "--columns", "3"], "--columns is for a .png grid"),
        (
            "TRIAL",
            ["--out", "s.pdf"],
            "must be a .png grid, a folder or .zip of PNG files, an .npy",
        ),
        ("TRIAL", ["--out", "s.png"], "has no generator.safetensors, because its status is failed"),
        ("TRIAL", ["--scored", "--out", "s.png"], "--scored writes all samples as files or an array, but --out s.png"),
        ("TRIAL", ["--scored", "--out", "S.PNG"], "--scored writes all samples as files or an array, but --out S.PNG"),
        ("TRIAL", ["--scored", "--n", "9"], "--scored writes the samples that were scored; leave --n out"),
        ("TRIAL", ["--scored", "--seed", "0"], "leave --seed out"),
        ("TRIAL", ["--out", "g.pt2", "--n", "9"], "is a program for the CPU, not samples; leave --n out"),
        ("TRIAL", ["--out", "g.pt2", "--device", "auto"], "leave --device out"),
        (
            "TRIAL",
            ["--out", "used"],
            "--out used is a folder that contains files, which would be scored too",
        ),
        ("TRIAL", ["--out", "empty.png"], "--out empty.png is a folder, not a .png grid; choose another name"),
        ("TRIAL", ["--scored", "--truncation", "0.5"], "leave --truncation out"),
        ("TRIAL", ["--scored", "--interpolate"], "leave --interpolate out"),
        ("TRIAL", ["--out", "g.pt2", "--interpolate"], "is a program for the CPU, not samples; leave --interpolate"),
        ("TRIAL", ["--truncation", "0"], "'0' must be a finite number above 0"),
        ("TRIAL", ["--truncation", "nan"], "'nan' must be a finite number above 0"),
        ("TRIAL", ["--truncation", "1", "--out", "s.npy"], "cannot say that its samples are truncated"),
        ("TRIAL", ["--truncation", "1", "--out", "s.zip"], "cannot say that its samples are truncated"),
        ("TRIAL", ["--truncation", "1", "--out", "new"], "cannot say that its samples are truncated"),
        ("TRIAL", ["--interpolate", "--out", "s.npz"], "--interpolate is for a .png grid, but --out s.npz is not one"),
        ("TRIAL", ["--interpolate", "--columns", "1"], "use --columns of at least 2"),
        ("TRIAL", ["--interpolate", "--n", "17"], "--interpolate fills whole rows of 8; use --n 24"),
        ("TRIAL", ["--neighbours", "0"], "'0' must be a whole number from 1 to 1000"),
        ("TRIAL", ["--neighbours", "2", "--out", "s.npy"], "--neighbours is for a .png grid, but --out s.npy is not"),
        ("TRIAL", ["--neighbours", "2", "--interpolate"], "--neighbours and --interpolate fill the rows of a picture"),
        ("TRIAL", ["--neighbours", "2", "--columns", "3"], "a sample and its neighbours; leave --columns out"),
        ("TRIAL", ["--scored", "--neighbours", "2"], "the samples that were scored; leave --neighbours out"),
        ("TRIAL", ["--out", "g.pt2", "--neighbours", "2"], "is a program for the CPU, not samples; leave --neighbours"),
        ("TRIAL", ["--device", "tpu"], "device 'tpu' must be auto, cpu, cuda or cuda:i"),
        ("nothing", [], "there is no trial 'nothing', neither as a folder nor in runs; choose one of: vanilla-"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(
    trial: str, options: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "other.png").touch()
    (tmp_path / "empty.png").mkdir()
    made = make_trial(Path("runs"), make_spec(), "failed")
    arguments = ["sample", trial, *options]
    code, output, message = run_command([one.replace("TRIAL", str(made.path)) for one in arguments], tmp_path)
    assert (code, output) == (2, "")
    assert words in message
    assert len(message.splitlines()) == 1


def test_a_plot_of_points_has_no_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = make_spec(dataset="ring")
    points = spec.data.model_copy(update={"kind": "vector", "shape": (2,)})
    folder = make_trial(Path("runs"), spec.model_copy(update={"data": points}))
    folder.generator.touch()
    code, output, message = run_command(["sample", folder.path.name, "--columns", "3", "--out", "s.png"], tmp_path)
    assert (code, output) == (2, "")
    assert "are points, whose plot has no columns; leave --columns out" in message


def test_what_is_no_number_is_drawn_in_magenta_and_written_to_no_array(tmp_path: Path) -> None:
    ganbench.run(
        losses="hinge", architectures="mlp[hidden=8,layers=1]", steps=2, batch_size=8, metrics="fid", device="cpu",
        quiet=True, out=tmp_path / "runs",
    )  # fmt: skip
    (folder,) = map(TrialFolder, tmp_path.glob("runs/hinge-*"))
    weights = {name: value * float("nan") for name, value in load_file(folder.generator).items()}
    save_file(weights, folder.generator, metadata={"trial_id": folder.path.name})
    manifest.write(folder, folder.path.name)
    for more in ([], ["--interpolate"]):
        code, _, message = run_command(["sample", folder.path.name, "--out", "s.png", *more], tmp_path)
        assert (code or 0, message.strip()) == (
            0,
            "warning: 64 of 64 samples in the picture are not finite; their pixels that are not are magenta",
        )
        assert (np.asarray(Image.open(tmp_path / "s.png")) == (255, 0, 255)).all(axis=2).any()
    for more in (["--out", "s.npz"], ["--out", "s.png", "--neighbours", "2"]):
        code, output, message = run_command(["sample", folder.path.name, *more], tmp_path)
        assert (code, output, len(message.splitlines())) == (2, "", 1)
        assert "of " in message
        assert "generated samples are not finite" in message
    assert not (tmp_path / "s.npz").exists()


def test_a_gpu_that_torch_cannot_use_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a driver that is too old; the driver's tool lists the GPU all the same."""
    ganbench.run(
        losses="hinge", architectures="mlp[hidden=8,layers=1]", steps=2, batch_size=8, metrics="fid", device="cpu",
        quiet=True, out=tmp_path / "runs",
    )  # fmt: skip
    (path,) = tmp_path.glob("runs/hinge-*")
    monkeypatch.setattr(devices, "gpus", lambda: ("NVIDIA H200",))
    monkeypatch.setattr(cuda, "obstacle", lambda: "the driver is too old")
    said = "the driver lists a GPU that torch cannot use: the driver is too old; "
    code, output, message = run_command(["sample", path.name, "--out", "s.png", "--device", "cuda"], tmp_path)
    assert (code, output, message) == (2, "", f"ganbench: {said}use --device cpu\n")
    code, output, message = run_command(["sample", path.name, "--out", "s.png", "--device", "auto"], tmp_path)
    assert (code or 0, output) == (0, "s.png\n")
    assert message == f"warning: {said}samples are drawn on the CPU\n"
    for name in ("S.PNG", "S.NPY"):
        code, output, message = run_command(["sample", path.name, "--out", name], tmp_path)
        assert (code or 0, output, message) == (0, f"{name}\n", "")
    assert Image.open(tmp_path / "S.PNG").format == "PNG"
    assert np.load(tmp_path / "S.NPY").dtype == np.uint8

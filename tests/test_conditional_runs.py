"""Class-conditional trials from the command line: protocol, samples by class, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.commands import ganbench

QUICK = ["--steps", "4", "--batch-size", "16", "--device", "cpu", "--num-samples", "100"]
CONDITIONAL = "mlp[hidden=16,layers=1,condition=projection]"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unconditional, a projecting and a classifying trial of one loss, and the untrained ones."""
    folder = tmp_path_factory.mktemp("conditional")
    networks = [CONDITIONAL, CONDITIONAL.replace("projection", "classifier"), CONDITIONAL.replace("projection", "none")]
    answer = ganbench("run", "--losses", "hinge", "--arch", ",".join(networks), *QUICK, "--baselines", cwd=folder)
    assert answer.returncode == 0, answer.stderr
    return folder


def results(folder: Path) -> dict[tuple[str, str], dict[str, object]]:
    found = {}
    for path in sorted(folder.glob("runs/*/result.json")):
        spec = json.loads((path.parent / "spec.json").read_text())["spec"]
        condition = spec["architecture"]["parameters"]["condition"] if spec["architecture"] else "-"
        found[condition, spec["baseline"]] = json.loads(path.read_text()) | {"folder": path.parent}
    return found


def test_the_protocol_says_where_the_labels_of_the_fakes_come_from(runs: Path) -> None:
    labels = {key: result["protocol"]["labels"] for key, result in results(runs).items()}  # type: ignore[index]
    assert labels == {
        ("-", "real"): "none",
        ("none", ""): "none",
        ("none", "untrained"): "none",
        ("projection", ""): "reference",
        ("projection", "untrained"): "reference",
        ("classifier", ""): "reference",
        ("classifier", "untrained"): "reference",
    }


def test_samples_of_one_class_and_of_all(runs: Path) -> None:
    folder = results(runs)["projection", ""]["folder"]
    assert isinstance(folder, Path)
    picture = Image.open(folder / "samples.png")
    assert picture.width > picture.height  # ten columns, one per class, and eight rows
    assert ganbench("sample", str(folder), "--scored", "--out", "scored.npz", cwd=runs).returncode == 0
    assert np.load(runs / "scored.npz")["labels"].shape == (100,)
    for arguments in (["--class", "3"], []):
        answer = ganbench("sample", str(folder), "--n", "20", "--out", "x.npy", *arguments, cwd=runs)
        assert answer.returncode == 0, answer.stderr
        assert np.load(runs / "x.npy").shape == (20, 1, 16, 16)
    answer = ganbench("sample", str(folder), "--class", "10", cwd=runs)
    assert answer.returncode == 2
    assert "--class 10: 'digits' has the classes 0 to 9" in answer.stderr
    plain = results(runs)["none", ""]["folder"]
    answer = ganbench("sample", str(plain), "--class", "1", cwd=runs)
    assert answer.returncode == 2
    assert "not conditional" in answer.stderr


def test_a_grid_of_walks_and_truncated_samples_say_what_they_are(runs: Path) -> None:
    folder = results(runs)["projection", ""]["folder"]
    arguments = ["sample", str(folder), "--interpolate", "--n", "15", "--columns", "5"]
    answer = ganbench(*arguments, "--truncation", "0.5", "--out", "walks.png", cwd=runs)
    assert answer.returncode == 0, answer.stderr
    picture = Image.open(runs / "walks.png")
    assert picture.text == {"truncation": "0.5", "interpolated": "walks of 5 images"}  # type: ignore[attr-defined]
    assert picture.width * (3 * 17 + 1) == picture.height * (5 * 17 + 1)
    answer = ganbench("sample", str(folder), "--truncation", "0.5", "--out", "cut.npz", cwd=runs)
    assert answer.returncode == 0, answer.stderr
    assert np.load(runs / "cut.npz")["truncation"] == 0.5
    answer = ganbench("eval", "cut.npz", "--against", str(folder), "--device", "cpu", cwd=runs)
    assert answer.returncode == 2
    assert "cut.npz holds samples truncated at 0.5" in answer.stderr


def test_samples_beside_their_nearest_training_images(runs: Path) -> None:
    folder = results(runs)["projection", ""]["folder"]
    for arguments, rows in (([], 10), (["--class", "3"], 8), (["--n", "3", "--truncation", "0.5"], 3)):
        answer = ganbench("sample", str(folder), "--neighbours", "2", *arguments, "--out", "near.png", cwd=runs)
        assert answer.returncode == 0, answer.stderr
        picture = Image.open(runs / "near.png")
        assert picture.width * (rows * 17 + 1) == picture.height * (3 * 17 + 1 + 3)
        text = picture.text  # type: ignore[attr-defined]
        assert [len(line.split()) for line in text.pop("distances").splitlines()] == [2] * rows
        assert text == ({"truncation": "0.5"} if "--truncation" in arguments else {})
    answer = ganbench("sample", str(folder), "--neighbours", "900", cwd=runs)
    assert answer.returncode == 2
    assert "--neighbours 900 is more than the 899 training images of hinge-mlp-digits-" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_balanced_labels_are_another_protocol(runs: Path) -> None:
    answer = ganbench("run", "--losses", "hinge", "--arch", CONDITIONAL, *QUICK, "--labels", "balanced", cwd=runs)
    assert answer.returncode == 0, answer.stderr
    assert "with balanced labels" in answer.stdout


def test_labels_are_chosen_for_conditional_generators_alone(tmp_path: Path) -> None:
    np.save(tmp_path / "fakes.npy", np.zeros((100, 1, 16, 16), np.uint8))
    answer = ganbench("eval", "fakes.npy", "--against", "digits", "--labels", "balanced", "-q", cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == ("ganbench: labels balanced: no source is a conditional generator; leave --labels out\n")


def photos(folder: Path, *parts: str) -> None:
    rng = np.random.default_rng(0)
    for part in parts:
        (folder / part).mkdir(parents=True, exist_ok=True)
        for number in range(20):
            Image.fromarray(rng.integers(0, 255, (16, 16), dtype=np.uint8)).save(folder / part / f"{number}.png")


@pytest.mark.parametrize(
    ("parts", "arguments", "message"),
    [
        ((".",), [], "is conditional, but dataset 'folder:photos' has no labels"),
        (("a", "b"), ["--set", "replay=10"], "replay keeps no labels"),
    ],
)
def test_what_cannot_be_conditional_is_refused_by_name(
    tmp_path: Path, parts: tuple[str, ...], arguments: list[str], message: str
) -> None:
    photos(tmp_path / "photos", *parts)
    answer = ganbench(
        "run", "--losses", "hinge", "--arch", CONDITIONAL, "--dataset", "folder:photos", *QUICK[:-2],
        "--batch-size", "4", "--extractor", "digits", "--num-samples", "10", *arguments, cwd=tmp_path,
    )  # fmt: skip
    assert answer.returncode == 2
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not [*tmp_path.glob("runs/*/spec.json")]

"""``ganbench eval`` and ``ganbench reproduce`` as a user meets them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from ganbench.files import write_json
from ganbench.records import manifest
from ganbench.records.folder import TrialFolder
from tests.commands import QUICK, ganbench


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial, its samples as an array, and those of the same number of real digits."""
    folder = tmp_path_factory.mktemp("eval")
    assert ganbench("run", "--losses", "vanilla", *QUICK, cwd=folder).returncode == 0
    (trial,) = folder.glob("runs/vanilla-*")
    assert ganbench("sample", str(trial), "--n", "898", "--out", "fakes.npy", cwd=folder).returncode == 0
    return folder


def test_a_trial_is_not_described_and_a_folder_of_trials_is_no_folder_of_images(place: Path) -> None:
    (trial,) = place.glob("runs/vanilla-*")
    for words in (["--range", "0:1"], ["--latent-dim", "3"], ["--latent", "normal"], ["--size", "16"]):
        answer = ganbench("eval", str(trial), *words, "-q", cwd=place)
        assert answer.returncode == 2
        assert f"is a trial, so its z and samples are known; leave {words[0]} out" in answer.stderr
    answer = ganbench("eval", "runs", "--against", "digits", "-q", cwd=place)
    assert answer.returncode == 2
    assert "runs is a folder of trials; name the trials to score, e.g. " in answer.stderr
    assert trial.name in answer.stderr


def test_other_peoples_samples_stand_in_the_table_of_a_trial(place: Path) -> None:
    (trial,) = place.glob("runs/vanilla-*")
    answer = ganbench("eval", "fakes.npy", "--against", str(trial), "--label", "theirs", cwd=place)
    assert answer.returncode == 0, answer.stderr
    assert "theirs" in answer.stdout
    assert "weights and budget not known" in answer.stdout
    (table,) = json.loads(ganbench("results", "runs", "--format", "json", cwd=place).stdout)
    losses = {row["loss"]: row["metrics"]["fid"]["mean"] for row in table["rows"]}
    assert set(losses) == {"vanilla", "theirs"}
    # Two draws of 898 from one generator.
    assert losses["theirs"] == pytest.approx(losses["vanilla"], rel=0.02)


def test_the_scored_samples_as_files_have_the_trials_score(place: Path) -> None:
    (trial,) = place.glob("runs/vanilla-*")
    theirs = json.loads((trial / "result.json").read_text())["metrics"]
    for name in ("scored", "scored.zip"):
        drawn = ganbench("sample", str(trial), "--scored", "--out", name, cwd=place)
        assert (drawn.returncode, drawn.stdout.strip()) == (0, name), drawn.stderr
        answer = ganbench("eval", name, "--against", str(trial), "--out", f"of-{name}", "-q", cwd=place)
        assert answer.returncode == 0, answer.stderr
        (result,) = (json.loads(path.read_text()) for path in place.glob(f"of-{name}/*/result.json"))
        for value in ("fid", "is"):
            assert result["metrics"][value] == pytest.approx(theirs[value], rel=1e-5)
    assert len(list((place / "scored").glob("*.png"))) == 898


def test_a_trials_generator_as_a_program_is_scored_like_the_trial(place: Path) -> None:
    (trial,) = place.glob("runs/vanilla-*")
    drawn = ganbench("sample", str(trial), "--out", "generator.pt2", cwd=place)
    assert drawn.returncode == 0, drawn.stderr
    options = ["--range=-1:1", "--out", "program", "-q"]
    answer = ganbench("eval", "generator.pt2", "--against", str(trial), *options, cwd=place)
    assert answer.returncode == 0, answer.stderr
    (result,) = (json.loads(path.read_text()) for path in place.glob("program/*/result.json"))
    theirs = json.loads((trial / "result.json").read_text())["metrics"]
    assert result["metrics"]["fid"] == pytest.approx(theirs["fid"], rel=1e-3)  # the same noise, other kernels


def test_trainings_of_one_label_are_one_row_with_its_spread(place: Path) -> None:
    (trial,) = place.glob("runs/vanilla-*")
    for seed in range(3):
        words = ["--n", "300", "--seed", str(seed), "--out", f"training-{seed}.npy"]
        assert ganbench("sample", str(trial), *words, cwd=place).returncode == 0
    # The third is added later, and says which one it is.
    for names, more in (("01", []), ("2", ["--seed", "2"])):
        sources = [f"training-{name}.npy" for name in names]
        options = ["--against", "digits", "--label", "theirs", *more, "--out", "trainings", "--format", "json"]
        answer = ganbench("eval", *sources, *options, cwd=place)
        assert answer.returncode == 0, answer.stderr
    (table,) = json.loads(ganbench("results", "trainings", "--format", "json", cwd=place).stdout)
    (row,) = table["rows"]
    assert (row["loss"], row["metrics"]["fid"]["n"]) == ("theirs", 3)
    assert row["metrics"]["fid"]["sd"] > 0


def test_a_trial_scored_again_is_the_trial_that_was_trained_so(place: Path) -> None:
    (trial,) = place.glob("runs/vanilla-*")
    arguments = ["--metrics", "fid,precision-recall", "--num-samples", "500"]
    again = ganbench("eval", str(trial), *arguments, "--out", "again", "--format", "json", cwd=place)
    assert again.returncode == 0, again.stderr
    (started,) = (line for line in again.stderr.splitlines() if line.startswith("started:"))
    assert "steps" not in started, "it trains no more"
    trained = ganbench(
        "run", "--losses", "vanilla", *QUICK, "--eval-every", "0", *arguments, "--out", "fresh", cwd=place
    )
    assert trained.returncode == 0, trained.stderr
    (one,), (other,) = (list(place.glob(f"{name}/vanilla-*")) for name in ("again", "fresh"))
    assert one.name == other.name
    results = [json.loads((path / "result.json").read_text()) for path in (one, other)]
    assert results[0]["metrics"] == results[1]["metrics"]
    assert results[0]["protocol"] == results[1]["protocol"]
    assert results[0]["cost"]["real_images"] == results[1]["cost"]["real_images"]


def planned_as(trial: Path, folder: Path, **changes: Any) -> Path:
    """A copy of a trial, as it would be had its specification had other fields."""
    copy = shutil.copytree(trial, folder / trial.name)
    file = TrialFolder(copy).read_spec()
    spec = file.spec.model_copy(update=changes)
    write_json(copy / "spec.json", file.model_copy(update={"spec": spec, "trial_id": spec.trial_id}).model_dump())
    manifest.write(TrialFolder(copy), spec.trial_id)
    return copy


def test_a_trial_keeps_its_dataset_over_a_release_of_the_package(place: Path, tmp_path: Path) -> None:
    (trial,) = place.glob("runs/vanilla-*")
    data = TrialFolder(trial).read_spec().spec.data
    older = data.component.model_copy(update={"version": "0.0.1", "source": "0" * 12})
    released = planned_as(trial, tmp_path / "released", data=data.model_copy(update={"component": older}))
    other = data.model_copy(update={"component": older, "fingerprint": "0" * 64})
    stranger = planned_as(trial, tmp_path / "stranger", data=other)
    arguments = ["--against", "digits", "--metrics", "fid", "--num-samples", "500", "--out", "again", "-q"]
    answer = ganbench("eval", str(released), str(stranger), *arguments, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    (own,) = [json.loads(path.read_text()) for path in tmp_path.glob("again/vanilla-mlp-digits-*/result.json")]
    assert own["protocol"]["budget"] == json.loads((trial / "result.json").read_text())["protocol"]["budget"]
    (said,) = [line for line in own["warnings"] if "was trained on that of 0.0.1 (000000000000)" in line]
    assert said.startswith("dataset 'digits' of ganbench is ")
    assert len(list(tmp_path.glob("again/*external*/result.json"))) == 1


def test_a_trial_of_another_version_with_the_same_code_is_scored_drawn_from_and_told_of(
    place: Path, tmp_path: Path
) -> None:
    (trial,) = place.glob("runs/vanilla-*")
    spec = TrialFolder(trial).read_spec().spec
    assert spec.architecture is not None
    changed = spec.architecture.model_copy(update={"version": "0.0.1"})
    recipe = spec.recipe.model_copy(update={"augment": "translation"})
    augmentation = spec.architecture.model_copy(update={"name": "translation", "label": "translation", "version": "0"})
    # What only training needs is not looked for.
    augmented = {"recipe": recipe, "augmentations": (augmentation,)}
    released = planned_as(trial, tmp_path / "runs", architecture=changed)
    other = planned_as(trial, tmp_path / "augmented", architecture=changed, **augmented)
    words = "architecture 'mlp' of ganbench is "
    arguments = ["--metrics", "fid", "--num-samples", "500", "--out", "again", "-q"]
    answer = ganbench("eval", str(released), str(other), *arguments, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    results = [json.loads(path.read_text()) for path in tmp_path.glob("again/vanilla-mlp-digits-*/result.json")]
    assert len(results) == 2
    for result in results:
        assert len([one for one in result["warnings"] if words in one and "same code as the 0.0.1" in one]) == 1

    drawn = ganbench("sample", str(released), "--n", "4", cwd=tmp_path)
    assert drawn.returncode == 0, drawn.stderr
    assert f"warning: {words}" in drawn.stderr

    renamed = released.rename(released.with_name(TrialFolder(released).read_spec().trial_id))
    dry = ganbench("run", "--losses", "vanilla", *QUICK, "--dry-run", cwd=tmp_path)
    assert "1 trial, 0 done already" in dry.stdout
    assert "of those to run, 1 done already in another version of a package, with the same code" in dry.stdout
    record = ganbench("run", "--losses", "vanilla", *QUICK, "--dry-run", "--format", "json", cwd=tmp_path)
    assert json.loads(record.stdout)["trials"][0]["same_code"] == renamed.name


def test_bad_input_is_exit_code_2_and_leaves_nothing(place: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "nan.npy", np.full((9, 1, 16, 16), np.nan, np.float32))
    answer = ganbench("eval", "nan.npy", "--against", "digits", "-q", cwd=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert "has NaN or infinity in 9 of its 9 samples" in answer.stderr
    assert not list(tmp_path.glob("runs/*"))


def test_a_generator_that_is_not_the_trials_is_neither_scored_nor_drawn_from(place: Path, tmp_path: Path) -> None:
    (trial,) = place.glob("runs/vanilla-*")
    copy = shutil.copytree(trial, tmp_path / trial.name)
    weights = copy / "generator.safetensors"
    save_file({name: -tensor for name, tensor in load_file(weights).items()}, weights)
    for words in (["eval", str(copy), "--num-samples", "500", "--out", "again", "-q"], ["sample", str(copy)]):
        answer = ganbench(*words, cwd=tmp_path)
        assert answer.returncode == 2, words
        assert answer.stderr.count("\n") == 1
        assert f"{weights} is damaged: its SHA-256 is " in answer.stderr
        assert "; restore it, or remove the trial and run it again" in answer.stderr
    assert not list(tmp_path.glob("again/*/result.json"))
    assert not (tmp_path / "samples.png").exists()


def test_a_row_that_cannot_be_written_costs_no_other(place: Path) -> None:
    (trial,) = place.glob("runs/vanilla-*")
    shutil.copy(place / "fakes.npy", place / "other.npy")
    planned = ganbench("eval", "other.npy", "--against", str(trial), "--out", "first", "-q", cwd=place)
    assert planned.returncode == 0, planned.stderr
    (name,) = (path.name for path in (place / "first").iterdir() if path.is_dir())
    (place / "second").mkdir()
    (place / "second" / name).write_text("in the way")
    answer = ganbench("eval", "fakes.npy", "other.npy", "--against", str(trial), "--out", "second", "-q", cwd=place)
    assert answer.returncode == 1
    assert "failed" in answer.stdout
    assert "done" in answer.stdout


def test_the_host_imports_no_torch(place: Path) -> None:
    """The array was scored before: neither planning nor the table needs the worker."""
    (trial,) = place.glob("runs/vanilla-*")
    program = (
        "import sys\nfrom ganbench.cli import main\n"
        f"try: main(['eval', 'fakes.npy', '--against', {str(trial)!r}, '--label', 'theirs', '-q'])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert 'torch' not in sys.modules\n"
    )
    environment = os.environ | {"GANBENCH_CACHE": str(place / "cache")}
    answer = subprocess.run([sys.executable, "-c", program], cwd=place, env=environment, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


def test_reproduce_says_what_it_would_do(tmp_path: Path) -> None:
    arguments = ["pacgan-table1", "--scale", "0.1", "--dry-run", "--row", "GAN", "--seeds", "2", "--device", "cpu"]
    answer = ganbench("reproduce", *arguments, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    for words in (
        "17.3 ± 0.8",
        "98.2 ± 0.2 %",
        "0.45 ± 0.09",
        "scale 0.1: 40,000 of the published 400,000",
        "4 trials of 40,000 steps",
    ):
        assert words in answer.stdout
    found = json.loads(ganbench("reproduce", *arguments, "--format", "json", cwd=tmp_path).stdout)
    assert {"mean": 17.3, "standard_error": 0.8} in [value["published"] for value in found["values"]]
    assert len(found["dry_run"]["trials"]) == 4
    assert "4 trials of 40,000 steps" in found["cost"]
    assert not (tmp_path / "runs").exists()


def test_a_printed_value_that_no_metric_gives_is_refused_before_anything_trains(tmp_path: Path) -> None:
    table = (Path(__file__).resolve().parents[1] / "leaderboards" / "pacgan-table1.toml").read_text("utf-8")
    (tmp_path / "table.toml").write_text(table.replace("pacgan_high_quality", "pacgan_hq_share"), "utf-8")
    answer = ganbench("reproduce", "table.toml", "--scale", "0.00001", "--seeds", "1", "-q", cwd=tmp_path)
    assert answer.returncode == 2
    assert "no metric here returns the value 'pacgan_hq_share'" in answer.stderr
    assert not list(tmp_path.glob("runs/*/spec.json"))


def test_a_scale_that_leaves_too_few_steps_is_refused_with_one_that_does_not(tmp_path: Path) -> None:
    table = (Path(__file__).resolve().parents[1] / "leaderboards" / "pacgan-table1.toml").read_text("utf-8")
    (tmp_path / "table.toml").write_text(table.replace("[recipe]", "[recipe]\nreplay = 5000\nema_decay=0.9"), "utf-8")
    arguments = ["table.toml", "--row", "GAN", "--dataset", "ring", "--seeds", "1", "--device", "cpu", "--dry-run"]
    answer = ganbench("reproduce", *arguments, "--scale", "0.0001", cwd=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.startswith("ganbench: --scale 0.0001 leaves too few steps: replay=5000 has no effect")
    assert answer.stderr.endswith("; use --scale 0.00026 or more\n")
    assert answer.stderr.count("\n") == 1
    answer = ganbench("reproduce", *arguments, "--scale", "0.001", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "run it with --scale 0.00026 to learn it" in answer.stdout


def test_reproduce_trains_and_compares(tmp_path: Path) -> None:
    arguments = ["--scale", "0.00001", "--row", "PacGAN3", "--dataset", "ring", "--seeds", "2", "--device", "cpu"]
    answer = ganbench("reproduce", "pacgan-table1", *arguments, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "4 of the published 400,000 steps per trial, 2 of 10 seeds" in answer.stdout
    assert "differ" in answer.stdout
    assert ganbench("reproduce", "pacgan-table1", "--row", "PacGAN9", cwd=tmp_path).returncode == 2

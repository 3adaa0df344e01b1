"""Own data as a user meets them: what they are decides, not where they lie."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganbench.datasets.digits import Digits
from ganbench.files import read_json
from ganbench.records.folder import TrialFolder
from ganbench.spec import TrialFile
from tests.commands import QUICK, ganbench
from tests.pictures import picture, zipped
from tests.trials import change_result

RUN = ["run", "--losses", "vanilla", *QUICK, "--extractor", "digits", "--metrics", "fid", "--num-samples", "100"]


def save(path: Path, start: int = 0) -> None:
    """A hundred and fifty digits with their labels."""
    samples = Digits().load("train", root=Path())
    assert samples.labels is not None
    chosen = slice(start, start + 150)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, images=samples.data[chosen].numpy(), labels=samples.labels[chosen].numpy())


def dry(*datasets: str, cwd: Path) -> dict[str, Any]:
    words = [word for dataset in datasets for word in ("--dataset", dataset)]
    answer = ganbench(*RUN, *words, "--dry-run", "--format", "json", cwd=cwd)
    assert answer.returncode == 0, answer.stderr
    return dict(json.loads(answer.stdout))


def test_five_spellings_of_one_place_are_one_trial(tmp_path: Path) -> None:
    save(tmp_path / "d" / "a.npz")
    (tmp_path / "link").symlink_to("d")
    spellings = ["d/a.npz", "./d/a.npz", "d//a.npz", str(tmp_path / "d" / "a.npz"), "link/a.npz"]
    found = dry(*(f"array:{spelling}" for spelling in spellings), cwd=tmp_path)
    assert [trial["dataset"] for trial in found["trials"]] == ["array:a.npz"]
    (note,) = found["notes"]
    assert note.startswith(f"{tmp_path}/link/a.npz contains the same samples as {tmp_path}/d/a.npz")
    (data,) = found["datasets"]
    assert (data["size"], data["shape"], data["classes"], data["kind"]) == (150, [1, 16, 16], 10, "image")
    words = [word for spelling in spellings for word in ("--dataset", f"array:{spelling}")]
    lines = ganbench(*RUN, *words, "--dry-run", cwd=tmp_path).stdout.splitlines()
    shown = "data      array:a.npz: 150 images of 1x16x16, 10 classes; compared with the same images"
    assert lines[-3:-1] == [shown, f"note: {note}"]


def test_a_folder_its_link_its_copy_and_its_zip_are_one_trial(tmp_path: Path) -> None:
    for number in range(100):
        picture(tmp_path / "photos" / str(number % 2) / f"{number}.png", 2 * number, mode="L")
    (tmp_path / "link").symlink_to("photos")
    shutil.copytree(tmp_path / "photos", tmp_path / "elsewhere" / "copy")
    archive = zipped(tmp_path / "photos")
    spellings = ["photos", "./photos/", str(tmp_path / "photos"), "link", "elsewhere/copy", archive.name]
    found = dry(*(f"folder:{spelling}" for spelling in spellings), cwd=tmp_path)
    assert [trial["dataset"] for trial in found["trials"]] == ["folder:photos"]
    told = [note.partition(" contains the same samples as ") for note in found["notes"]]
    others = [tmp_path / other for other in ("link", "elsewhere/copy", archive.name)]
    assert [(one, other.partition(",")[0]) for one, _, other in told] == [
        (str(other), str(tmp_path / "photos")) for other in others
    ]


def test_a_dry_run_counts_what_is_compared_with(tmp_path: Path) -> None:
    lines = ganbench("run", "--losses", "vanilla", *QUICK, "--dataset", "ring,digits", "--dry-run", cwd=tmp_path)
    assert "digits: 899 images of 1x16x16, 10 classes; compared with 898 of its test split" in lines.stdout
    assert "points of 2, 8 classes; compared with" in lines.stdout


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial whose data were brought elsewhere after it was trained."""
    place = tmp_path_factory.mktemp("own")
    save(place / "old" / "photos.npz")
    answer = ganbench(*RUN, "--dataset", "array:old/photos.npz", cwd=place)
    assert answer.returncode == 0, answer.stderr
    assert "array:photos.npz: 100 fakes against 150 train" in answer.stdout
    shutil.move(place / "old", place / "new")
    (place / "new" / "photos.npz").rename(place / "new" / "pictures.npz")
    return place


def test_equal_samples_elsewhere_are_the_trial_that_is_there(moved: Path) -> None:
    found = dry("array:new/pictures.npz", cwd=moved)
    assert [(trial["status"], trial["dataset"]) for trial in found["trials"]] == [("done", "array:pictures.npz")]
    answer = ganbench(*RUN, "--dataset", "array:new/pictures.npz", cwd=moved)
    assert "array:pictures.npz: 100 fakes against" in answer.stdout  # as it was asked for now
    (trial,) = moved.glob("runs/*")
    stored = read_json(trial / "spec.json")
    assert stored["spec"]["data"]["component"]["parameters"] == {"range": ""}
    assert stored["spec"]["data"]["component"]["label"] == "array"
    assert str(moved) not in json.dumps(stored["spec"])
    protocol = read_json(trial / "result.json")["protocol"]
    assert (protocol["dataset"], protocol["training"]) == ("array", stored["spec"]["data"]["fingerprint"])


def test_changed_samples_at_the_same_place_are_another_trial(moved: Path) -> None:
    save(moved / "other" / "pictures.npz", start=1)
    (before,), (after,) = (dry(f"array:{folder}/pictures.npz", cwd=moved)["trials"] for folder in ("new", "other"))
    assert before["trial_id"] != after["trial_id"]
    save(moved / "other" / "pictures.npz", start=2)
    assert dry("array:other/pictures.npz", cwd=moved)["trials"][0]["trial_id"] != after["trial_id"]


def test_a_trial_is_scored_again_where_its_data_lie_now(moved: Path) -> None:
    (trial,) = moved.glob("runs/*")
    asked = ["eval", str(trial), "--metrics", "kid", "--out", "again", "-q"]
    answer = ganbench(*asked, cwd=moved)
    assert answer.returncode == 2
    assert (
        f"are no longer at {moved}/old/photos.npz; name their new place, e.g. --against array:PATH --extractor digits\n"
        in answer.stderr
    )
    answer = ganbench(*asked, "--against", "array:new/pictures.npz", "--extractor", "digits", cwd=moved)
    assert answer.returncode == 0, answer.stderr
    assert "vanilla" in answer.stdout  # the trial itself, and no samples from elsewhere
    assert "4 generator updates" in answer.stdout
    (scored,) = moved.glob("again/*")
    # Another trial's evaluation finds the samples where that trial had them.
    again = ganbench("eval", str(trial), "--against", str(scored), "--out", "further", "-q", cwd=moved)
    assert again.returncode == 0, again.stderr
    assert [path.name for path in moved.glob("further/*")] == [scored.name]


def of_before(trial: Path, runs: Path, place: str) -> TrialFolder:
    """The same trial as an earlier version wrote it: with the place in its specification."""
    file = TrialFolder(trial).read_spec()
    part = file.spec.data.component
    part = part.model_copy(update={"label": f"array:{place}", "parameters": {"path": place, **part.parameters}})
    spec = file.spec.model_copy(update={"data": file.spec.data.model_copy(update={"component": part})})
    folder = TrialFolder(runs / spec.trial_id)
    shutil.copytree(trial, folder.path)
    execution = file.execution.model_copy(update={"data_at": {}})
    folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=execution))
    protocol = {name: value for name, value in folder.read_result()["protocol"].items() if name != "training"}
    change_result(folder, trial_id=spec.trial_id, protocol=protocol | {"dataset": part.label})
    return folder


def test_trials_of_before_are_read_and_scored_again(moved: Path) -> None:
    (trial,) = moved.glob("runs/*")
    folder = of_before(trial, moved / "before", "old/photos.npz")
    assert "array:old/photos.npz: 100 fakes against" in ganbench("results", "before", cwd=moved).stdout
    reference = ["--against", "array:new/pictures.npz", "--extractor", "digits"]
    answer = ganbench("eval", str(folder.path), *reference, "--metrics", "kid", "--out", "later", "-q", cwd=moved)
    assert answer.returncode == 0, answer.stderr
    assert "array:pictures.npz" in answer.stdout
    assert "4 generator updates" in answer.stdout


def test_a_trial_that_was_cut_short_goes_on_where_its_data_lie_now(moved: Path) -> None:
    shutil.copytree(moved / "runs", moved / "cut")
    (trial,) = moved.glob("cut/*")
    for name in ("result.json", "status.json", "manifest.json"):
        (trial / name).unlink()
    answer = ganbench(*RUN, "--dataset", "array:new/pictures.npz", "--out", "cut", cwd=moved)
    assert answer.returncode == 0, answer.stderr
    assert read_json(trial / "spec.json")["execution"]["data_at"] == {"path": f"{moved}/new/pictures.npz"}


def test_baselines_of_images_without_a_test_split_are_refused_by_name(tmp_path: Path) -> None:
    for number in range(8):
        picture(tmp_path / "photos" / f"{number}.png", 20 * number, mode="L")
    words = ["--dataset", "folder:photos[size=16]", "--baselines", "--num-samples", "8", "--dry-run"]
    answer = ganbench(*RUN[:-2], *words, cwd=tmp_path)
    assert answer.returncode == 2
    (line,) = answer.stderr.strip().splitlines()
    assert line == (
        f"ganbench: baselines need real samples that are not in the reference, and {tmp_path}/photos has no "
        "test split; add [holdout=0.1], or make folders train/ and test/ in it; or leave --baselines out"
    )

"""Snapshots of a generator while it trains: what they hold, when they are taken, and that they change nothing."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganbench import plugins, trial
from ganbench.api import Mixture
from ganbench.errors import StoreError
from ganbench.evaluation.snapshots import IMAGES, LARGEST_SIDE, POINTS, snapshot, snapshot_steps, truth
from ganbench.files import read_lines
from ganbench.grid import parse_axis, parse_losses
from ganbench.plan import PlanRequest
from ganbench.records.folder import TrialFolder
from ganbench.resolving.plans import answer
from ganbench.spec import Execution, TrialFile
from ganbench.worker.watcher import StopFlag


def picture(content: dict[str, str] | None) -> Image.Image:
    assert content is not None
    return Image.open(io.BytesIO(base64.b64decode(content["png"], validate=True)))


def test_images_are_kept_pixel_by_pixel() -> None:
    levels = torch.arange(IMAGES + 3).view(-1, 1, 1, 1).expand(-1, 1, 2, 2) / 127.5 - 1
    pixels = np.asarray(picture(snapshot(levels)))
    assert pixels.shape == (8, 8)
    assert pixels[::2, ::2].ravel().tolist() == list(range(IMAGES))
    assert (np.repeat(np.repeat(pixels[::2, ::2], 2, 0), 2, 1) == pixels).all()


@pytest.mark.parametrize(("given", "asked", "columns", "kept"), [(19, 16, 4, 16), (5, 16, 4, 5), (70, 64, 8, 64)])
def test_a_snapshot_says_how_its_images_are_arranged(given: int, asked: int, columns: int, kept: int) -> None:
    images = torch.zeros(given, 1, 2, 3)
    images[asked:] = float("nan")  # what is not kept is not looked at
    content = snapshot(images, images=asked)
    assert content is not None
    assert (content["columns"], content["images"]) == (columns, kept)
    assert picture(content).size == (3 * columns, 2 * -(-kept // columns))


def test_large_images_are_made_smaller_and_keep_their_proportions() -> None:
    shown = picture(snapshot(torch.zeros(16, 3, 256, 128)))
    assert shown.size == (4 * LARGEST_SIDE // 2, 4 * LARGEST_SIDE)
    assert shown.mode == "RGB"
    assert picture(snapshot(torch.zeros(16, 1, 64, 63))).size == (4 * 63, 4 * 64)
    assert picture(snapshot(torch.zeros(16, 1, 65, 65))).size == (4 * 64, 4 * 64)
    assert picture(snapshot(torch.zeros(16, 1, 2, 640))).size == (4 * 64, 4)  # a fifth of a pixel is one
    assert picture(snapshot(torch.zeros(16, 65, 2, 2))).size == (4 * 2, 4 * 2)  # of channels there may be more


def test_no_pixel_of_a_large_image_is_passed_over() -> None:
    images = torch.full((16, 1, 256, 256), -1.0)
    images[..., ::4] = 1.0
    pixels = np.asarray(picture(snapshot(images)))
    # A quarter of the columns is white; towards the edges of an image the filter has fewer of them.
    assert np.abs(pixels.astype(int) - 64).max() < 20


def test_points_are_kept_to_five_digits() -> None:
    points = torch.randn(POINTS + 10, 3) * 1e-4
    content = snapshot(points)
    assert content is not None
    kept = torch.tensor(json.loads(json.dumps(content))["points"])
    assert kept.shape == (POINTS, 2) == (500, 2)
    assert torch.allclose(kept, points[:POINTS, :2], rtol=1e-4, atol=0)
    points = torch.tensor([[0.123456, -98765.4, float("nan")], [1.0, 2.0, 3.0]], dtype=torch.float64)
    assert snapshot(points) == {"points": [[0.12346, -98765], [1, 2]]}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_cannot_be_drawn_is_nothing(bad: float) -> None:
    assert snapshot(torch.zeros(20, 1)) is None
    assert snapshot(torch.full((20, 2), bad)) is None
    assert snapshot(torch.full((20, 1, 4, 4), bad)) is None


def test_the_truth_has_the_modes() -> None:
    content = truth(torch.zeros(5, 2), Mixture(means=torch.tensor([[1.0, 0.0], [0.0, 1.0]]), sigma=0.5))
    assert content["means"] == [[1.0, 0.0], [0.0, 1.0]]
    assert content["sigma"] == 0.5
    assert content["real"]["points"] == [[0.0, 0.0]] * 5
    assert set(truth(torch.zeros(5, 1, 4, 4), None)) == {"real"}
    assert truth(torch.zeros(70, 1, 4, 4), None)["real"]["images"] == 64
    in_space = truth(torch.zeros(5, 3), Mixture(means=torch.tensor([[1.0, 2.0, 3.0]]), sigma=0.5))
    assert in_space["means"] == [[1.0, 2.0]]
    assert truth(torch.zeros(5, 1), Mixture(means=torch.zeros(2, 1), sigma=0.5)) == {"real": None}


@given(st.integers(1, 10**6), st.integers(1, 200))
def test_snapshots_are_spread_evenly_and_end_with_the_last_step(steps: int, frames: int) -> None:
    chosen = sorted(snapshot_steps(steps, frames))
    assert len(chosen) == min(steps, frames)
    assert all(isinstance(step, int) for step in chosen)
    assert chosen[0] >= 1
    assert chosen[-1] == steps
    gaps = {after - before for before, after in zip([0, *chosen], chosen, strict=False)}
    assert max(gaps) - min(gaps) <= 1


def planned(tmp_path: Path, snapshots: int) -> TrialFolder:
    registry = plugins.load().registry
    request = PlanRequest(
        losses=tuple(parse_losses(["wgan-gp"], registry)),
        architectures=tuple(parse_axis("architecture", ["mlp[hidden=16,layers=1]"], registry)),
        datasets=tuple(parse_axis("dataset", ["ring"], registry)),
        recipe={"steps": 12, "ema_decay": 0.9, "replay": 32},
        num_samples=500,
    )
    (cell,) = answer(request).planned
    folder = TrialFolder(tmp_path / str(snapshots) / cell.spec.trial_id)
    execution = Execution(data_root=str(tmp_path), snapshots=snapshots)
    folder.write_spec(TrialFile(trial_id=cell.spec.trial_id, spec=cell.spec, execution=execution))
    return folder


def test_taking_snapshots_changes_no_bit_of_a_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "stop_on_signals", StopFlag)
    found = []
    for count in (0, 5):
        folder = planned(tmp_path, count)
        assert trial.run_trial(folder) == "done", folder.read_status()
        losses = [(line["d_loss"], line["g_loss"]) for line in read_lines(folder.progress)]
        found.append((folder.generator.read_bytes(), losses, folder.read_result()["metrics"]))
        steps = [line["step"] for line in read_lines(folder.snapshots)]
        assert steps == ([0, 3, 5, 8, 10, 12] if count else [])
    assert found[0] == found[1]
    first = read_lines(folder.snapshots)[0]
    assert len(first["means"]) == 8
    assert len(first["points"]) == len(first["real"]["points"]) == POINTS


def test_a_disk_without_room_for_snapshots_costs_them_and_not_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "stop_on_signals", StopFlag)
    append, tries = TrialFolder.append_snapshot, []

    def full(self: TrialFolder, record: dict[str, Any]) -> None:
        tries.append(record["step"])
        if record["step"] >= 5:
            raise StoreError(f"cannot write {self.snapshots}: No space left on device; free some")
        append(self, record)

    monkeypatch.setattr(TrialFolder, "append_snapshot", full)
    folder = planned(tmp_path, 5)
    assert trial.run_trial(folder) == "done", folder.read_status()
    assert tries == [0, 3, 5]
    (warning,) = [line for line in folder.read_result()["warnings"] if "snapshots" in line]
    assert warning.startswith("no snapshots from step 5 on: cannot write ")
    assert warning.endswith("No space left on device")

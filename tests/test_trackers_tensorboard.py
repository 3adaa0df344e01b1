"""What TensorBoard reads of a trial that was copied or followed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ganbench import plugins
from ganbench.cli import cli
from ganbench.grid import ComponentRequest, parse_axis
from ganbench.store.results import read_rows
from ganbench.trackers.following import copy, make_trackers
from tests.synthetic import write_grid


def events(folder: Path) -> Any:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
    )
    read = accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    read.Reload()
    return read


@pytest.fixture
def tensorboard() -> ComponentRequest:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    (request,) = parse_axis("tracker", ["tensorboard"], plugins.load().registry)
    return request


def test_tensorboard_reads_what_was_written(tmp_path: Path, tensorboard: ComponentRequest) -> None:
    from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

    runs = tmp_path / "runs"
    (folder,) = write_grid(runs, {"hinge": 3.0}, 1)
    rows, _ = read_rows(runs)
    registry = plugins.load().registry
    for _ in range(2):  # copied twice, it is there once
        assert copy(rows, make_trackers([tensorboard], registry, runs), print) == (1, ("tensorboard",))
    read = events(runs / "tensorboard" / folder.trial_id)
    fid = read.Scalars("metric/fid")
    assert [point.step for point in fid] == [100 * index for index in range(1, 21)]
    assert fid[-1].value == pytest.approx(folder.read_result()["metrics"]["fid"])
    assert len(read.Scalars("loss/discriminator")) == len(read.Scalars("loss/generator")) == 100
    (picture,) = read.Images("samples")
    assert picture.encoded_image_string == folder.samples.read_bytes()
    content = read.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    settings = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert settings["loss"].string_value == "hinge"
    assert settings["batch_size"].number_value == 64
    end = plugin_data_pb2.HParamsPluginData.FromString(
        read.summary_metadata["_hparams_/session_end_info"].plugin_data.content
    ).session_end_info
    assert end.status == api_pb2.STATUS_SUCCESS
    assert end.end_time_secs - fid[0].wall_time > 30


def test_what_a_link_leads_to_is_not_copied(tmp_path: Path, tensorboard: ComponentRequest) -> None:
    runs = tmp_path / "runs"
    (folder,) = write_grid(runs, {"hinge": 3.0}, 1)
    folder.samples.rename(tmp_path / "private.png")
    folder.samples.symlink_to(tmp_path / "private.png")
    rows, _ = read_rows(runs)
    assert copy(rows, make_trackers([tensorboard], plugins.load().registry, runs), print) == (1, ("tensorboard",))
    assert events(runs / "tensorboard" / folder.trial_id).Tags()["images"] == []


def test_the_command_copies_trials_that_have_ended(
    tmp_path: Path, tensorboard: ComponentRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    write_grid(runs, {"hinge": 3.0}, 2)
    logs = tmp_path / "logs"
    assert cli.main(["track", str(runs), "--tracker", f"tensorboard[logdir={logs}]"], standalone_mode=False) == 0
    assert "2 trials to tensorboard" in capsys.readouterr().out
    assert len(list(logs.glob("*/events.out.tfevents.*"))) == 2


def test_a_run_is_followed_while_it_trains(tmp_path: Path, tensorboard: ComponentRequest) -> None:
    arguments = ["--losses", "hinge", "--arch", "mlp[hidden=16,layers=1]", "--dataset", "ring", "--steps", "20",
                 "--num-samples", "500", "--eval-every", "10", "--device", "cpu",
                 "--tracker", "tensorboard"]  # fmt: skip
    environment = os.environ | {"GANBENCH_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "ganbench", "run", *arguments], cwd=tmp_path, env=environment, capture_output=True,
        text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (trial,) = (tmp_path / "runs" / "tensorboard").iterdir()
    assert (tmp_path / "runs" / trial.name / "result.json").is_file()
    read = events(trial)
    assert [point.step for point in read.Scalars("metric/modes")] == [10, 20]
    assert len(read.Scalars("loss/discriminator")) == 20
    assert "switched off" not in done.stderr


def test_a_folder_that_is_called_like_a_number_is_called_so(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    registry = plugins.load().registry
    for name in ("1.10", "2024_05_01", "007", "1e3"):
        requests = parse_axis("tracker", [f"tensorboard[logdir={name}]"], registry)
        (made,) = make_trackers(requests, registry, tmp_path).values()
        assert vars(made)["logdir"] == Path(name)


def test_a_home_folder_within_brackets_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No shell sees to it there, and a folder called ``~`` would be made."""
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (folder,) = write_grid(tmp_path / "runs", {"hinge": 3.0}, 1)
    assert cli.main(["track", "runs", "--tracker", "tensorboard[logdir=~/logs]"], standalone_mode=False) == 0
    assert list((tmp_path / "home" / "logs" / folder.trial_id).glob("events.out.tfevents.*"))
    assert {path.name for path in tmp_path.iterdir()} == {"home", "runs"}

"""What a trial writes down of its costs: seconds, speeds, images, energy, and memory."""

import itertools
import os
from pathlib import Path

import pytest
import torch

from ganbench.metrics.fid import FID
from ganbench.provenance import environment
from ganbench.records import manifest
from ganbench.store.verification import verify
from ganbench.worker import clock, recording
from ganbench.worker.recording import Recorder
from tests import clocks
from tests.workers import MLP, lines, planned


def test_a_trial_that_ends_early_has_trained_since_its_last_evaluation_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clocks.stop(monkeypatch, clock, 100.0)
    (folder,) = planned(tmp_path, MLP, seeds=1)
    recorder = Recorder(folder, folder.read_spec())
    now[0] += 1
    recorder.train(lambda: 400)
    now[0] += 4
    with recorder.not_training():
        now[0] += 3
        recorder.evaluation(20, 400, {})
    now[0] += 4
    recorder.finish("diverged", "NaN")
    cost = folder.read_result()["cost"]
    assert (cost["seconds"], cost["train_seconds"], cost["evaluation_seconds"]) == (12.0, 8.0, 3.0)
    assert cost["images_per_second"] == 50.0
    assert [line["seconds"] for line in lines(folder.metrics)] == [4.0]


def test_a_report_says_what_is_free_of_the_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder,) = planned(tmp_path, MLP, seeds=1)
    recorder = Recorder(folder, folder.read_spec())
    for free in (None, 5 << 30):
        monkeypatch.setattr(recording, "free_memory", lambda free=free: free)
        recorder.progress(1, 20, 0.5, 0.5)
    assert [line["device_free"] for line in lines(folder.progress)] == [None, 5 << 30]


def test_clocks_go_on_over_attempts_and_stand_still_between_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clocks.stop(monkeypatch, clock)
    monkeypatch.setattr(environment, "energy_joules", lambda device: 700.0)
    monkeypatch.setattr(environment, "steal_seconds", lambda: 7.0)
    (folder,) = planned(tmp_path, MLP, seeds=1)

    def attempt() -> Recorder:
        recorder = Recorder(folder, folder.read_spec())
        recorder.prepared(FID.values, {"fid": "fid"}, torch.device("cpu"))
        return recorder

    first = attempt()
    first.train(lambda: 100)
    now[0] += 10
    first.progress(5, 100, 0.5, 0.5)
    with first.not_training():
        now[0] += 3
        first.evaluation(5, 100, {"fid": 2.0})
    earlier = first.state_dict()
    now[0] += 500  # nobody works on it
    second = attempt()
    second.resume(5, 100, earlier)
    going_on = second.state_dict()
    assert (going_on["seconds"], going_on["elapsed"]) == (10, 13)
    second.train(lambda: 200)
    now[0] += 5
    second.progress(7, 200, 0.5, 0.5)
    assert [(line["seconds"], line["images_per_second"]) for line in lines(folder.progress)] == [(10, 10), (15, 20)]
    with second.not_training():
        now[0] += 2
        second.evaluation(7, 200, {"fid": 1.5})
    now[0] += 4  # weights and a picture are written: that is no training
    second.finish("done")
    cost = folder.read_result()["cost"]
    assert (cost["train_seconds"], cost["evaluation_seconds"], cost["seconds"]) == (15, 5, 24)
    assert (cost["real_images"], cost["images_per_second"]) == (200, 13.3)
    # What the first attempt used was not written down.
    assert cost["energy_joules"] is cost["steal_seconds"] is None
    listed = manifest.read(folder)
    assert listed is not None
    assert listed.trial_id == folder.trial_id
    assert {"spec.json", "result.json", "metrics.jsonl", "progress.jsonl"} <= listed.files.keys()
    assert verify(folder) == ([], [])


def test_a_trial_that_fails_between_resuming_and_training_still_cost_what_it_had_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clocks.stop(monkeypatch, clock)
    (folder,) = planned(tmp_path, MLP, seeds=1)
    first, second = (Recorder(folder, folder.read_spec()) for _ in range(2))
    first.train(lambda: 100)
    now[0] += 10
    earlier = first.state_dict()
    second.resume(5, 100, earlier)
    second.finish("failed", "no memory for a watcher")
    result = folder.read_result()
    assert (result["step"], result["cost"]["real_images"]) == (5, 100)
    assert (result["cost"]["train_seconds"], result["cost"]["images_per_second"]) == (10, 10)


def test_the_first_speed_counts_from_the_beginning_and_later_ones_from_the_report_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clocks.stop(monkeypatch, clock, 100.0)
    (folder,) = planned(tmp_path, MLP, seeds=1)
    recorder = Recorder(folder, folder.read_spec())
    recorder.train(lambda: 0)
    for step, seconds, images in ((1, 0, 20), (2, 4, 60), (3, 2, 360)):
        now[0] += seconds
        recorder.progress(step, images, 0.25, 0.5)
    found = [(line["step"], line["images"], line["images_per_second"]) for line in lines(folder.progress)]
    # In no time there is no speed; 40 images in 4 seconds, 300 in 2.
    assert found == [(1, 20, 0.0), (2, 60, 10.0), (3, 360, 150.0)]
    assert {(line["d_loss"], line["g_loss"]) for line in lines(folder.progress)} == {(0.25, 0.5)}
    assert recorder.step == 3
    (attempt,) = lines(folder.attempts)
    assert (attempt["step"], attempt["pid"], attempt["time"]) == (0, os.getpid(), recorder.started)


def test_what_the_machine_counts_is_counted_from_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    energy, steal = itertools.count(500.0, 42.0), itertools.count(7.0, 2.5)
    monkeypatch.setattr(environment, "energy_joules", lambda device: next(energy))
    monkeypatch.setattr(environment, "steal_seconds", lambda: next(steal))
    monkeypatch.setattr(environment, "peak_memory", lambda device: 3 << 20)
    (folder,) = planned(tmp_path, MLP, seeds=1)
    recorder = Recorder(folder, folder.read_spec())
    recorder.prepared(FID.values, {"fid": "fid"}, torch.device("cpu"))
    recorder.progress(1, 20, 0.5, 0.5)
    recorder.finish("diverged", "NaN")
    cost = folder.read_result()["cost"]
    assert (cost["energy_joules"], cost["steal_seconds"], cost["peak_memory"]) == (42.0, 2.5, 3 << 20)
    assert [line["memory"] for line in lines(folder.progress)] == [3 << 20]
    assert recorder.memory_note() == "peak 3 MiB"


def test_training_is_timed_until_the_gpu_has_done_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clocks.stop(monkeypatch, clock, 100.0)

    def finish_work(device: torch.device) -> None:
        assert device == torch.device("cuda")
        now[0] += 5

    monkeypatch.setattr(torch.cuda, "synchronize", finish_work)
    (folder,) = planned(tmp_path, MLP, seeds=1)
    for name, expected in (("cuda", [5.0, 10.0]), ("cpu", [0.0, 0.0])):
        recorder = Recorder(folder, folder.read_spec())
        recorder._device = torch.device(name)
        recorder.train(lambda: 0)
        trained = []
        for _ in range(2):
            with recorder.not_training():
                trained.append(recorder._clock.stopped_at)
        assert trained == expected


@pytest.mark.parametrize(("seconds", "images"), [(0, 20), (4, 0)])
def test_without_time_or_images_there_is_no_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, images: int
) -> None:
    now = clocks.stop(monkeypatch, clock, 100.0)
    (folder,) = planned(tmp_path, MLP, seeds=1)
    recorder = Recorder(folder, folder.read_spec())
    recorder.train(lambda: images)
    now[0] += seconds
    recorder.finish("diverged", "NaN")
    cost = folder.read_result()["cost"]
    assert (cost["train_seconds"], cost["real_images"], cost["images_per_second"]) == (seconds, images, None)

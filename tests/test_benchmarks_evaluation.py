"""The benchmark of an evaluation: every contender scores the same samples, and all agree."""

from pathlib import Path

import pytest
import torch

from benchmarks import evaluation
from benchmarks.evaluation import Scorer, levels_of, write_folder

N = 80


@pytest.fixture(autouse=True)
def own_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process of its own does to its heap is not for that of the tests."""
    monkeypatch.setattr(evaluation, "keep_freed_memory", lambda: None)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    fakes, reals = levels_of(N, 16)
    place = tmp_path_factory.mktemp("png")
    return write_folder(place / "fakes", fakes), write_folder(place / "reals", reals)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes")
def test_all_contenders_give_the_same_numbers(folders: tuple[Path, Path]) -> None:
    labels = ["ganbench", *evaluation.PEERS, "ganbench-files", "peer-files"]
    found = {label: Scorer(label, "digits", N, folders, threads=torch.get_num_threads()).numbers() for label in labels}
    assert found["ganbench"]["fid"] > 1
    assert [label for label in labels if not evaluation._same(found["ganbench"], found[label])] == []
    moved = {**found["peer"], "frechet_inception_distance": found["peer"]["frechet_inception_distance"] * 1.001}
    assert not evaluation._same(found["ganbench"], moved)

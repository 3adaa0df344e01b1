"""A dataset read for a plan: what is refused of its files, whoever reads them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ganbench import plugins
from ganbench.errors import DataError
from ganbench.evaluation.handout import write_samples
from ganbench.grid import parse_axis
from ganbench.resolving.data import Opened

IMAGES = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


def opened(path: Path) -> Opened:
    registry = plugins.load().registry
    (request,) = parse_axis("dataset", [f"array:{path}"], registry)
    return Opened(request, registry, Path())


def test_truncated_samples_are_no_dataset_and_no_reference(tmp_path: Path) -> None:
    write_samples(tmp_path / "cut.npz", IMAGES, None, truncation=0.5)
    with pytest.raises(DataError, match=r"^\S*cut\.npz holds samples truncated at 0\.5, .*without --truncation$"):
        opened(tmp_path / "cut.npz").load("train")
    write_samples(tmp_path / "whole.npz", IMAGES, None)
    assert len(opened(tmp_path / "whole.npz").load("train")) == 20
    # What others call so is an array of their own.
    np.savez(tmp_path / "theirs.npz", samples=np.zeros((20, 3), np.float32), truncation=np.ones(20))
    assert len(opened(tmp_path / "theirs.npz").load("train")) == 20

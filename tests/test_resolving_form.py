"""What a dataset returns or declares in another form than its contract's is refused by name, before anything trains."""

from pathlib import Path
from typing import Any

import pytest
import torch

from ganbench.api import Dataset, Samples
from ganbench.errors import UsageError
from ganbench.grid import ComponentRequest
from ganbench.plan import PlanRequest
from ganbench.registry import Entry, Registry
from ganbench.resolving.data import Data

IMAGES = torch.randint(0, 256, (20, 1, 16, 16), dtype=torch.uint8)
LABELS = torch.zeros(20, dtype=torch.int64)


class Given(Dataset):
    """Returns what it is told to."""

    metrics = ()
    found: Any = None

    def load(self, split: str, *, root: Path) -> Samples:
        found: Samples = type(self).found
        return found


def read() -> Data:
    target = f"{__name__}:Given"
    own = Entry(
        kind="dataset", name="given", target=target, summary="", paper="", argument="", distribution="x", version="1"
    )
    registry = Registry()
    registry.add(own)
    request = ComponentRequest(kind="dataset", name="given", distribution="x", version="1", target=target)
    return Data(request, PlanRequest(losses=(), architectures=(), datasets=(request,)), registry, set())


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (IMAGES, "load('train') returns Tensor, not ganbench.api.Samples"),
        (Samples(data=IMAGES.numpy()), "the data of the split 'train' is ndarray, not a torch tensor; use torch.from_"),  # type: ignore[arg-type]
        (Samples(data=[IMAGES]), "the data of the split 'train' is list, not a torch tensor"),  # type: ignore[arg-type]
        (Samples(data=IMAGES / 255), "the split 'train' is float32 of shape (20, 1, 16, 16), but images must be uint8"),
        (Samples(data=IMAGES.long()), "the split 'train' is int64, but images must be uint8 in 0..255 and vectors"),
        (Samples(data=IMAGES[:, 0]), "the split 'train' has shape (20, 16, 16), but images must be (N, C, H, W)"),
        (Samples(data=IMAGES[:, 0, 0]), "the split 'train' has shape (20, 16), but images must be (N, C, H, W) and"),
        (Samples(data=IMAGES[:, 0, 0].double()), "the split 'train' is float64, but images must be uint8 in 0..255"),
        (Samples(data=IMAGES[:0]), "the split 'train' is empty"),
        (Samples(data=IMAGES, labels=LABELS.numpy()), "the labels of the split 'train' are ndarray, not a torch"),  # type: ignore[arg-type]
        (Samples(data=IMAGES, labels=LABELS.int()), "the labels of 'train' are int32 (20,), not int64 (20,)"),
        (Samples(data=IMAGES, labels=LABELS[:3]), "the labels of 'train' are int64 (3,), not int64 (20,)"),
    ],
)
def test_samples_of_another_form_are_refused(found: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Given, "found", found)
    with pytest.raises(UsageError) as caught:
        read()
    assert str(caught.value).startswith(f"dataset 'given': {words}")
    assert "\n" not in str(caught.value)


def test_samples_of_the_right_form_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for found in (Samples(data=IMAGES, labels=LABELS), Samples(data=torch.zeros(20, 2))):
        monkeypatch.setattr(Given, "found", found)
        assert read().spec.size == 20


def test_default_metrics_in_one_text_are_not_read_letter_by_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Given, "found", Samples(data=IMAGES))
    monkeypatch.setattr(Given, "metrics", "fid")
    with pytest.raises(
        UsageError, match=r"Given declares metrics = 'fid'; it must be a tuple of names, such as \('fid"
    ):
        read()

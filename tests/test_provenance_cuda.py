"""Whether torch can use a GPU, told by torch as it is built and by what it finds."""

import pytest
import torch

from ganbench.provenance import cuda


def pretend(monkeypatch: pytest.MonkeyPatch, built: str | None, error: Exception | None) -> None:
    def init() -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(torch.version, "cuda", built)
    monkeypatch.setattr(torch.cuda, "init", init)


@pytest.mark.parametrize(
    ("built", "error", "words"),
    [
        (None, None, "is built without CUDA; see https://pytorch.org"),
        ("13.0", RuntimeError("The NVIDIA driver on your system is too old\n(found version 11040)."),
         "with CUDA 13.0: The NVIDIA driver on your system is too old (found version 11040)."),
        ("13.0", AssertionError("Torch not compiled with CUDA enabled"), "Torch not compiled"),
    ],
)  # fmt: skip
def test_what_keeps_torch_from_a_gpu_is_one_line(
    built: str | None, error: Exception | None, words: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    pretend(monkeypatch, built, error)
    assert cuda.main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"torch {torch.__version__} ")
    assert words in line


def test_nothing_is_said_where_it_can(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pretend(monkeypatch, "13.0", None)
    assert (cuda.main(), cuda.obstacle(), capsys.readouterr().err) == (0, "", "")


def test_free_memory_is_that_of_a_gpu_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost() -> tuple[int, int]:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (3, 10))
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    assert cuda.free_memory() is None
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    assert cuda.free_memory() == 3
    monkeypatch.setattr(torch.cuda, "mem_get_info", lost)
    assert cuda.free_memory() is None

"""``ganbench sample``: what it refuses before it loads a generator. What it draws is tested with a run."""

from pathlib import Path

import pytest

from tests.fuzz.inputs import run_command
from tests.trials import make_spec, make_trial


@pytest.mark.parametrize(
    ("trial", "options", "words"),
    [
        ("runs", ["--out", "s.png"], "runs is a folder of trials; name the one to sample from, e.g. runs/vanilla-"),
        ("TRIAL", ["--out", "TRIAL/samples.png"], "would overwrite a part of runs/vanilla-"),
        ("TRIAL", ["--out", "s.npy", "--columns", "3"], "--columns is about a .png grid"),
        ("TRIAL", ["--out", "s.pdf"], "must end in .png or .npy"),
        ("TRIAL", ["--out", "s.png"], "has no generator.safetensors; its status is failed"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(
    trial: str, options: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = make_trial(Path("runs"), make_spec(), "failed")
    arguments = ["sample", trial, *options]
    code, output, message = run_command([one.replace("TRIAL", str(made.path)) for one in arguments], tmp_path)
    assert (code, output) == (2, "")
    assert words in message
    assert len(message.splitlines()) == 1

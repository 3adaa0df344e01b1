"""What commands print of trials, and that none writes over what it reads."""

from pathlib import Path

import pytest

import ganbench
from ganbench.cli.outputs import require_no_board, require_no_input, require_suffix
from ganbench.errors import UsageError
from tests.fuzz.inputs import run_command
from tests.trials import trial


@pytest.mark.parametrize("name", ["spec.json", "archive", "x.zip.json"])
def test_a_file_is_called_what_it_will_be(name: str) -> None:
    with pytest.raises(UsageError, match=r"must end in \.zip or \.tar"):
        require_suffix("--to", Path(name), ".zip", ".tar")


def test_a_suffix_may_be_in_capitals() -> None:
    require_suffix("--to", Path("HINGE.ZIP"), ".zip")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("lb/a.json", "lb/a.json"),
        ("lb/a.json", "lb/a"),
        ("lb/a.md", "lb/a.json"),
        ("lb/../lb/a.json", "lb/a.html"),
        ("runs/trial/spec.json", "runs"),
        ("runs/new.xml", "runs"),
    ],
)
def test_what_is_read_is_not_written_over(path: str, source: str, tmp_path: Path) -> None:
    (tmp_path / "runs" / "trial").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"would overwrite part of .*, which this command reads"):
        require_no_input("--junit", tmp_path / path, tmp_path / "other", tmp_path / source)


@pytest.mark.parametrize("path", ["gate.xml", "lb/b.json", "lb/a.xml", "runs.md"])
def test_another_file_is_written(path: str, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    require_no_input("--junit", tmp_path / path, tmp_path / "lb" / "a.json", tmp_path / "runs" / "trial")


@pytest.mark.parametrize("content", [None, "[]", '{"format": 1}', "{"])
def test_what_lies_beside_no_leaderboard_is_written_over(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "digits.json").write_text(content)
    require_no_board("--out", tmp_path / "digits.html")


@pytest.mark.parametrize("suffix", ["html", "md", "csv", "json", "toml"])
def test_a_file_of_a_leaderboard_is_not_written_over(suffix: str, tmp_path: Path) -> None:
    """Nor of one that is damaged: its page may be all that is left."""
    (tmp_path / "digits.json").write_text('{"format": "ganbench-leaderboard", "trials": []}')
    with pytest.raises(UsageError, match=rf"digits\.{suffix} would overwrite part of the leaderboard .*digits\.json"):
        require_no_board("--out", tmp_path / f"digits.{suffix}")


@pytest.mark.parametrize("name", ["digits.htm", "digits.xml", "digits", "other.html"])
def test_what_is_none_of_a_leaderboards_files_is_written_beside_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "digits.json").write_text('{"format": "ganbench-leaderboard", "trials": []}')
    require_no_board("--out", tmp_path / name)


@pytest.mark.parametrize(
    ("columns", "empty"),
    [("loss,energy,fid", ["energy"]), ("+energy,+fid:ci", ["energy", "fid:ci"]), ("loss,cost,all", []), ("fid", [])],
)
def test_a_column_that_was_asked_for_and_is_empty_is_named(columns: str, empty: list[str], tmp_path: Path) -> None:
    """A table of one seed on a CPU knows neither its energy nor an interval."""
    trial(tmp_path / "runs", "vanilla", 0, 1.0)
    code, output, messages = run_command(["results", "--columns", columns], tmp_path)
    assert code == 0
    assert "FID" in output
    assert messages.splitlines() == [
        f"ganbench: no row has anything in the column {name}, so it is left out" for name in empty
    ]
    assert run_command(["results", "--columns", columns, "--format", "csv"], tmp_path)[2] == ""


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["report"], "page.html"),
        (["leaderboard", "build", "runs"], "board"),
        (["plugins", "new", "margin-gan"], "new"),
    ],
)
def test_what_was_written_is_named_in_harmless_lines(words: list[str], name: str, tmp_path: Path) -> None:
    """The name of a folder may have been made to look like another line, or to hide one."""
    trial(tmp_path / "runs", "vanilla", 0, 1.0)
    code, output, messages = run_command([*words, "--out", f"a\x1b[2J\n\u202eb/{name}"], tmp_path)
    assert (code, messages) == (0, "")
    first = [line for line in output.splitlines() if line.startswith("a b/")]
    assert first
    assert "\u202e" not in output.partition("next:")[0]
    assert "\x1b" not in output.partition("next:")[0]
    assert output.partition("next:")[0].splitlines() == first


def test_samples_that_were_written_are_named_in_a_harmless_line(tmp_path: Path) -> None:
    ganbench.run(
        losses="hinge", architectures="mlp[hidden=8,layers=1]", datasets="ring", steps=2, batch_size=8, device="cpu",
        quiet=True, out=tmp_path / "runs",
    )  # fmt: skip
    (path,) = tmp_path.glob("runs/hinge-*")
    assert run_command(["sample", path.name, "--out", "a\x1b[2J\nb.npy"], tmp_path)[1] == "a b.npy\n"

"""Notes beneath a table: which trials have one, and what it quotes of a log."""

from pathlib import Path
from typing import Any

import pytest

from ganbench.tables.grouping import Group
from ganbench.tables.sheet import LOG_WIDTH, Note, cut, notes, samples
from tests.rows import make_row
from tests.trials import make_spec

LOG = ("one", "two", "three", "four")


def noted(status: str, **changes: Any) -> list[Note]:
    return notes([Group([make_row(make_spec(), status, **changes)])])


@pytest.mark.parametrize(
    ("status", "reason", "text", "log"),
    [
        ("failed", "boom", "boom", LOG[1:]),
        ("failed", "", "no reason was recorded", LOG[1:]),
        ("out-of-memory", "9 GiB", "9 GiB", LOG[1:]),
        ("timeout", "", "no reason was recorded", LOG[1:]),
        ("diverged", "NaN at step 12", "NaN at step 12", ()),
        ("interrupted", "stopped", "stopped", ()),
        ("running", "", "not ended; 'ganbench status' shows how far it is", ()),
        ("running", "its run has ended", "its run has ended", ()),
        ("pending", "its run has ended", "its run has ended", LOG[1:]),
    ],
)
def test_a_trial_that_is_not_done_says_why(status: str, reason: str, text: str, log: tuple[str, ...]) -> None:
    (note,) = noted(status, reason=reason, log=LOG)
    assert (note.kind, note.text, note.log) == (status, text, log)
    assert note.whose == "vanilla · dcgan · digits · seed 0"


def test_one_that_is_done_or_waits_its_turn_has_nothing_to_say() -> None:
    assert noted("done", log=LOG) == noted("pending", reason="", log=LOG) == []


def test_a_log_that_says_the_reason_alone_is_not_quoted() -> None:
    assert noted("failed", reason="RuntimeError: boom", log=("RuntimeError: boom", " "))[0].log == ()
    assert noted("failed", reason="it failed", log=("RuntimeError: boom",))[0].log == ("RuntimeError: boom",)


def test_a_long_line_is_cut_and_one_that_just_fits_is_not() -> None:
    assert cut("x" * LOG_WIDTH) == "x" * LOG_WIDTH
    assert cut("x" * (LOG_WIDTH + 1)) == "x" * LOG_WIDTH + "..."


def test_one_picture_is_named_by_its_path_and_many_by_a_pattern() -> None:
    def at(*paths: str) -> str:
        return samples([make_row(make_spec(), samples=Path(path)) for path in paths] + [make_row(make_spec())])

    assert at() == ""
    assert at("runs/a/samples.png") == "runs/a/samples.png"
    assert at("runs/a/samples.png", "runs/b/samples.png") == "runs/*/samples.png"
    assert at("/r/one/a/samples.png", "/r/two/b/samples.png") == "under /r"


def test_a_warning_of_every_row_names_none_and_of_some_names_them() -> None:
    rows = [make_row(make_spec(loss), warnings=warnings) for loss, warnings in
            (("a", ("all", "two")), ("b", ("all", "two")), ("c", ("all", "one", "one")))]  # fmt: skip
    told = {note.text: note.whose for note in notes([Group([row]) for row in rows])}
    assert told["all"] == "every row"
    assert (told["two"].count("dcgan"), told["one"].count("dcgan")) == (2, 1)
    alone = notes([Group(rows[:1])])
    assert {note.whose for note in alone} == {told["two"].split(", ")[0]}, "one row is not every row"


def test_where_to_look_is_one_line_whatever_a_folder_is_called() -> None:
    (note,) = noted("failed", folder=Path("runs/a\x1b[2J\nb"))
    assert note.path == "runs/a b"


def test_only_trials_with_numbers_make_times_incomparable() -> None:
    rows = [make_row(make_spec(), device="A100"), make_row(make_spec(seed=1), "diverged", device="H100")]
    assert [note.kind for note in notes([Group(rows)])] == ["diverged"]
    rows.append(make_row(make_spec(seed=2), device="H100"))
    assert notes([Group(rows)])[-1].text.endswith("A100 (1), H100 (1)")
    unknown = [rows[0], make_row(make_spec(seed=3), device=""), make_row(make_spec(seed=4), device="A100\x1b[2J")]
    assert notes([Group(unknown)]) == [], "of what is not known nothing is said, and control characters tell nothing"

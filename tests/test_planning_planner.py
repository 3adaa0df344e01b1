"""A plan is asked for once, and again where something changed that it depends on."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ganbench.errors import GanbenchError, NotAtHand, StoreError, TooFewSteps, UsageError
from ganbench.files import read_json, write_json
from ganbench.plan import FileStamp, PlanAnswer, Planned, PlanRequest, SourcesRequest
from ganbench.planning.planner import cache_folder, plan
from tests.trials import make_spec

GRID = PlanRequest(losses=(), architectures=(), datasets=())


class Worker:
    """In the place of the fork server: answers as the test says, and notes what it is asked."""

    def __init__(self, answer: PlanAnswer | None) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self) -> "Worker":
        return self

    def run(self, task: str, arguments: list[str], log: Path, timeout: float) -> tuple[int, str]:
        self.asked.append(task)
        question, reply = map(Path, arguments)
        assert read_json(question)
        if self.answer is None:
            return 1, "last words"
        write_json(reply, self.answer.model_dump(mode="json"))
        return 0, ""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def answer(*files: Path) -> PlanAnswer:
    stamps = [(path, path.stat()) for path in files]
    return PlanAnswer(
        planned=(Planned(spec=make_spec()),),
        files=tuple(FileStamp(path=str(p), size=s.st_size, mtime_ns=s.st_mtime_ns) for p, s in stamps),
    )


def ask(worker: Worker, request: PlanRequest | SourcesRequest = GRID) -> tuple[Planned, ...]:
    return plan(request, worker)  # type: ignore[arg-type]


def change_a_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("other samples")


def lose_a_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.unlink()


def change_a_setting(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_PLUGINS", "none")


def go_elsewhere(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)


def damage_what_is_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept,) = Path(os.environ["GANBENCH_CACHE"]).rglob("*.json")
    kept.write_text("{")


@pytest.mark.parametrize(
    "change",
    [change_a_file, lose_a_file, change_a_setting, go_elsewhere, damage_what_is_kept],
    ids=lambda one: one.__name__,
)
def test_an_answer_is_known_until_something_changes(
    change: Callable[[Path, pytest.MonkeyPatch], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "samples"
    file.write_text("samples")
    worker = Worker(answer(file))
    assert ask(worker) == ask(worker) == answer(file).planned
    assert worker.asked == ["resolve"]
    change(file, monkeypatch)
    ask(worker)
    assert len(worker.asked) == 2


def test_another_request_is_another_question() -> None:
    worker = Worker(answer())
    ask(worker)
    ask(worker, SourcesRequest(sources=(), plan=GRID))
    assert worker.asked == ["resolve", "resolve-sources"]


def test_a_refusal_is_one_line_with_its_trace_and_is_not_kept() -> None:
    worker = Worker(PlanAnswer(error="no such dataset", trace="Traceback: somewhere"))
    for _ in range(2):
        with pytest.raises(UsageError, match=r"^no such dataset$") as caught:
            ask(worker)
        assert "somewhere" in str(caught.value.__cause__)
    assert len(worker.asked) == 2


def test_a_refusal_for_want_of_steps_says_how_many_are_enough() -> None:
    with pytest.raises(TooFewSteps, match=r"^ema_start=9 is too late$") as caught:
        ask(Worker(PlanAnswer(error="ema_start=9 is too late", needed_steps=10)))
    assert caught.value.needed == 10


def test_a_refusal_for_want_of_data_says_how_values_are_read() -> None:
    """Also where nobody will look for any."""
    for values in ({"fid": {"label": "FID", "decimals": 2}}, {}):
        with pytest.raises(NotAtHand, match=r"^mnist: files not found$") as caught:
            ask(Worker(PlanAnswer(error="mnist: files not found", values=values)))
        assert caught.value.values == values


def test_a_worker_that_leaves_no_answer_is_quoted() -> None:
    with pytest.raises(GanbenchError, match=r"^planning failed: last words$"):
        ask(Worker(None))


def test_a_cache_that_cannot_be_written_keeps_nobody_from_training(cache: Path) -> None:
    cache.write_text("a file")
    assert ask(Worker(answer())) == answer().planned


def test_plans_are_kept_where_the_user_says_else_in_the_cache_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GANBENCH_CACHE", "~/mine")
    monkeypatch.setenv("XDG_CACHE_HOME", "~/theirs")
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("GANBENCH_CACHE")
    assert cache_folder() == tmp_path / "theirs" / "ganbench"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder() == tmp_path / ".cache" / "ganbench"


def test_without_a_home_folder_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_CACHE", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as it is where there is none
    assert cache_folder() is None
    worker = Worker(answer())
    assert ask(worker) == ask(worker) == answer().planned
    assert len(worker.asked) == 2


def test_without_a_place_for_temporary_files_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("tempfile._candidate_tempdir_list", list)
    with pytest.raises(StoreError, match=r"^no temporary folder can be made \(No usable .*\); set TMPDIR to a folder"):
        ask(Worker(answer()))

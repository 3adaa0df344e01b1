"""Trials of several sources brought together: which of two counts, which must agree, and what a board takes along."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import StoreError
from ganbench.leaderboard.build import assemble, write
from ganbench.leaderboard.sources import SUFFIXES, Source, finished_rows_of, merge, read_source, rows_of, to_board
from ganbench.records import manifest
from tests.trials import LAPTOP, VALUES, make_spec, make_trial, trial


def measured(path: Path, seed: int, label: str) -> Path:
    """A folder with one trial whose FID is called ``label``."""
    values = {**VALUES, "fid": {**VALUES["fid"], "label": label}}
    make_trial(path, make_spec(seed=seed), values=values)
    return path


def test_how_numbers_are_read_is_said_by_the_first_source(tmp_path: Path) -> None:
    one, two = (read_source(measured(tmp_path / name, seed, name)) for seed, name in enumerate(("one", "two")))
    for sources, label in (((one, two), "one"), ((two, one), "two")):
        (protocol,) = merge(sources, partial=False).protocols.values()
        assert protocol.values["fid"].label == label


def test_what_is_judged_has_ended_and_its_evaluations_can_be_read(tmp_path: Path) -> None:
    """A score that is not known yet is not the same as none."""
    runs = tmp_path / "runs"
    trial(runs, "vanilla", 0, 1.0)
    assert len(finished_rows_of(runs)) == 1
    unfinished = make_trial(runs, make_spec("vanilla", seed=1), "interrupted")
    assert len(rows_of(read_source(runs))) == 2
    with pytest.raises(
        StoreError, match=rf"^1 of 2 trials of .*runs is unfinished \({unfinished.trial_id}\): run again to finish it$"
    ):
        finished_rows_of(runs)
    make_trial(runs, make_spec("vanilla", seed=2), "running")
    with pytest.raises(StoreError, match=r"runs are unfinished \([\w-]+, \.\.\.\): run again to finish them$"):
        finished_rows_of(runs)
    unfinished.append_metrics({"step": 1, "images": "many"})
    with pytest.raises(
        StoreError, match=r"metrics\.jsonl does not contain evaluations; remove the trial and run it aga"
    ):
        read_source(runs)


def test_a_board_has_the_protocols_and_environments_of_its_trials_and_no_others(tmp_path: Path) -> None:
    trial(tmp_path / "runs", "vanilla", 0, 1.0)
    trial(tmp_path / "runs", "vanilla", 1, 1.1, LAPTOP | {"device_name": "Other"}, num_samples=500)
    source = merge([read_source(tmp_path / "runs")], partial=False)
    assert (len(source.protocols), len(source.environments)) == (2, 2)
    source.trials = source.trials[:1]
    board = to_board("x", source)
    assert set(board.protocols) == {source.trials[0].protocol}
    assert set(board.environments) == {source.trials[0].environment}


def test_rows_say_what_computed_them(tmp_path: Path) -> None:
    trial(tmp_path / "runs", "vanilla", 0, 1.0)
    trial(tmp_path / "runs", "vanilla", 1, 1.0, LAPTOP | {"device_name": "Other"})
    assert sorted(row.device for row in rows_of(read_source(tmp_path / "runs"))) == ["Laptop", "Other"]


@pytest.mark.parametrize("suffix", ["", *SUFFIXES])
def test_a_board_is_read_by_the_name_of_any_of_its_files(tmp_path: Path, suffix: str) -> None:
    trial(tmp_path / "runs", "vanilla", 0, 1.0)
    for name in ("v1.2", "plain"):
        write(assemble([tmp_path / "runs"], tmp_path / f"{name}.json"), tmp_path / f"{name}.json")
        assert len(read_source(tmp_path / f"{name}{suffix}").trials) == 1


def test_a_folder_of_boards_is_no_folder_of_trials_and_one_of_them_is_named(tmp_path: Path) -> None:
    trial(tmp_path / "runs", "vanilla", 0, 1.0)
    boards = tmp_path / "boards"
    write(assemble([tmp_path / "runs"], boards / "digits"), boards / "digits")
    (boards / "a.json").write_text("{}")
    with pytest.raises(StoreError, match=f"no trials in {boards}; name one of its leaderboards, e.g. {boards}/digits$"):
        read_source(boards)
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match=f"no trials in {tmp_path / 'empty'}$"):
        read_source(tmp_path / "empty")


def contradicting(tmp_path: Path, status: str, environment: dict[str, Any]) -> list[Any]:
    trial(tmp_path / "one", "vanilla", 0, 1.0, environment)
    make_trial(
        tmp_path / "two", make_spec("vanilla"), status, "why", result={"environment": environment, "determinism": {}}
    )
    return [read_source(tmp_path / name) for name in ("one", "two")]


@pytest.mark.parametrize(
    ("order", "difference"), [(1, r"fid \(1\.0 and diverged\)"), (-1, r"status \(diverged and done\)")]
)
def test_one_that_diverged_and_one_that_is_done_contradict_each_other(
    tmp_path: Path, order: int, difference: str
) -> None:
    with pytest.raises(StoreError, match=f"differ in {difference}"):
        merge(contradicting(tmp_path, "diverged", LAPTOP)[::order], partial=False)


@pytest.mark.parametrize("environment", [{}, LAPTOP | {"device": "cuda"}], ids=["unknown", "a GPU"])
def test_nothing_is_promised_of_gpus_and_of_what_is_not_known(tmp_path: Path, environment: dict[str, Any]) -> None:
    (found,) = merge(contradicting(tmp_path, "diverged", environment), partial=False).trials
    assert found.status == "done"
    assert [(rerun.status, rerun.equal) for rerun in found.reruns] == [("diverged", False)]


@pytest.mark.parametrize(
    "name", ["device", "device_name", "instructions", "versions", "threads", "python", "platform", "cuda"]
)
def test_nothing_is_promised_where_anything_that_computes_is_another(tmp_path: Path, name: str) -> None:
    sources = []
    for place, fid, environment in (("one", 1.0, LAPTOP), ("two", 1.0001, LAPTOP | {name: "another"})):
        trial(tmp_path / place, "vanilla", 0, fid, environment)
        sources.append(read_source(tmp_path / place))
    (found,) = merge(sources, partial=False).trials
    assert [(rerun.metrics["fid"], rerun.equal) for rerun in found.reruns] == [(1.0001, False)]


@pytest.mark.parametrize("first", ["one", "two"])
def test_one_that_came_to_an_end_counts_before_one_that_failed(tmp_path: Path, first: str) -> None:
    sources = contradicting(tmp_path, "failed", LAPTOP)
    ordered = sources if first == "one" else sources[::-1]
    (found,) = merge(ordered, partial=False).trials
    assert found.status == "done"
    assert [rerun.status for rerun in found.reruns] == ["failed"]


def as_ended(source: Source, status: str) -> Source:
    """The one trial of a source as if it had ended otherwise there, on the same processor."""
    nothing: dict[str, object] = {"metrics": {}, "best": {}, "area": {}, "evaluations": ()}
    (found,) = source.trials
    return replace(source, trials=[found.model_copy(update={"status": status, "reason": "why", **nothing})])


@pytest.mark.parametrize(("first", "second"), [("done", "failed"), ("failed", "timeout"), ("diverged", "failed")])
def test_a_failure_contradicts_nothing_and_equals_nothing(tmp_path: Path, first: str, second: str) -> None:
    """The same processor may lack the memory or the time that it had before."""
    trial(tmp_path, "vanilla", 0, 1.0)
    done = read_source(tmp_path)
    sources = [done if status == "done" else as_ended(done, status) for status in (first, second)]
    (found,) = merge(sources, partial=False).trials
    assert found.status == first
    assert [(rerun.status, rerun.equal) for rerun in found.reruns] == [(second, False)]


def test_what_has_not_ended_is_no_rerun(tmp_path: Path) -> None:
    trial(tmp_path, "vanilla", 0, 1.0)
    done = read_source(tmp_path)
    (found,) = merge([as_ended(done, "interrupted"), done], partial=False).trials
    assert (found.status, found.reruns) == ("done", ())


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "1e999"])
def test_a_number_that_is_not_finite_is_one_line(tmp_path: Path, number: str) -> None:
    """No worker writes one: where a board has none, none is let in."""
    folder = trial(tmp_path / "runs", "vanilla", 0, 1.0)
    whole = folder.result.read_text(), folder.metrics.read_text()
    environment, determinism = '"threads": 1', '"seed": 0'
    for file, old, new in (
        (folder.result, environment, f'"threads": {number}'),
        (folder.result, determinism, f'"seed": {number}'),
        (folder.metrics, '"seconds": 180.0', f'"seconds": {number}'),
        (folder.metrics, '"fid": 1.0', f'"fid": {number}'),
    ):
        folder.result.write_text(whole[0])
        folder.metrics.write_text(whole[1])
        text = file.read_text()
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))
        manifest.write(folder, folder.path.name)
        with pytest.raises(StoreError) as refused:
            read_source(tmp_path / "runs")
        assert str(refused.value) == (f"{file} contains a number that is not finite; remove the trial and run it again")

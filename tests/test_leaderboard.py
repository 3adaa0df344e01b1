"""Leaderboards: equal bytes, edits found, contributors merged, re-runs verified."""

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from ganbench.cli import cli
from ganbench.cli.leaderboard import _as_published
from ganbench.errors import StoreError, UsageError
from ganbench.leaderboard.build import assemble, check, files, write
from ganbench.leaderboard.schema import load
from ganbench.leaderboard.sources import SUFFIXES, read_source, rows_of
from ganbench.records import manifest
from ganbench.records.folder import TrialFolder
from ganbench.store.results import read_rows
from tests.commands import ganbench
from tests.trials import LAPTOP, VALUES, change_result, make_spec, make_trial, trial, two_losses

CLUSTER = {"device": "cuda", "device_name": "Cluster", "versions": {"torch": "2.9"}, "threads": 4}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return two_losses(tmp_path / "runs")


def test_twice_is_equal_bytes_and_passes_its_check(runs: Path, tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        paths = write(assemble([runs], tmp_path / name / "digits"), tmp_path / name / "digits")
        assert [path.suffix for path in paths] == list(SUFFIXES)
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]
    assert check(tmp_path / "one" / "digits") == []
    assert check(tmp_path / "one" / "digits", [runs]) == []
    # From the leaderboard itself the same comes again.
    assert files(assemble([tmp_path / "one" / "digits"], tmp_path / "digits"), tmp_path / "digits") == {
        tmp_path / f"digits{suffix}": content.decode() for suffix, content in zip(SUFFIXES, contents[0], strict=True)
    }


def test_the_order_of_values_is_that_of_the_trials(tmp_path: Path) -> None:
    names = ("is", "is_std", "fid")
    values = {name: VALUES[name] | {"place": place} for place, name in enumerate(names)}
    folder = make_trial(tmp_path / "runs", make_spec(metrics=("fid", "is")), values=values)
    out = tmp_path / "digits"
    write(assemble([tmp_path / "runs"], out), out)
    assert tuple(rows_of(read_source(out))[0].values) == tuple(read_rows(folder.path)[0][0].values) == names
    assert check(out, [tmp_path / "runs"]) == []


def test_any_edit_of_one_character_is_found(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "digits"
    for path in write(assemble([runs], out), out):
        whole = path.read_bytes()
        # Some places, evenly spread: all of them would take minutes.
        for place in range(0, len(whole), max(1, len(whole) // 25)):
            edited = bytearray(whole)
            edited[place] = ord("7") if edited[place] != ord("7") else ord("8")
            path.write_bytes(bytes(edited))
            assert check(out), f"an edit of {path.name} at byte {place} went unseen"
        path.write_bytes(whole + b"\n")
        assert check(out)
        path.write_bytes(whole.replace(b"\n", b"\r\n"))
        assert check(out)
        path.write_bytes(whole)
    assert check(out) == []
    (tmp_path / "digits.md").unlink()
    assert check(out) == [f"{tmp_path / 'digits.md'} is missing"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_board_may_be_named_by_any_of_its_files(runs: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"digits{suffix}"
    written = write(assemble([runs], out), out)
    assert sorted(path.name for path in written) == sorted(f"digits{other}" for other in SUFFIXES)
    assert check(out) == []


def test_other_results_are_found(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "digits"
    write(assemble([runs], out), out)
    trial(runs, "lsgan", 0, 3.0)
    assert check(out) == []
    assert len(check(out, [runs])) == 4


def test_everything_is_in_the_file(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "digits"
    write(assemble([runs], out), out)
    board = load(tmp_path / "digits.json")
    assert len(board.trials) == 13
    one = next(trial for trial in board.trials if trial.status == "done" and not trial.spec.baseline)
    assert one.metrics["fid"] == 2.0
    assert one.evaluations[0].values["is_std"] is None
    assert board.environments[one.environment] == LAPTOP
    assert board.protocols[one.protocol].protocol.dataset == "digits"
    before = {row.trial_id: row for row in read_rows(runs)[0]}
    for row in rows_of(read_source(out)):
        other = before[row.trial_id]
        assert (row.status, row.reason, row.metrics, row.best, row.area, row.protocol) == (
            other.status, other.reason, other.metrics, other.best, other.area, other.protocol)  # fmt: skip
        assert (dict(row.cost), list(row.values), row.components) == (
            dict(other.cost), list(other.values), other.components)  # fmt: skip
        assert (row.device, row.threads, row.versions) == (other.device, other.threads, other.versions)
    scored = next(row for row in rows_of(read_source(out)) if row.trial_id == one.trial_id)
    assert (scored.device, scored.threads, scored.versions) == ("Laptop", "1", {"torch": "2.9"})


def test_the_page_says_what_can_be_concluded_and_hides_no_failure(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "digits"
    board = assemble([runs], out, suite="leaderboards/digits.toml")
    page = files(board, out)[tmp_path / "digits.md"]
    assert "- FID: vanilla is best; every other row is worse than some row" in page
    assert "- hinge: 1 of 6 seeds diverged, ranked below every score." in page
    assert "- vanilla: failed 1 of 6 seeds, with no score to rank." in page
    assert "done 5/6, diverged 1" in page
    assert "NaN at step 12" in page
    assert re.search(r"\| vanilla \| hinge \| 1.00 .* \| enough \|", page)
    assert "13 trials, 11 done, diverged 1, failed 1." in page
    assert "ganbench leaderboard make leaderboards/digits.toml" in page
    html = files(board, out)[tmp_path / "digits.html"]
    assert "<h1>digits</h1>" in html
    assert "NaN at step 12" in html


def test_several_datasets_have_average_ranks_and_a_diagram(runs: Path, tmp_path: Path) -> None:
    for seed in range(5):
        trial(runs, "vanilla", seed, 5.0 + seed, dataset="mnist")
        trial(runs, "hinge", seed, 5.5 + seed, dataset="mnist")
        trial(runs, "lsgan", seed, 9.5 + seed, dataset="mnist")
    out = tmp_path / "both"
    made = files(assemble([runs], out), out)
    assert (
        "Average ranks over digits FID, mnist FID: vanilla 1.00, hinge 2.00; exact sign test: p = 0.5."
        in made[tmp_path / "both.md"]
    )
    page = made[tmp_path / "both.html"]
    figure = ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
    difference = "with 2 datasets no difference would be significant"
    assert [text.text for text in figure.iter("text")] == ["1", "2", difference, "vanilla", "hinge"]
    bars = [line for line in figure.iter("line") if line.get("stroke-width") == "4"]
    assert len(bars) == 1


def test_contributors_merge_in_any_order(runs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for seed in range(5):
        trial(other, "lsgan", seed, 1.5 + seed / 10, CLUSTER)
    out = tmp_path / "digits"
    forth, back = assemble([runs, other], out), assemble([other, runs], out)
    assert forth.to_text() == back.to_text()
    assert len(forth.trials) == 18
    assert len(forth.environments) == 2
    write(forth, out)
    assert assemble([out, runs], out).to_text() == forth.to_text()  # what is there already is not doubled


def test_the_same_trial_twice_is_verified(runs: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "digits", tmp_path / "again"
    trial(again, "vanilla", 0, 1.0, CLUSTER)  # equal numbers elsewhere
    trial(again, "vanilla", 1, 1.3, CLUSTER)  # other numbers elsewhere
    make_trial(again, make_spec("vanilla", seed=2), "timeout", "slow")
    board = assemble([runs, again], out)
    assert len(board.trials) == 13
    found = {trial.spec.seed: trial for trial in board.trials if trial.spec.loss_label == "vanilla"}
    assert found[1].metrics["fid"] == 1.1
    assert [(rerun.equal, rerun.status) for seed in range(3) for rerun in found[seed].reruns] == [
        (True, "done"), (False, "done"), (False, "timeout")]  # fmt: skip
    page = files(board, out)[tmp_path / "digits.md"]
    assert "3 trials were run more than once (3 re-runs): 1 gave exactly the same numbers, 2 did not" in page
    assert "1.10 / 1.30" in page
    assert assemble([again, runs], out).to_text() != board.to_text()  # the first that ended ranks
    write(board, out)
    assert assemble([out, again], out).to_text() == board.to_text()


def test_the_first_source_ranks_and_no_rerun_is_lost(runs: Path, tmp_path: Path) -> None:
    there, third = tmp_path / "there", tmp_path / "third"
    trial(there, "vanilla", 0, 1.2, CLUSTER)
    trial(third, "vanilla", 0, 1.2, CLUSTER | {"device_name": "Third"})
    merged = tmp_path / "merged"
    write(assemble([there, third], merged), merged)  # there, the second run is equal to the first

    def found(*sources: Path) -> tuple[float | None, list[tuple[float | None, bool]]]:
        board = assemble(list(sources), tmp_path / "digits")
        (one,) = (t for t in board.trials if t.spec.loss_label == "vanilla" and t.spec.seed == 0)
        return one.metrics["fid"], sorted((rerun.metrics["fid"], rerun.equal) for rerun in one.reruns)

    assert found(runs, there) == (1.0, [(1.2, False)])
    assert found(runs, there, runs) == (1.0, [(1.2, False)])
    assert found(runs, merged) == (1.0, [(1.2, False), (1.2, False)])
    assert found(merged, runs) == (1.2, [(1.0, False), (1.2, True)])
    ours = tmp_path / "ours"
    write(assemble([runs, there], ours), ours)
    assert found(runs, ours) == found(ours, runs) == found(ours) == (1.0, [(1.2, False)])
    # Ours, with theirs as its re-run, added to theirs: neither is its own re-run.
    assert found(there, ours) == (1.2, [(1.0, False)])


def test_runs_that_contradict_each_other_are_refused(runs: Path, tmp_path: Path) -> None:
    trial(tmp_path / "again", "vanilla", 0, 1.0001)
    with pytest.raises(StoreError, match=r"same processor .* differ in fid \(1.0 and 1.0001\)"):
        assemble([runs, tmp_path / "again"], tmp_path / "digits")


def test_processors_of_one_name_with_other_instructions_may_differ(runs: Path, tmp_path: Path) -> None:
    for place, name, fid in (("wide", "AVX512", 1.0), ("narrow", "AVX2", 1.0001)):
        trial(tmp_path / place, "lsgan", 0, fid, LAPTOP | {"instructions": name})
    board = assemble([tmp_path / "wide", tmp_path / "narrow"], tmp_path / "digits")
    assert [rerun.equal for rerun in board.trials[0].reruns] == [False]
    page = files(board, tmp_path / "digits")[tmp_path / "digits.md"]
    assert "Laptop, AVX512" in page
    assert "Laptop, AVX2" in page


def test_copies_are_no_reruns(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs, tmp_path / "copy")
    board = assemble([runs, tmp_path / "copy"], tmp_path / "digits")
    assert all(trial.reruns == () for trial in board.trials)


def test_half_a_run_is_no_leaderboard(runs: Path, tmp_path: Path) -> None:
    make_trial(runs, make_spec("lsgan"), "interrupted", "stopped")
    with pytest.raises(StoreError, match="1 of 14 trials is unfinished"):
        assemble([runs], tmp_path / "digits")
    page = files(assemble([runs], tmp_path / "digits", partial=True), tmp_path / "digits")[tmp_path / "digits.md"]
    assert "interrupted" in page


def test_runs_that_were_batched_may_differ_and_evaluations_may_not(runs: Path, tmp_path: Path) -> None:
    folder = trial(tmp_path / "again", "vanilla", 0, 1.0001)
    change_result(folder, cost=folder.read_result()["cost"] | {"beside": 2})
    board = assemble([runs, tmp_path / "again"], tmp_path / "digits")
    assert [rerun.equal for one in board.trials for rerun in one.reruns] == [False]
    shutil.copytree(runs, tmp_path / "lost")
    for lost in (tmp_path / "lost").glob("*/metrics.jsonl"):
        lost.write_text("")
        manifest.write(TrialFolder(lost.parent), lost.parent.name)
    with pytest.raises(StoreError, match="differ in the evaluations during training: one of them"):
        assemble([runs, tmp_path / "lost"], tmp_path / "digits")


def test_runs_in_parts_under_other_conditions_may_differ(runs: Path, tmp_path: Path) -> None:
    folder = trial(tmp_path / "again", "vanilla", 0, 1.0001)
    change_result(folder, determinism={"parts": [{"threads": 2}, {"threads": 1}]})
    board = assemble([runs, tmp_path / "again"], tmp_path / "digits")
    assert [rerun.equal for one in board.trials for rerun in one.reruns] == [False]


def test_a_result_that_is_not_what_its_manifest_says_is_one_line(runs: Path, tmp_path: Path) -> None:
    path = next(runs.glob("vanilla-*-s0-*/result.json"))
    path.write_text(path.read_text().replace('"fid": 1.0', '"fid": 0.5', 1))
    answer = ganbench("leaderboard", "build", "runs", "--out", "digits", cwd=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert f"{path.relative_to(tmp_path)} is damaged: its SHA-256 is " in answer.stderr
    assert "remove the trial and run it again" in answer.stderr
    assert not list(tmp_path.glob("digits*"))


def test_the_command_line(runs: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "digits")
    call = CliRunner().invoke
    made = call(cli, ["leaderboard", "build", str(runs), "--out", out], standalone_mode=False)
    assert made.return_value == 0
    assert made.stdout.split() == [f"{out}{suffix}" for suffix in SUFFIXES]
    arguments = ["leaderboard", "build", "--check", "--out", out]
    assert call(cli, arguments, standalone_mode=False).return_value == 0
    page = tmp_path / "digits.md"
    page.write_text(page.read_text().replace("1.20", "1.10", 1))
    found = call(cli, arguments, standalone_mode=False)
    assert found.return_value == 1
    assert "digits.md differs from what the results give; the first difference is in line" in found.stderr
    assert isinstance(call(cli, ["leaderboard", "build", "--out", out], standalone_mode=False).exception, UsageError)


def test_a_board_names_its_suite_without_folders_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _as_published(Path("boards/a.toml")) == "boards/a.toml"
    assert _as_published(tmp_path / "boards" / "a.toml") == "boards/a.toml"
    assert _as_published(tmp_path.parent / "a.toml") == "a.toml"


def test_a_name_that_no_board_can_have_is_refused_before_anything_trains(tmp_path: Path) -> None:
    suite = 'losses = ["vanilla"]\narchitectures = ["mlp"]\ndatasets = ["ring"]\nsteps = 2\n'
    (tmp_path / "my suite.toml").write_text(suite)
    answer = ganbench("leaderboard", "make", "my suite.toml", cwd=tmp_path)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("ganbench: --out 'my suite' must end in a name of letters"), answer.stderr
    assert not (tmp_path / "runs").exists()

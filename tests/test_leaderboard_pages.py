"""The pages of a leaderboard: what stands on them besides numbers, and which pairs of a table they show."""

import re
from pathlib import Path

import pytest

from ganbench.leaderboard.build import assemble
from ganbench.leaderboard.pages import READING, pages, table_of_pairs
from ganbench.tables.grouping import build
from ganbench.tables.markdown import escape
from ganbench.tables.ranking import rank
from tests.rows import HOSTILE, cells, rows_of
from tests.trials import LAPTOP, VALUES, component, make_spec, make_trial, trial


def said_of(seeds: int) -> str:
    (table,) = build(
        [row for loss in ("hinge", "vanilla") for row in rows_of(loss, [1 + i / 10 for i in range(seeds)])]
    )
    ranking = rank(table)
    assert ranking is not None
    (sentence,) = table_of_pairs(ranking).sentences
    return sentence


def test_a_test_is_called_exact_where_it_is() -> None:
    assert "p: two-sided exact rank test;" in said_of(5)
    assert "p: two-sided rank test;" in said_of(200)


def test_a_page_shows_the_pairs_of_the_best_rows() -> None:
    """Of 40 rows there are 780 pairs, of the best 30 of them 435."""
    (table,) = build([row for index in range(40) for row in rows_of(f"loss{index}", [index, index + 0.5])])
    ranking = rank(table)
    assert ranking is not None
    assert len(ranking.pairs) == 780
    shown = table_of_pairs(ranking)
    first, second = shown.columns[0].cells, shown.columns[1].cells
    best = {ranking.names[index] for index in ranking.order[:30]}
    assert len(set(zip(first, second, strict=True))) == 435
    assert {*first, *second} == best
    assert shown.sentences[1] == (
        "These are the pairs of the best 30 of 40 rows; 'ganbench results --format json' prints all of them."
    )


def test_a_pair_begins_with_the_row_that_wins_and_the_best_pairs_stand_first() -> None:
    scores = {"middle": 2.0, "best": 1.0, "worst": 3.0}
    (table,) = build([row for loss, fid in scores.items() for row in rows_of(loss, [fid, fid + 0.1, fid + 0.2])])
    ranking = rank(table)
    assert ranking is not None
    shown = table_of_pairs(ranking)
    pairs = list(zip(shown.columns[0].cells, shown.columns[1].cells, strict=True))
    assert pairs == [("best", "middle"), ("best", "worst"), ("middle", "worst")]
    assert {cell.partition(" ")[0] for cell in shown.columns[2].cells} == {"1.00"}
    assert [set(column.cells) for column in shown.columns[3:5]] == [{"0.1"}, {"0.3"}], "once as it is, once corrected"
    assert [column.heading for column in shown.columns if not column.numeric] == ["A", "B"]
    (table,) = build([row for loss in ("a", "b") for row in rows_of(loss, [1.0, 1.1])])
    ranking = rank(table)
    assert ranking is not None
    assert table_of_pairs(ranking).rows[0][:2] == ["a", "b"], "of two that are equal the first stands first"


def page_of(runs: Path) -> str:
    return pages(assemble([runs], runs.with_name("board")))[".md"]


def test_a_page_says_which_way_each_score_is_better(tmp_path: Path) -> None:
    trial(tmp_path / "runs", "vanilla", 0, 1.0)
    assert "\n\nFID: lower is better; IS: higher is better.\n\ndigits: 1000 fakes" in page_of(tmp_path / "runs")


def test_the_heading_says_what_the_dataset_is_and_no_column_does(tmp_path: Path) -> None:
    for dataset in ("digits", "mnist"):
        trial(tmp_path / "runs", "vanilla", 0, 1.0, dataset=dataset)
    page = page_of(tmp_path / "runs")
    first, second, *_ = [line for line in page.splitlines() if line.startswith("## ")]
    assert (first, second) == ("## digits", "## mnist")
    assert "## Over all datasets" in page
    shown = cells(page[page.index("| loss") :])
    assert [*shown[0]][:3] == ["loss", "architecture", "FID"]
    trial(tmp_path / "one", "vanilla", 0, 1.0)
    make_trial(tmp_path / "one", make_spec(dataset="mnist", baseline="real"))
    page = page_of(tmp_path / "one")
    assert "## mnist" in page
    assert "Over all datasets" not in page, "there is nothing to bring together"


def test_the_best_rows_stand_first_and_what_is_concluded_stands_above_them_once(tmp_path: Path) -> None:
    for seed in range(5):
        for loss, fid in (("first", 3.0), ("second", 1.0), ("third", 2.0)):
            trial(tmp_path / "runs", loss, seed, fid + seed / 10)
    page = page_of(tmp_path / "runs")
    (concluded,) = re.findall(r"\n- (FID: .*)\n", page)
    table = page[page.index("| loss") :]
    assert [row["loss"] for row in cells(table)] == ["second", "third", "first"]
    assert concluded.removeprefix("FID: ") not in table


def test_own_data_that_two_packages_read_have_two_names_in_one_table(tmp_path: Path) -> None:
    """Their samples and their protocol are the same; the column says which is whose."""
    for plugin, name in (("one", "photos"), ("other", "pictures")):
        spec = make_spec(dataset="folder")
        part = spec.data.component.model_copy(update={"plugin": plugin})
        spec = spec.model_copy(update={"data": spec.data.model_copy(update={"component": part})})
        make_trial(tmp_path / "runs", spec, data_at=f"/home/me/{name}")
    page = page_of(tmp_path / "runs")
    assert "## folder:photos, folder:pictures\n" in page
    assert [row["dataset"] for row in cells(page[page.index("| loss") :])] == ["folder:photos", "folder:pictures"]


def test_a_page_that_is_called_like_its_dataset_says_its_name_once(tmp_path: Path) -> None:
    trial(tmp_path / "runs", "vanilla", 0, 1.0, dataset="digits")
    made = pages(assemble([tmp_path / "runs"], tmp_path / "digits"))
    assert next(line for line in made[".md"].splitlines() if line.startswith("#")) == "# digits"
    assert "## digits" not in made[".md"]
    assert made[".html"].count(">digits</h") == 1
    # Under the name of another dataset the first table would be taken for that one's.
    trial(tmp_path / "runs", "vanilla", 0, 1.0, dataset="mnist")
    page = pages(assemble([tmp_path / "runs"], tmp_path / "mnist"))[".md"]
    assert "## digits" in page
    assert "## mnist" in page


def test_two_protocols_of_a_dataset_are_told_apart_by_their_keys(tmp_path: Path) -> None:
    for steps in (500, 1000):
        make_trial(tmp_path / "runs", make_spec("vanilla", steps=steps))
    board = assemble([tmp_path / "runs"], tmp_path / "board")
    page = pages(board)[".md"]
    assert len(board.protocols) == 2
    assert all(f"## digits \\[{key}\\]" in page for key in board.protocols)
    make_trial(tmp_path / "runs", make_spec("vanilla", steps=2000), "failed", "no memory")
    page = page_of(tmp_path / "runs")
    assert all(f"## digits \\[{key}\\]\n" in page for key in board.protocols)
    assert "## digits\n" in page, "what failed has no protocol"


def test_a_page_explains_the_columns_and_rows_that_it_has_and_no_others(tmp_path: Path) -> None:
    def explained(runs: str) -> set[str]:
        page = page_of(tmp_path / runs)
        return {sign for sign, text in READING.items() if f"\n- {escape(text)}\n" in page}

    trial(tmp_path / "one", "vanilla", 0, 1.0)
    assert explained("one") == {"best ", "images/s", "memory"}
    for seed in range(5):
        trial(tmp_path / "many", "vanilla", seed, 1.0 + seed)
        trial(tmp_path / "many", "hinge", seed, 1.5 + seed)
    several = {"seeds", " 95 %", "group", "best ", "images/s", "memory"}
    assert explained("many") == several
    for baseline in ("real", "untrained"):
        make_trial(tmp_path / "many", make_spec(baseline=baseline))
    assert explained("many") == several | {"(real data)", "(untrained)"}
    make_trial(tmp_path / "measured", make_spec(), result={"cost": {"seconds": 2.0, "energy_joules": 60.0}})
    assert "energy" in explained("measured")
    make_trial(tmp_path / "broken", make_spec(), "failed", "no memory")
    assert "How to read the tables" not in page_of(tmp_path / "broken")


def test_trials_that_several_versions_computed_are_told_beneath_their_table(tmp_path: Path) -> None:
    for seed, torch in enumerate(("2.9", "2.9", "2.14")):
        trial(tmp_path / "runs", "vanilla", seed, 1.0, LAPTOP | {"versions": {"torch": torch}})
    assert "- warning: trials: `were computed by several versions: torch 2.9 (2), 2.14 (1)`" in page_of(
        tmp_path / "runs"
    )


@pytest.mark.parametrize("versions", [["torch"], None, "2.9"])
def test_versions_that_are_none_are_left_out(tmp_path: Path, versions: object) -> None:
    trial(tmp_path / "runs", "vanilla", 0, 1.0)
    board = assemble([tmp_path / "runs"], tmp_path / "board")
    (key,) = board.environments
    odd = board.model_copy(update={"environments": {key: {"device_name": "Laptop", "versions": versions}}})
    assert f"- 1 trial \\[{key}\\]: Laptop, threads: unknown\n" in pages(odd)[".md"]


def test_a_page_counts_the_trials_of_each_machine_and_those_that_were_run_again(tmp_path: Path) -> None:
    for seed, machine in enumerate(("Laptop", "Laptop", "Cluster")):
        trial(tmp_path / "runs", "vanilla", seed, 1.0, LAPTOP | {"device_name": machine})
    page = page_of(tmp_path / "runs")
    assert "\n\n3 trials, 3 done. No trial was run more than once.\n" in page
    told = re.findall(r"\n- (.*) \\\[.*\]: (\w+), threads", page)
    assert sorted(told) == [("1 trial", "Cluster"), ("2 trials", "Laptop")]
    for number, fid in enumerate((0.0, 1.0, 0.0)):
        trial(tmp_path / f"again{number}", "vanilla", 0, fid, LAPTOP | {"device_name": "Cluster", "threads": number})
    sources = [tmp_path / name for name in ("runs", "again0", "again1", "again2")]
    page = pages(assemble(sources[:2], tmp_path / "board"))[".md"]
    name = make_spec("vanilla").trial_id
    assert f"1 trial was run more than once (1 re-run): 0 gave exactly the same numbers, 1 did not: {name} " in page
    page = pages(assemble(sources, tmp_path / "board"))[".md"]
    said = "1 trial was run more than once (3 re-runs): 1 gave exactly the same numbers, 2 did not: "
    (scores,) = re.findall(rf"{re.escape(said + name)} (.*)\.\n", page)  # in the order of the machines' names
    assert (scores[:4], sorted(scores.split(" / "))) == ("1.00", ["0.00", "0.00", "1.00", "1.00"])
    told = re.findall(r"\n- (.*) \\\[.*\]: (\w+), threads: (\d)", page)
    assert sorted(told) == [
        ("1 re-run", "Cluster", "0"),
        ("1 re-run", "Cluster", "2"),
        ("1 trial and 1 re-run", "Cluster", "1"),
        ("2 trials", "Laptop", "1"),
    ]


def test_the_command_of_a_suite_is_one_command_whatever_the_suite_is_called(tmp_path: Path) -> None:
    trial(tmp_path, "hinge", 0, 1.0)
    board = assemble([tmp_path], tmp_path / "board", suite="a.toml; rm -rf ~\x1b[2J\u202e")
    for text in pages(board).values():
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "leaderboard make &#x27;a.toml; rm -rf ~&#x27;</p>" in pages(board)[".html"]
    starred = pages(board.model_copy(update={"suite": "my_*_suite.toml"}))[".md"]
    assert r"leaderboard make 'my\_\*\_suite.toml'" in starred


def test_no_page_holds_control_characters_whatever_things_are_called(tmp_path: Path) -> None:
    part = component(HOSTILE, label=HOSTILE)
    values = {name: {**info, "label": f"{name} {HOSTILE}"} for name, info in VALUES.items()}
    machine = {"device_name": HOSTILE, "instructions": HOSTILE, "versions": {"torch": HOSTILE}}
    for seed in range(2):
        for loss in (part, component("plain")):
            spec = make_spec(loss, seed=seed)
            spec = spec.model_copy(update={"data": spec.data.model_copy(update={"component": part})})
            result = {"environment": machine | {"threads": seed}}
            make_trial(tmp_path / "runs", spec, values=values, result=result, warnings=(HOSTILE,))
        make_trial(tmp_path / "runs", make_spec(part, seed=seed), "failed", HOSTILE, values=values)
    board = assemble([tmp_path / "runs"], tmp_path / "board", suite=HOSTILE)
    for suffix, text in pages(board).items():
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), suffix

"""The report as a file: what is in it, how large it is, and that nothing foreign becomes markup."""

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ganbench.cli import cli
from ganbench.errors import StoreError, UsageError
from ganbench.report import render_report
from ganbench.report.conditions import settings_of
from ganbench.report.page import embedded
from ganbench.report.sections import address
from ganbench.store.results import read_rows
from tests.synthetic import write_grid, write_trial
from tests.trials import component, make_spec

EVIL = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


def report(runs: Path, **options: Any) -> str:
    rows, problems = read_rows(runs)
    assert problems == []
    return render_report(rows, base=runs.parent, **options)


def data(page: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    content: dict[str, Any] = json.loads(text)
    return content


class Tags(HTMLParser):
    """Every element with its attributes, and the text of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))

    def handle_data(self, text: str) -> None:
        self.text += text


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rows of six seeds that differ, two with less, and both baselines."""
    path = tmp_path_factory.mktemp("report") / "runs"
    write_grid(path, {"lsgan": 6.0, "hinge": 3.0}, 6, snapshots=3)
    rng = np.random.default_rng(1)
    slow: dict[str, Any] = {"n_critic": 5, "optimizer": "rmsprop"}
    write_trial(path, make_spec("wgan", seed=0, **slow), level=8, rng=rng, warnings=("few samples",))
    write_trial(path, make_spec("wgan", seed=1, **slow), level=8, rng=rng, status="diverged", reason="nan at step 9")
    write_trial(path, make_spec("broken", seed=0), level=8, rng=rng, status="failed", reason="boom")
    write_trial(path, make_spec(baseline="real"), level=1, rng=rng)
    write_trial(path, make_spec(baseline="untrained"), level=90, rng=rng)
    return path


def test_it_says_which_rows_differ(runs: Path) -> None:
    page = report(runs)
    text = " ".join(Tags(page).text.split())
    (section,) = data(page)["sections"]
    rows = {row["name"]: row for row in section["rows"]}
    assert next(iter(rows)) == "hinge"
    assert list(rows)[-2:] == ["(real data)", "(untrained)"]
    assert rows["hinge"]["ties"]["fid"] == 1
    assert rows["lsgan"]["ties"]["fid"] == 2
    assert any("hinge" in line for line in section["conclusions"]["fid"])
    for line in section["conclusions"]["fid"]:
        assert line in text
    low, high = rows["hinge"]["intervals"]["fid"]
    assert low < rows["hinge"]["means"]["fid"] < high
    assert f"{rows['hinge']['means']['fid']:.2f}" in text


def test_the_tests_of_pairs_are_text_and_not_only_hints(runs: Path) -> None:
    """A hint is there for a mouse alone: neither keyboard, touch nor paper shows it."""
    page = report(runs)
    (table,) = re.findall(r'<table class="tests">(.*?)</table>', page, re.DOTALL)
    headings, *lines = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line) for line in re.findall(r"<tr>.*?</tr>", table)]
    assert headings == ["row", "against", "beats it", "95 % interval", "p", "p (Holm)", "seeds needed"]
    hints = [html.unescape(hint) for hint in re.findall(r'<td class="win[^>]*title="([^"]*)"', page)]
    assert len(lines) == len(hints) / 2 == 3
    assert ["hinge", "lsgan", "100%", "enough"] in [[*line[:3], line[-1]] for line in lines]
    for row, other, share, interval, p, adjusted, seeds in lines:
        (hint,) = (hint for hint in hints if hint.startswith(f"A seed of {row} beats one of {other} "))
        assert f"{share} (95 % interval {interval})" in hint
        assert f"p = {p}, {adjusted} after Holm" in hint
        assert ("They differ" if seeds == "enough" else seeds.replace("–", "no realistic number")) in hint


def test_no_trial_is_left_out(runs: Path) -> None:
    page = report(runs)
    tags = Tags(page)
    for row in read_rows(runs)[0]:
        assert row.trial_id in tags.text
    assert "nan at step 9" in tags.text
    assert "boom" in tags.text
    assert "few samples" in tags.text
    assert "1 diverged" in tags.text


def test_recipe_differences_are_named_and_what_is_shared_is_apart(runs: Path) -> None:
    page = report(runs)
    (table,) = re.findall(r'<table class="recipes">(.*?)</table>', page, re.DOTALL)
    assert re.findall(r'<th scope="col">(.*?)</th>', table) == ["n_critic", "optimizer"]
    assert "rmsprop" in table
    assert "<dt>batch_size</dt><dd>64</dd>" in page


def test_nothing_in_it_is_fetched_and_only_its_own_script_runs(runs: Path) -> None:
    tags = Tags(report(runs))
    for tag, attributes in tags.found:
        for name in ("src", "href", "srcset", "data", "poster", "action"):
            value = attributes.get(name)
            assert value is None or tag == "a" or value.startswith("data:"), (tag, value)
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    (policy,) = [a["content"] for tag, a in tags.found if tag == "meta" and "Content-Security-Policy" in a.values()]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy


def test_links_lead_from_the_page_to_the_logs(runs: Path) -> None:
    links = {a["href"] for tag, a in Tags(report(runs)).found if tag == "a" and not str(a["href"]).startswith("#")}
    for row in read_rows(runs)[0]:
        assert f"runs/{row.trial_id}/worker.log" in links
    assert all((runs.parent / str(link)).is_file() for link in links)


def test_an_address_is_a_file_whatever_it_is_called(tmp_path: Path) -> None:
    assert address(tmp_path / "javascript:alert(1)" / "x", tmp_path) == "javascript%3Aalert%281%29/x"
    assert address(tmp_path / "a b" / "ä?#.log", tmp_path / "out") == "../a%20b/%C3%A4%3F%23.log"


def test_the_same_folder_gives_the_same_bytes(runs: Path) -> None:
    assert report(runs) == report(runs)


def test_foreign_text_stays_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    loss = component("evil", label=EVIL, parameters={"p": EVIL})
    write_trial(tmp_path / "r", make_spec(loss), level=3, rng=rng, warnings=(EVIL,))
    write_trial(tmp_path / "r", make_spec(loss, seed=1), level=3, rng=rng, status="diverged", reason=EVIL)
    page = report(tmp_path / "r", title=EVIL)
    tags = Tags(page)
    assert [tag for tag, _ in tags.found].count("script") == 2
    assert not [a for tag, a in tags.found if tag == "img" and not str(a["src"]).startswith("data:")]
    assert tags.text.count("onerror=alert(1)") >= 5
    assert EVIL in [row["name"] for row in data(page)["sections"][0]["rows"]]


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_data_in_the_page_cannot_end_its_element(value: Any) -> None:
    text = str(embedded(value))
    assert json.loads(text) == value
    assert not set(text) & set("<>&\u2028\u2029")


def test_each_protocol_has_a_part_of_its_own(tmp_path: Path) -> None:
    write_grid(tmp_path / "r", {"hinge": 3.0}, 2)
    write_grid(tmp_path / "r", {"hinge": 5.0}, 2, dataset="mnist")
    page = report(tmp_path / "r")
    assert [section["key"] for section in data(page)["sections"]] == ["s0", "s1"]
    assert Tags(page).text.count("do not compare, so each protocol") == 1


def test_folders_of_older_versions_and_torn_files_still_make_a_page(tmp_path: Path) -> None:
    folders = write_grid(tmp_path / "r", {"hinge": 3.0, "lsgan": 4.0}, 2, snapshots=2)
    for folder in folders[:2]:
        folder.snapshots.unlink()
        folder.progress.unlink()
        folder.metrics.unlink()
    folders[2].samples.write_bytes(b"\x89PNG\r\n\x1a\n torn")
    folders[2].snapshots.write_text(
        '{"step": 1, "png": "AAAA"}\n{"step": 2, "points": [[NaN, 1]]}\n{"step": true, "png": ""}\n{"step"', "utf-8"
    )
    folders[2].metrics.write_text('{"step": 5}\n{"step": 6, "values": {"fid": NaN, "is": "x"}}\n[]\n', "utf-8")
    folders[3].metrics.write_bytes(b"\xff\xfe\n")
    (section,) = data(report(tmp_path / "r"))["sections"]
    assert section["film"] is None
    curves = {row["name"]: row["seeds"][0]["curve"] for row in section["rows"]}
    assert curves["hinge"]["step"] == []
    assert curves["lsgan"]["values"]["fid"] == [None, None]


def test_a_folder_without_any_result_makes_a_page(tmp_path: Path) -> None:
    spec = make_spec()
    write_trial(tmp_path / "r", spec, level=1, rng=np.random.default_rng(0), status="failed", reason="boom")
    page = report(tmp_path / "r")
    assert "there is no protocol to name" in Tags(page).text
    assert "boom" in page


def test_sixty_trials_fit_into_three_megabytes(tmp_path: Path) -> None:
    """Of noise in colour, which no format makes small."""
    rng = np.random.default_rng(0)
    for loss in range(12):
        for seed in range(5):
            spec = make_spec(f"loss{loss}", seed=seed)
            spec = spec.model_copy(update={"data": spec.data.model_copy(update={"shape": (3, 32, 32)})})
            write_trial(tmp_path / "r", spec, level=3, rng=rng, snapshots=25 if seed == 0 else 0)
    page = report(tmp_path / "r")
    assert len(page.encode()) < 3_000_000
    (section,) = data(page)["sections"]
    assert len(section["film"]["rows"]) == 12
    shown = [a for tag, a in Tags(page).found if tag == "figure" and "data-seed" in a]
    assert len(shown) >= 12


def test_the_command(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "page.html"
    done = CliRunner().invoke(cli, ["report", str(runs), "--out", str(out), "--title", "Of <losses>"])
    assert done.exit_code == 0, done.output
    assert "17 trials" in done.output
    assert "<title>Of &lt;losses&gt;</title>" in out.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing"], "no folder"),
        (["empty"], "no trials"),
        (
            ["board.json"],
            r"^board\.json is a leaderboard, which has no samples .* its page is board\.html, and a report",
        ),
        (["board"], r"^board is a leaderboard, which has no samples"),
        (["empty", "--out", "empty"], "is a folder|is a directory"),
        (["empty", "--out", "board.html"], r"board\.html would overwrite part of the leaderboard board\.json"),
    ],
)
def test_bad_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("board.json").write_text('{"format": "ganbench-leaderboard"}')
    done = CliRunner().invoke(cli, ["report", *arguments])
    error = str(done.exception) if isinstance(done.exception, StoreError | UsageError) else done.output
    assert re.search(message, error), error
    assert done.exit_code != 0
    assert not Path("report.html").exists()


@pytest.mark.parametrize("alpha", ["2", "0", "1", "-0.1", "nan", "1e-17"])
def test_a_level_that_is_none_is_refused_as_by_the_other_commands(runs: Path, tmp_path: Path, alpha: str) -> None:
    board, out = Path(__file__).parents[1] / "leaderboards" / "smoke.json", tmp_path / "page.html"
    for arguments in (
        ["report", str(runs), "--out", str(out)],
        ["results", str(runs)],
        ["leaderboard", "compare", str(board), str(board)],
    ):
        done = CliRunner().invoke(cli, [*arguments, "--alpha", alpha])
        told = str(done.exception) if alpha == "1e-17" else done.output
        between = f"'{alpha}' must be a number between 0 and 1, e.g. 0.05"
        assert (f"--alpha {alpha} is too small" if alpha == "1e-17" else between) in told
        assert done.exit_code != 0
    assert not out.exists()


def test_every_level_makes_a_page(runs: Path, tmp_path: Path) -> None:
    for alpha, level in (("0.5", "50 %"), ("0.9", "10 %"), ("2e-16", "100 %")):
        out = tmp_path / f"{alpha}.html"
        done = CliRunner().invoke(cli, ["report", str(runs), "--out", str(out), "--alpha", alpha])
        assert done.exit_code == 0, done.output
        text = out.read_text("utf-8")
        assert f"α = {float(alpha)}" in text
        assert f"the mean with its {level} interval" in text


def test_every_setting_is_named() -> None:
    loss = component("wgan-gp", parameters={"lambda_gp": 10.0})
    settings = settings_of(make_spec(loss, g_lr=1e-4))
    assert settings["g_lr"] == "0.0001"
    assert settings["loss.lambda_gp"] == "10"
    assert settings["package ganbench"] == "0.1"

"""Rows as a data frame: every trial, every value, no clash of names."""

from pathlib import Path

from ganbench.store.results import read_rows
from ganbench.tables.frame import frame
from tests.trials import make_spec, make_trial


def test_frame_has_a_row_for_every_trial(tmp_path: Path) -> None:
    make_trial(tmp_path, make_spec(seed=0))
    make_trial(tmp_path, make_spec(seed=1), status="failed", reason="boom")
    table = frame(read_rows(tmp_path)[0])
    assert list(table["status"]) == ["done", "failed"]
    assert list(table["reason"]) == ["", "boom"]
    assert table["fid"][0] == 1.5
    assert table["fid"].isna()[1]
    assert table["best_fid_step"][0] == 1500
    assert table["area_fid"][0] == 3.5
    assert "best_is_std" not in table
    assert {"images_per_second", "real_images", "seconds", "train_seconds", "peak_memory", "protocol", "path"} <= set(
        table
    )
    protocol = read_rows(tmp_path)[0][0].protocol
    assert protocol is not None
    assert table["protocol"][0] == protocol.key


def test_frame_of_nothing_and_of_clashing_names(tmp_path: Path) -> None:
    empty = frame([])
    assert len(empty) == 0
    assert "trial_id" in empty
    info = {"seed": {"label": "Seed", "direction": None}}
    make_trial(tmp_path, make_spec(), metrics={"seed": 0.5}, values=info, result={"best": {}})
    table = frame(read_rows(tmp_path)[0])
    assert table["seed"][0] == 0
    assert table["metric_seed"][0] == 0.5


def test_a_row_says_what_sets_it_apart_from_its_namesakes(tmp_path: Path) -> None:
    for n_critic in (1, 5):
        for seed in (0, 1):
            make_trial(tmp_path, make_spec(seed=seed, n_critic=n_critic))
    rows = read_rows(tmp_path)[0]
    table = frame(rows)
    assert list(table["recipe"]) == [f"n_critic={row.recipe['n_critic']}" for row in rows]
    assert set(table["recipe"]) == {"n_critic=1", "n_critic=5"}
    assert set(frame(row for row in rows if row.recipe["n_critic"] == 1)["recipe"]) == {""}


def test_own_data_at_two_places_are_one_dataset(tmp_path: Path) -> None:
    for loss, place in (("vanilla", "/here/photos"), ("hinge", "/there/pictures")):
        make_trial(tmp_path, make_spec(loss, dataset="folder"), data_at=place)
    assert set(frame(read_rows(tmp_path)[0])["dataset"]) in ({"folder:photos"}, {"folder:pictures"})

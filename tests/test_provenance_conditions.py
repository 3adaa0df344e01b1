"""Under which conditions a trial was computed, and what may be expected of a repetition."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from ganbench.provenance import conditions
from ganbench.provenance.versions import CODE, versions
from ganbench.spec import TrialSpec

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def part(**changes: Any) -> conditions.Conditions:
    return conditions.present(CPU) | changes


def test_what_makes_a_result_repeatable_is_all_there(trial_spec: Callable[..., TrialSpec]) -> None:
    stated = conditions.determinism(trial_spec(seed=7, recipe={"precision": "bfloat16"}), [part()])
    assert (stated["seed"], stated["precision"], stated["beside"]) == (7, "bfloat16", 0)
    assert stated["threads"] == torch.get_num_threads()
    assert stated["deterministic_algorithms"] == torch.are_deterministic_algorithms_enabled()
    assert stated["device"].startswith("cpu, ")
    found = versions()
    assert stated["versions"].startswith("python 3")
    for package in ("ganbench", CODE, "torch", "torch-fidelity", "numpy"):
        assert f", {package} {found[package]}" in stated["versions"]
    assert stated["cudnn_benchmark"] is None  # says nothing of a CPU
    assert "parts" not in stated


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "bit-equal on this kind of processor"),
        ({"device": "cuda, H100", "deterministic_algorithms": True}, "bit-equal on this model of GPU"),
        ({"device": "cuda, H100"}, "up to the order of floating-point sums"),
        ({"beside": 2}, "interrupted together and resumed or not, beside 2 other seeds in one batched model"),
    ],
)
def test_no_more_equality_is_promised_than_there_is(changes: dict[str, Any], words: str) -> None:
    text = conditions.promised([part(**changes)])
    assert words in text
    assert "resumed" in text


@pytest.mark.parametrize(
    ("name", "value"), [("threads", 99), ("beside", 3), ("versions", "torch 9"), ("device", "cpu")]
)
def test_parts_under_other_conditions_promise_no_equal_bits(
    trial_spec: Callable[..., TrialSpec], name: str, value: object
) -> None:
    parts = conditions.followed([part(**{name: value})], part())
    stated = conditions.determinism(trial_spec(), parts)
    assert "bit-equal" not in stated["statement"]
    assert f"2 parts under other conditions ({name}: {value}, then {part()[name]})" in stated["statement"]
    assert stated["parts"] == parts
    assert any(f"({name}: {value}, then" in line for line in conditions.cautions(parts))


def test_equal_conditions_are_one_part_and_a_return_to_them_is_another() -> None:
    one, other = part(threads=1), part(threads=2)
    assert conditions.followed([one], dict(one)) == [one]
    assert conditions.cautions([one]) == []
    parts = conditions.followed(conditions.followed([one], other), one)
    assert conditions.differences(parts) == "threads: 1, then 2, then 1"


def test_of_versions_those_that_differ_are_named() -> None:
    now = part()
    parts = [now | {"versions": now["versions"].replace(f"torch {versions()['torch']}", "torch 9")}, now]
    assert conditions.differences(parts) == f"versions: torch 9, then torch {versions()['torch']}"
    parts = [now | {"device": "cpu, EPYC, AVX512"}, now | {"device": "cpu, EPYC, AVX2"}]
    assert conditions.differences(parts) == "device: AVX512, then AVX2"


def test_a_trial_is_batched_where_any_part_of_it_was() -> None:
    parts = [part(), part(beside=2), part()]
    assert conditions.most_beside(parts) == 2
    assert conditions.most_beside([part()]) == 0
    assert conditions.cautions(parts)[0].startswith("trained as one batched model with 2 other seeds")


def test_a_results_conditions_are_found_again(trial_spec: Callable[..., TrialSpec]) -> None:
    for parts in ([part()], [part(threads=7), part()]):
        stated = conditions.determinism(trial_spec(), parts)
        assert conditions.of_result({"determinism": stated, "cost": {"beside": 0}}) == parts
    old = {name: value for name, value in stated.items() if name not in ("parts", "beside")}
    assert conditions.of_result({"determinism": old, "cost": {"beside": 4}}) == [part(beside=4)]
    assert conditions.followed(conditions.of_result({}), part()) != [part()]  # unknown is not the same


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_says_how_it_computes() -> None:
    stated = conditions.present(CUDA)
    assert torch.cuda.get_device_name(0) in stated["device"]
    assert "CUDA " in stated["versions"]
    assert isinstance(stated["cudnn_deterministic"], bool)


def test_seeds_beside_are_counted_in_words() -> None:
    assert [conditions.others(count) for count in (1, 2)] == ["1 other seed", "2 other seeds"]

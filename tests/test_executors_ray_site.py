"""What is asked of a Ray cluster before anything is submitted to it; Ray itself is not needed."""

import importlib.util
import math
import os
import socket
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ganbench.errors import GanbenchError, UsageError
from ganbench.executors import ray_site as site
from ganbench.provenance.fingerprint import Fingerprint, Package

HERE = Fingerprint(
    host="here", python="3.12", packages={"ganbench": Package(version="1"), "torch": Package(version="2.9")}
)
SETTINGS = (
    "RAY_USAGE_STATS_ENABLED",
    "RAY_USAGE_STATS_REPORT_URL",
    "RAY_task_oom_retries",
    "RAY_NUM_REDIS_GET_RETRIES",
)


def machine(name: str, alive: bool = True, **resources: float) -> dict[str, Any]:
    """A node as Ray lists it."""
    return {"NodeID": name, "NodeManagerAddress": f"10.0.0.{name}", "Alive": alive, "Resources": resources}


class Cluster:
    """In the place of Ray's module: nodes, and what each of them answers to the probe."""

    exceptions = SimpleNamespace(RayError=ArithmeticError)

    def __init__(self, *nodes: dict[str, Any], answers: dict[str, Fingerprint | str] | None = None) -> None:
        self._nodes, self._answers = nodes, answers or {}
        self.terms: dict[str, Any] = {}
        self.waited: list[float] = []
        strategy = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: (node, soft))
        self.util = SimpleNamespace(scheduling_strategies=strategy)

    def nodes(self) -> list[dict[str, Any]]:
        return list(self._nodes)

    def remote(self, **terms: Any) -> Callable[[object], "Cluster"]:
        self.terms = terms
        return lambda function: self

    def options(self, scheduling_strategy: tuple[str, bool]) -> Any:
        assert not scheduling_strategy[1], "elsewhere the answer would be that of another node"
        return SimpleNamespace(remote=lambda: scheduling_strategy[0])

    def get(self, reference: str, timeout: float) -> Any:
        self.waited.append(timeout)
        answer = self._answers[reference]
        if isinstance(answer, str):
            raise ArithmeticError(answer)
        return answer.model_dump(mode="json")


@pytest.mark.parametrize(
    ("options", "device", "expected"),
    [
        ({}, "cpu", (1, 3, math.inf, {"num_cpus": 1.0, "num_gpus": 0.0})),
        ({}, "cuda", (1, 3, math.inf, {"num_cpus": 1.0, "num_gpus": 1.0})),
        ({"gpus": "0.5", "cpus": "2"}, "cuda", (1, 3, math.inf, {"num_cpus": 2.0, "num_gpus": 0.5})),
        (
            {"memory": "3", "pack": "4", "attempts": "5", "deadline": "2h"},
            "cpu",
            (4, 5, 7200.0, {"num_cpus": 1.0, "num_gpus": 0.0, "memory": 3 * 2**20}),
        ),
    ],
)
def test_what_a_task_asks_for(options: dict[str, str], device: str, expected: tuple[Any, ...]) -> None:
    assert tuple(site.terms(options, device)) == expected


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({"num_cpus": 4.0, "num_gpus": 0.0}, True),
        ({"num_cpus": 4.5, "num_gpus": 0.0}, False),
        ({"num_cpus": 0.0, "num_gpus": 2.0}, True),
        # One node has the processors, another the GPUs.
        ({"num_cpus": 4.0, "num_gpus": 1.0}, False),
        ({"num_cpus": 1.0, "num_gpus": 0.0, "memory": 100.0}, True),
        ({"num_cpus": 1.0, "num_gpus": 0.0, "memory": 101.0}, False),
        # As much is there, on a node that is not alive any more.
        ({"num_cpus": 64.0, "num_gpus": 0.0}, False),
    ],
)
def test_what_no_node_has_is_refused(wanted: dict[str, float], fits: bool) -> None:
    ray = Cluster(
        machine("1", CPU=4.0, memory=100.0), machine("2", CPU=1.0, GPU=2.0), machine("3", alive=False, CPU=64.0)
    )
    if fits:
        site.check_that_it_fits(ray, wanted)
        return
    with pytest.raises(UsageError, match="no node of the Ray cluster has"):
        site.check_that_it_fits(ray, wanted)


def test_a_refusal_says_what_is_asked_for_and_what_there_is() -> None:
    ray = Cluster(machine("1", CPU=4.0), machine("2", CPU=1.0, GPU=2.0), machine("3", CPU=4.0))
    with pytest.raises(UsageError) as caught:
        site.check_that_it_fits(ray, {"num_cpus": 8.0, "num_gpus": 0.0})
    assert str(caught.value) == (
        "no node of the Ray cluster has 8 CPU; its nodes have: 1 CPU, 2 GPU; 4 CPU, 0 GPU; ask for less with --ray"
    )
    with pytest.raises(UsageError, match="has 1 CPU, 1 GPU, 5 memory; its nodes have: nothing; ask for less"):
        site.check_that_it_fits(Cluster(), {"num_cpus": 1.0, "num_gpus": 1.0, "memory": 5.0})


def other(**changes: Any) -> Fingerprint:
    return HERE.model_copy(update={"host": "there", **changes})


def test_every_node_that_is_alive_is_asked_for_its_code() -> None:
    ray = Cluster(machine("1"), machine("2"), machine("3", alive=False), answers={"1": HERE, "2": other()})
    site.check_the_nodes(ray, HERE)
    assert ray.waited == [site.PROBE_SECONDS] * 2
    assert ray.terms == {"num_cpus": 0, "max_retries": 0}, "a node that is full of work answers too"


@pytest.mark.parametrize(
    ("packages", "more"),
    [
        ({"torch": Package(version="2.9")}, ""),
        ({}, "; and 1 more"),
    ],
)
def test_other_code_on_a_node_is_refused(packages: dict[str, Package], more: str) -> None:
    ray = Cluster(machine("1"), machine("2"), answers={"1": HERE, "2": other(packages=packages)})
    with pytest.raises(UsageError) as caught:
        site.check_the_nodes(ray, HERE)
    assert str(caught.value) == (
        f"ganbench is 1 on here and missing on there (10.0.0.2){more}; install the same version there"
    )


@pytest.mark.parametrize(
    ("said", "reason"), [("one\n  ImportError: none \n\n", "ImportError: none"), (" ", "ArithmeticError")]
)
def test_a_node_that_does_not_answer_is_named(said: str, reason: str) -> None:
    ray = Cluster(machine("1"), answers={"1": said})
    with pytest.raises(GanbenchError) as caught:
        site.check_the_nodes(ray, HERE)
    assert not isinstance(caught.value, UsageError)
    assert str(caught.value) == f"node 10.0.0.1 of the Ray cluster cannot run ganbench: {reason}"


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine at which somebody answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_whether_anybody_answers_is_found_out_for_an_address_with_a_port(port: int) -> None:
    assert site.refusal(f"127.0.0.1:{port}") == ""
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    assert "refused" in site.refusal(f"127.0.0.1:{closed}")
    assert "refused" in site.refusal(f"[127.0.0.1]:{closed}")
    assert site.refusal("127.0.0.1:99999") != ""
    assert "too long" in site.refusal("x" * 70 + ":6379")
    for address in ("auto", "ray://127.0.0.1:1", "", "local"):
        assert site.refusal(address) == ""


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Ray's modules, as far as connecting goes; what ``init`` is given is noted."""
    for name in SETTINGS:
        monkeypatch.setenv(name, "set back")  # so that what is set here does not stay
        monkeypatch.delenv(name)
    found = ModuleType("ray")
    found.exceptions = ModuleType("ray.exceptions")  # type: ignore[attr-defined]
    found.exceptions.RayError = ArithmeticError
    found.given = []  # type: ignore[attr-defined]
    found.init = lambda **given: found.given.append(given)  # type: ignore[attr-defined]
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found if name == "ray" else find(name))
    for name in ("ray", "ray.util", "ray.util.scheduling_strategies"):
        monkeypatch.setitem(sys.modules, name, found)
    monkeypatch.setitem(sys.modules, "ray.exceptions", found.exceptions)
    return found


def test_a_cluster_is_connected_to_and_nothing_is_reported_to_anybody(ray: ModuleType) -> None:
    os.environ["RAY_NUM_REDIS_GET_RETRIES"] = "7"
    assert site.connect("auto", 3) is ray
    (given,) = ray.given
    assert (given["address"], given["log_to_driver"]) == ("auto", False)
    assert [os.environ[name] for name in SETTINGS] == ["0", site.NOWHERE, "2", "7"]


@pytest.mark.parametrize("error", [ConnectionError, RuntimeError, ValueError, OSError, ArithmeticError])
@pytest.mark.parametrize(("said", "reason"), [("\n  no head \n more", "no head"), ("", None)])
def test_no_cluster_is_one_line(ray: ModuleType, error: type[Exception], said: str, reason: str | None) -> None:
    def refused(**_: object) -> None:
        raise error(said)

    ray.init = refused  # type: ignore[attr-defined]
    with pytest.raises(UsageError) as caught:
        site.connect("10.0.0.1", 1)
    assert str(caught.value) == (
        f"there is no Ray cluster at 10.0.0.1 ({reason or error.__name__}); start one with 'ray start', and name it: "
        "--ray address=HOST:6379"
    )


def test_an_address_at_which_nobody_answers_is_not_tried_for_a_minute(
    ray: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "refusal", lambda address: f"nobody at {address}")
    with pytest.raises(UsageError, match=r"no Ray cluster at h:1 \(nobody at h:1\)"):
        site.connect("h:1", 1)
    assert ray.given == []


def test_where_ray_is_missing_the_command_that_brings_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"Ray is not installed; run: pip install 'ganbench\[ray\]'"):
        site.connect("auto", 1)

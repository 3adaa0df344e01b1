"""What a run is asked for: what no run can have is refused before anything is written."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ganbench.complaints import explain
from ganbench.plan import PlanRequest, SourcesRequest
from ganbench.planning.request import RunRequest

PLAN = PlanRequest(losses=(), architectures=(), datasets=())


def asked(**how: Any) -> RunRequest:
    return RunRequest(**{"plan": PLAN, "seeds": (0,), "out": Path("runs"), **how})


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"jobs": -1}, "jobs=-1: must be greater than or equal to 0"),
        ({"jobs": 1.5}, "jobs=1.5: must be a whole number"),
        ({"jobs": True}, "jobs=True: must be a whole number"),
        ({"jobs": "2"}, "jobs='2': must be a whole number"),
        ({"timeout": "50"}, "timeout='50': must be a number"),
        ({"timeout": True}, "timeout=True: must be a number"),
        ({"timeout": -1}, "timeout=-1: must be greater than 0"),
        ({"timeout": 0}, "timeout=0: must be greater than 0"),
        ({"timeout": float("nan")}, "timeout=nan: must be a finite number"),
        ({"timeout": float("inf")}, "timeout=inf: must be a finite number"),
        ({"checkpoint_seconds": 0}, "checkpoint_seconds=0: must be greater than 0"),
        ({"memory_limit": "many"}, "memory_limit='many': must be a size of at least 1M, such as 500M or 4G"),
        ({"retry": "no"}, "retry='no': must be true or false"),
        ({"per_device": -2}, "per_device=-2: must be greater than or equal to -1"),
        ({"per_device": "some"}, "per_device='some': must be a whole number or 'auto'"),
        ({"per_device": pd.NA}, "per_device=<NA>: must be a whole number"),
        ({"out": ""}, "out='': must not be empty"),
        ({"out": None}, "out=None: must be a path: text or a pathlib.Path"),
        ({"out": "a\0b"}, "out='a\\x00b': must not contain a null character"),
        ({"device": None}, "device=None: must be text"),
        ({"executor": 5}, "executor=5: must be text"),
        ({"executor_options": 5}, "executor_options=5: must be a table of names and values"),
        ({"executor_options": {"gpus": 2}}, "executor_options.gpus=2: must be text"),
        ({"devices": 5}, "devices=5: must be a list"),
        ({"devices": "0,2"}, "devices='0,2': must be a list"),
        ({"devices": b"0"}, "devices=b'0': must be a list"),
        ({"devices": {0: "a"}}, "devices={0: 'a'}: must be a list"),
        ({"devices": [None]}, "devices=[None]: must be a list of GPUs, such as [0, 1]"),
        ({"devices": [True]}, "devices=[True]: must be a list of GPUs, such as [0, 1]"),
        ({"batch_seeds": "no"}, "batch_seeds='no': must be true or false"),
    ],
)
def test_what_no_run_can_have_is_refused(how: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        asked(**how)
    assert explain(caught.value) == said


def test_what_is_meant_is_taken() -> None:
    wanted = asked(jobs=2, timeout=50, per_device="auto", executor_options={"partition": "gpu"})
    assert (wanted.jobs, wanted.timeout, wanted.per_device) == (2, 50.0, -1)
    assert (wanted.wish.jobs, wanted.wish.per_device, wanted.wish.options) == (2, -1, {"partition": "gpu"})
    assert (wanted.wish.executor, asked(executor="site").wish.executor) == (wanted.executor, "site")
    assert asked(per_device=-1).per_device == -1
    assert asked().timeout is None
    assert asked(out="r").out == Path("r")
    assert asked(memory_limit="4G").wish.memory_limit == 4 << 30
    assert [asked(memory_limit=limit).memory_limit for limit in ("4G", 4 << 30, None)] == [4 << 30, 4 << 30, None]
    assert [asked(devices=these).devices for these in ([0, "GPU-1"], np.array([0, 2]))] == [("0", "GPU-1"), ("0", "2")]
    assert asked(devices=iter([np.int64(0)])).devices == ("0",)
    numbers = asked(jobs=np.int64(2), timeout=np.float32(50), per_device=np.int8(3))
    assert (numbers.jobs, numbers.timeout, numbers.per_device) == (2, 50.0, 3)


def test_a_run_goes_to_the_cpu_only_where_nothing_was_said_of_a_gpu() -> None:
    assert asked().leaves_device
    for how in ({"device": "cuda"}, {"device": "cpu"}, {"devices": ("0",)}, {"per_device": 2}, {"per_device": "auto"}):
        assert not asked(**how).leaves_device
    assert (asked().on_cpu().device, asked().on_cpu().plan) == ("cpu", PLAN)
    sources = asked(plan=SourcesRequest(sources=(), plan=PLAN, device="cuda")).on_cpu()
    assert (sources.device, sources.plan) == ("cpu", SourcesRequest(sources=(), plan=PLAN, device="cpu"))

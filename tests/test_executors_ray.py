"""What the Ray executor makes of a cluster; tests/clusters runs it on a real one."""

import time
from contextlib import nullcontext

import pytest

from ganbench.errors import GanbenchError
from ganbench.executors import Settings, ray, ray_site


@pytest.mark.parametrize(("reached", "given_up"), [(True, True), (False, False)])
def test_a_head_that_went_away_is_told_from_one_behind_a_proxy(
    monkeypatch: pytest.MonkeyPatch, reached: bool, given_up: bool
) -> None:
    """Whoever connects through ``ray://`` may never reach the head itself."""

    class Cluster:
        gcs_address = "10.0.0.1:6379"

        def get_runtime_context(self) -> "Cluster":
            return self

    answers = iter([""] if reached else [])
    monkeypatch.setattr(ray_site, "connect", lambda *_: Cluster())
    monkeypatch.setattr(ray_site, "check_that_it_fits", lambda *_: None)
    monkeypatch.setattr(ray_site, "check_the_nodes", lambda *_: None)
    monkeypatch.setattr(ray_site, "refusal", lambda address: address and next(answers, "nobody answers"))
    monkeypatch.setattr(ray_site, "KNOCK_SECONDS", 0.0)
    monkeypatch.setattr(ray, "SILENCE_SECONDS", 0.0)
    executor = ray.Ray(Settings(slots=1, timeout=None, server=lambda: pytest.fail("no server is needed")))
    gone = pytest.raises(GanbenchError, match=r"the Ray cluster at 10\.0\.0\.1:6379 is gone")
    with gone if given_up else nullcontext():
        for _ in range(3):
            executor.states()
            time.sleep(0.001)

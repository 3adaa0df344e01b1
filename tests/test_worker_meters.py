"""Energy and stolen processor time: counted from a moment on, and nothing where the machine has no counter."""

import pytest
import torch

from ganbench.provenance import environment
from ganbench.worker.meters import Meters

DEVICE = torch.device("cpu")


def test_counters_are_read_as_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    energy, steal = [1000.0], [7.0]
    monkeypatch.setattr(environment, "energy_joules", lambda device: energy[0])
    monkeypatch.setattr(environment, "steal_seconds", lambda: steal[0])
    meters = Meters()
    energy[0], steal[0] = 1100.0, 7.506
    assert (meters.energy_joules(), meters.steal_seconds()) == (None, 0.51)  # no device is measured yet
    meters.measure(DEVICE)
    energy[0] = 1142.26
    assert meters.energy_joules() == 42.3
    meters.forget()
    assert (meters.energy_joules(), meters.steal_seconds()) == (None, None)


def test_a_machine_without_counters_has_no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "energy_joules", lambda device: None)
    monkeypatch.setattr(environment, "steal_seconds", lambda: None)
    meters = Meters()
    meters.measure(DEVICE)
    assert (meters.energy_joules(), meters.steal_seconds()) == (None, None)
    assert meters.peak_memory() > 1 << 20


@pytest.mark.parametrize("counters", [(None, 7.0), (7.0, None)])
def test_a_counter_that_comes_or_goes_says_nothing(
    monkeypatch: pytest.MonkeyPatch, counters: tuple[float | None, float | None]
) -> None:
    readings = iter(counters)
    monkeypatch.setattr(environment, "steal_seconds", lambda: next(readings))
    assert Meters().steal_seconds() is None


def test_the_device_that_is_measured_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    second = torch.device("cuda", 1)
    monkeypatch.setattr(environment, "energy_joules", lambda device: 5.0 if device == second else None)
    monkeypatch.setattr(environment, "peak_memory", lambda device: 7 if device == second else 0)
    meters = Meters()
    meters.measure(second)
    assert (meters.energy_joules(), meters.peak_memory()) == (0.0, 7)

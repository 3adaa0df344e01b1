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
    energy[0], steal[0] = 1100.0, 7.5
    assert (meters.energy_joules(), meters.steal_seconds()) == (None, 0.5)  # no device is measured yet
    meters.measure(DEVICE)
    energy[0] = 1142.26
    assert meters.energy_joules() == 42.3
    meters.forget_energy()
    assert meters.energy_joules() is None


def test_a_machine_without_counters_has_no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "energy_joules", lambda device: None)
    monkeypatch.setattr(environment, "steal_seconds", lambda: None)
    meters = Meters()
    meters.measure(DEVICE)
    assert (meters.energy_joules(), meters.steal_seconds()) == (None, None)
    assert meters.peak_memory() > 1 << 20

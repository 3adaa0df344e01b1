"""A monotonic clock that goes on only as the test says."""

from types import ModuleType, SimpleNamespace

import pytest


def stop(monkeypatch: pytest.MonkeyPatch, module: ModuleType, at: float = 1000.0) -> list[float]:
    """Give a module a clock that stands still; return its only reading, which the test changes."""
    now = [at]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now

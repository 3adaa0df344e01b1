"""The built-in metrics are all there."""

from importlib import import_module

import ganbench.metrics
from ganbench.api import Metric


def registered() -> dict[str, type[Metric]]:
    found: dict[str, type[Metric]] = {}

    def register(name: str, target: str, *, summary: str = "", paper: str = "", argument: str = "") -> None:
        module, _, attribute = target.partition(":")
        found[name] = getattr(import_module(module), attribute)
        assert summary

    ganbench.metrics.register_metrics(register)
    return found


def test_every_metric_is_buildable_and_no_value_is_returned_twice() -> None:
    values = [value for metric in registered().values() for value in metric().values]
    assert len(values) == len(set(values))
    assert len(registered()) == 15

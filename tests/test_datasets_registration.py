"""The registration module: what it registers exists, and it imports no torch."""

import subprocess
import sys
from importlib import import_module

from ganbench import datasets
from ganbench.api import Dataset


def test_every_target_is_a_dataset() -> None:
    registered: dict[str, tuple[str, str]] = {}

    def register(name: str, target: str, *, summary: str = "", paper: str = "", argument: str = "") -> None:
        assert summary
        registered[name] = (target, argument)

    datasets.register_datasets(register)
    assert sorted(registered) == [
        "array",
        "cifar10",
        "cifar100",
        "digits",
        "fashion-mnist",
        "folder",
        "grid",
        "mnist",
        "ring",
        "stacked-digits",
        "stacked-mnist",
    ]
    for target, argument in registered.values():
        module, _, name = target.partition(":")
        parameters = {argument: "somewhere"} if argument else {}
        assert isinstance(getattr(import_module(module), name)(**parameters), Dataset)


def test_it_imports_no_torch() -> None:
    code = "import sys, ganbench.datasets; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""The kit as a plugin of pytest: its items are chosen from like all others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganbench import testing
from tests.distribution import write_distribution

REGISTERS = """
from ganbench import hookimpl


@hookimpl
def register_losses(register):
    register("small", "ganbench_small_loss:Small", summary="A small one")
"""
LOSS = '''
from ganbench.api import Loss


class Small(Loss):
    """A small one."""

    formula = ("f - r", "-f")

    def discriminator(self, real, fake):
        return fake.mean() - real.mean()

    def generator(self, fake, real):
        return -fake.mean()
'''


def pytest_in(folder: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(folder / "site"), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--ganbench-package", "ganbench-small",
         *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_one_item_for_each_property_and_a_choice_of_them(tmp_path: Path) -> None:
    write_distribution(tmp_path / "site", "ganbench-small", {"ganbench_small": REGISTERS, "ganbench_small_loss": LOSS})
    whole = pytest_in(tmp_path)
    assert "failed" not in whole, whole
    assert int(whole.split(" passed")[0].rsplit(maxsplit=1)[-1]) > 10, whole
    chosen = pytest_in(tmp_path, "-k", "small and scalar")
    assert "1 passed" in chosen, chosen
    assert "deselected" in chosen, chosen


def test_every_pytest_loads_the_plugin_and_nothing_for_it() -> None:
    """An environment's other projects pay for what the plugin imports."""
    program = """
import sys
import pytest
before = set(sys.modules)
import ganbench.testing.pytest_plugin
loaded = {name for name in set(sys.modules) - before if name.split(".")[0] not in sys.stdlib_module_names}
assert loaded == {"ganbench", "ganbench.testing", "ganbench.testing.pytest_plugin"}, loaded
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr


def test_the_kit_is_there_on_first_use() -> None:
    assert dir(testing) == sorted(testing.__all__)
    assert {getattr(testing, name).__name__ for name in testing.__all__} == set(testing.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        testing.nothing  # type: ignore[attr-defined]  # noqa: B018

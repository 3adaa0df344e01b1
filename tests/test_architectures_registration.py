"""The registration module: what it registers exists, and it imports no torch."""

import subprocess
import sys
from importlib import import_module

from ganbench import architectures
from ganbench.api import Architecture


def test_every_target_is_an_architecture_with_defaults() -> None:
    registered: dict[str, str] = {}

    def register(name: str, target: str, *, summary: str = "", paper: str = "", argument: str = "") -> None:
        assert summary
        assert paper
        registered[name] = target

    architectures.register_architectures(register)
    names = "dcgan dcgan5x5 infogan mlp pacdcgan pacgan resnet sagan sndcgan upsample vgg"
    assert sorted(registered) == names.split()
    for target in registered.values():
        module, _, name = target.partition(":")
        assert isinstance(getattr(import_module(module), name)(), Architecture)


def test_it_imports_no_torch() -> None:
    code = "import sys, ganbench.architectures; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

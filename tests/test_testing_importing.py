"""What importing a component changes for the whole process is seen, module by module, and what a plugin imports."""

from pathlib import Path

import pytest

from ganbench.testing.importing import changes, heavy

SETTERS = {
    "torch.set_default_dtype": "torch.set_default_dtype(torch.float64)",
    "torch.set_default_device": "torch.set_default_device('meta')",
    "torch.set_num_threads": "torch.set_num_threads(torch.get_num_threads() + 1)",
    "torch.set_grad_enabled": "torch.set_grad_enabled(False)",
    "torch.use_deterministic_algorithms": "torch.use_deterministic_algorithms(True)",
    "torch.backends.cudnn.benchmark": "torch.backends.cudnn.benchmark = True",
    "torch.manual_seed": "torch.manual_seed(0)",
}
RIGHT = {
    "right_none": "'''It needs no torch.'''",
    "right_draws": "weights = torch.randn(3, generator=torch.Generator().manual_seed(0))",
    "right_back": "with torch.no_grad():\n    zeros = torch.zeros(3)",
    "right_loud": "print('ganbench-imports is no answer', end='')",
    "right_broken": "import never_there",
    "right_ends": "raise SystemExit(1)",
}


def test_each_call_is_laid_to_the_module_that_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = {f"wrong_{call.replace('.', '_')}": text for call, text in SETTERS.items()}
    for name, text in (modules | RIGHT).items():
        (tmp_path / f"{name}.py").write_text(f"import torch\n{text}\n")
    found = changes(["right_none", *modules, *RIGHT])
    assert found == {name: [call] for name, call in zip(modules, SETTERS, strict=True)}


def test_a_process_that_ends_has_nothing_to_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "ends_at_once.py").write_text("import os\nos._exit(0)\n")
    assert changes(["ends_at_once"]) == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import json, scipy", ["scipy"]),
        ("print('pandas is not imported')", []),
        ("import never_there", []),
        ("import scipy\nraise SystemExit", []),
    ],
)
def test_a_heavy_import_is_seen_where_this_process_finds_the_module(
    text: str, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "registers.py").write_text(text)
    assert heavy("registers") == found

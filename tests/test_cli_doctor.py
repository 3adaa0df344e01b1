"""``ganbench doctor`` looks where the worker looks."""

from pathlib import Path

import pytest

from ganbench.cli.doctor import _data


@pytest.mark.parametrize("variable", ["", "XDG_CACHE_HOME", "TORCH_HOME", "GANBENCH_INCEPTION_WEIGHTS"])
def test_inception_weights_are_looked_for_where_the_extractor_looks(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganbench.extractors.inception import Inception

    for name in ("XDG_CACHE_HOME", "TORCH_HOME", "GANBENCH_INCEPTION_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path))
    told = next(path for name, path, _ in _data(Path("data")) if name == "inception weights")
    assert told == (tmp_path if variable == "GANBENCH_INCEPTION_WEIGHTS" else Inception().cached)

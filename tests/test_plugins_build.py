"""Components by the names that users type, for a plugin's own commands."""

from pathlib import Path

import numpy as np
import pytest

from ganbench import plugins
from ganbench.architectures.mlp import MLP
from ganbench.datasets.mixtures import Ring
from ganbench.errors import UsageError


def test_a_component_is_built_as_a_run_names_it(tmp_path: Path) -> None:
    assert isinstance(plugins.build("dataset", "ring"), Ring)
    assert isinstance(plugins.build("dataset", "ganbench:ring"), Ring)
    built = plugins.build("architecture", "mlp[hidden=16, layers=2]")
    assert isinstance(built, MLP)
    assert (built.hidden, built.layers) == (16, 2)
    np.save(tmp_path / "points.npy", np.ones((300, 2), dtype=np.float32))
    assert plugins.build("dataset", f"array:{tmp_path / 'points.npy'}").load("train", root=tmp_path).shape == (2,)


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("dataset", "rng", "there is no dataset 'rng'; did you mean 'ring'?"),
        ("dataset", "ring[modes=6]", "dataset 'ring' has no parameter 'modes'; it takes none"),
        ("architecture", "mlp[hiden=6]", "architecture 'mlp' has no parameter 'hiden'; did you mean 'hidden'?"),
        ("architecture", "mlp[hidden=six]", "architecture 'mlp': hidden=six must be a whole number"),
        ("architecture", "mlp[hidden=0]", "architecture 'mlp': hidden"),
        ("architecture", "mlp[hidden=6", "'mlp[hidden=6' has no closing bracket"),
        ("architecture", "mlp[hidden=6]8", "'mlp[hidden=6]8' has more text after its closing bracket"),
        (
            "architecture",
            "mlp[hidden=6|8]",
            "'mlp[hidden=6|8]' stands for 2 components; give one value for each parameter",
        ),
        ("datasets", "ring", "there is no kind 'datasets' to build; did you mean 'dataset'?"),
        ("tracker", "tensorboard", "there is no kind 'tracker' to build; "),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_line(kind: str, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        plugins.build(kind, text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)

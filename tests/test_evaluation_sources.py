"""Which data are those that a trial was planned with."""

import pytest

from ganbench.evaluation.sources import same_samples
from ganbench.spec import DataSpec, Scalar
from tests.trials import component


def data(fingerprint: str = "ab", name: str = "folder", **parameters: Scalar) -> DataSpec:
    part = component(name, parameters=parameters)
    return DataSpec(component=part, kind="image", shape=(1, 8, 8), size=9, fingerprint=fingerprint)


def test_trials_of_before_have_the_place_among_the_parameters() -> None:
    now, then = data(size=8), data(size=8, path="/old/photos")
    assert same_samples(now, data(size=8))
    assert same_samples(now, then, ("path",))
    assert not same_samples(now, then)


@pytest.mark.parametrize("then", [data("cd", size=8), data(size=9), data(name="array", size=8)])
def test_other_samples_parameters_or_datasets_are_not(then: DataSpec) -> None:
    assert not same_samples(data(size=8), then, ("path",))

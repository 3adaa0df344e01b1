"""Errors call an extractor what was typed."""

import pytest

from ganbench.errors import ChangedSincePlanning, UsageError
from ganbench.evaluation.naming import called
from ganbench.evaluation.needs import check_shape
from ganbench.extractors.embedded import Mnist
from ganbench.extractors.inception import Inception


def told(message: str, name: str = "inception") -> str:
    """What an error inside says outside."""
    with pytest.raises(UsageError) as caught, called(name, Inception()):
        raise UsageError(message)
    return str(caught.value)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("no weights for inception-v3-compat: it is unset", "no weights for inception: it is unset"),
        ("extractor 'inception-v3-compat' takes images", "extractor 'inception' takes images"),
        ("another network than inception-v3-compat.", "another network than inception."),
        ("/a/inception-v3-compat/b is damaged", "/a/inception-v3-compat/b is damaged"),
        ("cannot read /a/inception-v3-compat", "cannot read /a/inception-v3-compat"),
        ("inception-v3-compat.pth is damaged", "inception-v3-compat.pth is damaged"),
        ("my-inception-v3-compat is another", "my-inception-v3-compat is another"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_an_error_names_what_was_typed(message: str, expected: str) -> None:
    assert told(message) == expected
    assert told(message, name="") == message


def test_a_shape_is_refused_by_the_name_that_was_typed() -> None:
    with pytest.raises(UsageError, match=r"^extractor 'mnist' takes images of 32x32"), called("mnist", Mnist()):
        check_shape(Mnist(), (1, 16, 16))


def test_an_error_stays_what_it_is() -> None:
    with pytest.raises(ChangedSincePlanning) as caught, called("inception", Inception()):
        raise ChangedSincePlanning("inception-v3-compat changed", "ab")
    assert str(caught.value) == "inception changed; run again to make a new plan"
    assert caught.value.planned == "ab"


def test_weights_that_a_variable_names_are_refused_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_INCEPTION_WEIGHTS", "/a/x.pth")
    advice = "; correct GANBENCH_INCEPTION_WEIGHTS, which names it, or unset it"
    assert told("/a/x.pth cannot be read as weights of inception-v3-compat") == (
        f"/a/x.pth cannot be read as weights of inception{advice}"
    )
    for other in ("/a/x.pth.old is damaged", "GANBENCH_INCEPTION_WEIGHTS names /a/x.pth", "samples /a/x.pth"):
        assert told(other) == other
    said = "/a/x.pth GANBENCH_INCEPTION_WEIGHTS"
    assert told(said) == said
    monkeypatch.setenv("HOME", "/a")
    monkeypatch.setenv("GANBENCH_INCEPTION_WEIGHTS", "~/x.pth")
    assert told("/a/x.pth is damaged") == f"/a/x.pth is damaged{advice}"
    monkeypatch.delenv("GANBENCH_INCEPTION_WEIGHTS")
    assert told("/a/x.pth is damaged") == "/a/x.pth is damaged"

"""What is said of plugins: names that no package has, and errors in one line."""

from ganbench import plugins
from ganbench.plugins import Plugin, Plugins
from ganbench.registry import Registry


def test_a_name_that_no_package_has_is_told() -> None:
    loaded = Plugins(registry=Registry(), plugins=[Plugin("gan-good", "good", "good", "1")])
    environ = {"GANBENCH_PLUGINS": "gan-good, x", "GANBENCH_DISABLE_PLUGINS": "Gan_Godd"}
    assert plugins.not_installed(loaded, environ) == [
        "GANBENCH_PLUGINS names x, but no plugin is installed from it; choose one of: gan-good",
        "GANBENCH_DISABLE_PLUGINS names gan-godd, but no plugin is installed from it; did you mean 'gan-good'?",
    ]


def test_one_line_of_an_error() -> None:
    assert plugins.one_line(ValueError(" a\nb")) == "ValueError: a"
    assert plugins.one_line(ValueError()) == "ValueError"

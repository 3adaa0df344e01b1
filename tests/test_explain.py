"""What ``ganbench show`` has to say of each component."""

import math
from dataclasses import replace
from itertools import chain
from typing import Any, ClassVar

import pytest

from ganbench import plugins
from ganbench.components import CONTRACTS
from ganbench.errors import UsageError
from ganbench.executors import Executor
from ganbench.explain import explain, meanings, own_doc
from ganbench.registry import KINDS, Entry
from ganbench.trackers import Tracker

ENTRIES = [
    entry
    for registry in [plugins.load(environ={"GANBENCH_PLUGINS": ""}).registry]
    for kind in KINDS
    for entry in registry.entries(kind)
]
UNTOLD = {"reverse-kl": ["sigmas"]}
"""As of ``modes``, whose file it is in; a word more there would rename every trial of a mixture."""


def explained(entry: Entry) -> dict[str, Any]:
    try:
        return explain(entry)
    except Exception as error:
        if "pip install" in str(error):
            pytest.skip(str(error))
        raise


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.kind} {entry.name}")
def test_every_component_is_described_without_the_markup_of_docstrings(entry: Entry) -> None:
    told = explained(entry)
    assert told["doc"]
    assert [
        mark for mark in ("``", ":class:", ":func:", ":attr:", ":meth:", "\nArgs:", "\nRaises:") if mark in told["doc"]
    ] == []


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.kind} {entry.name}")
def test_every_parameter_is_explained_or_stands_in_the_formula_or_the_text(entry: Entry) -> None:
    told = explained(entry)
    around = " ".join([told["doc"], *map(str, told["facts"].values())])
    untold = [key for key in told["parameters"] if key not in told["meanings"] and key not in around]
    assert untold == UNTOLD.get(entry.name, [])
    assert told["meanings"].keys() <= told["parameters"].keys()
    assert [text for text in told["meanings"].values() if "``" in text or '`"' in text or "\n" in text] == []


def test_what_arguments_mean_is_read_from_docstrings_of_classes_constructors_and_bases() -> None:
    class Base:
        """Base.

        Args:
            width: of each layer,
                in units; see :class:`Base`.
            depth (int): how many.

        Raises:
            ValueError: never.
        """

    class Special(Base):
        """Special."""

        def __init__(self, width: int = 1, depth: int = 2, norm: str = "batch") -> None:
            """Make it.

            Args:
                depth: how many more.
                norm: ``"batch"`` or ``"none"``.
            """

    assert meanings(Special) == {
        "width": "of each layer, in units; see Base.",
        "depth": "how many more.",
        "norm": "`batch` or `none`.",
    }
    assert meanings(type("Plain", (), {"__doc__": "Nothing to say."})) == {}


def test_what_json_has_no_number_for_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.losses.hinge.Hinge.recommends", {"a": math.inf, "b": 0.5, "c": True, "d": 3})
    hinge = next(entry for entry in ENTRIES if (entry.kind, entry.name) == ("loss", "hinge"))
    assert explain(hinge)["recommends"] == {"a": "inf", "b": 0.5, "c": True, "d": 3}


def test_a_tracker_has_the_parameters_that_users_give() -> None:
    tensorboard = next(entry for entry in ENTRIES if entry.name == "tensorboard")
    try:
        assert explain(tensorboard)["parameters"] == {"logdir": ""}
    except Exception as error:
        if "pip install" in str(error):
            pytest.skip(str(error))
        raise


@pytest.mark.parametrize(
    "contract", [*chain.from_iterable(CONTRACTS.values()), Executor, Tracker], ids=lambda one: one.__name__
)
def test_what_a_contract_says_of_itself_is_not_said_of_a_component(contract: type) -> None:
    bare = type("Bare", (contract,), {})
    assert own_doc(bare) == ""
    documented = type("Documented", (contract,), {"__doc__": "Mine."})
    assert own_doc(type("Special", (documented,), {})) == "Mine."


@pytest.mark.parametrize("options", [["queue"], ["qa", "qb"], {"queue": None}, "queue"])
def test_options_that_map_no_names_to_texts_are_refused_in_one_line(
    options: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ListsOptions, "options", options)
    entry = replace(next(entry for entry in ENTRIES if entry.name == "local"), target="tests.test_explain:ListsOptions")
    with pytest.raises(UsageError, match=r"^executor 'local' of ganbench cannot be explained \(TypeError: options is "):
        explain(entry)


class ListsOptions(Executor):
    """Names its options, and does not say what they mean."""

    options: ClassVar[Any] = ["queue"]

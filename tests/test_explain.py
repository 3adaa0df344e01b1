"""What ``ganbench show`` has to say of each component."""

import pytest

from ganbench import plugins
from ganbench.components import CONTRACTS
from ganbench.executors import Executor
from ganbench.explain import explain, own_doc
from ganbench.registry import KINDS, Entry
from ganbench.trackers import Tracker

ENTRIES = [
    entry
    for registry in [plugins.load(environ={"GANBENCH_PLUGINS": ""}).registry]
    for kind in KINDS
    for entry in registry.entries(kind)
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.kind} {entry.name}")
def test_every_component_is_described_without_the_markup_of_docstrings(entry: Entry) -> None:
    try:
        told = explain(entry)
    except Exception as error:
        if "pip install" in str(error):
            pytest.skip(str(error))
        raise
    assert told["doc"]
    assert [mark for mark in ("``", ":class:", ":func:", ":attr:", ":meth:", "\nArgs:") if mark in told["doc"]] == []


def test_a_tracker_has_the_parameters_that_users_give() -> None:
    tensorboard = next(entry for entry in ENTRIES if entry.name == "tensorboard")
    try:
        assert explain(tensorboard)["parameters"] == {"logdir": ""}
    except Exception as error:
        if "pip install" in str(error):
            pytest.skip(str(error))
        raise


@pytest.mark.parametrize("contract", [*CONTRACTS.values(), Executor, Tracker], ids=lambda one: one.__name__)
def test_what_a_contract_says_of_itself_is_not_said_of_a_component(contract: type) -> None:
    bare = type("Bare", (contract,), {})
    assert own_doc(bare) == ""
    documented = type("Documented", (contract,), {"__doc__": "Mine."})
    assert own_doc(type("Special", (documented,), {})) == "Mine."

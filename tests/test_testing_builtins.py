"""Every built-in component is held by the kit that third-party components are held by."""

from typing import Any

import pytest

from ganbench import plugins
from ganbench.testing import check

# Small networks: what the kit asks of an architecture does not depend on its width.
SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": 16},
    "dcgan": {"width": 4},
    "resnet": {"width": 4},
    "sagan": {"width": 4},
    "upsample": {"width": 4},
    "vgg": {"width": 4, "hidden": 16},
    "sndcgan": {"width": 4},
    "infogan": {"width": 4, "hidden": 16},
}

# Checks that a built-in is let off, with the reason. An entry for a component that would pass fails the test below.
EXEMPT: dict[str, dict[str, str]] = {
    "architecture/infogan": {
        "shapes": "the study's discriminator has a batch norm after a dense layer, which needs two samples in training"
    }
}

KINDS = ("loss", "penalty", "architecture")
REGISTRY = plugins.load(environ={"GANBENCH_PLUGINS": ""}).registry
BUILT_IN = [f"{kind}/{entry.name}" for kind in KINDS for entry in REGISTRY.entries(kind)]


@pytest.mark.parametrize("component", BUILT_IN)
def test_a_built_in_conforms(component: str) -> None:
    kind, _, name = component.partition("/")
    outcomes = check(component, parameters=SMALL.get(name, {}) if kind == "architecture" else {})
    failed = {outcome.check: outcome.message for outcome in outcomes if outcome.status == "failed"}
    assert set(failed) == set(EXEMPT.get(component, {})), failed


@pytest.mark.parametrize("component", [one for one in BUILT_IN if one.startswith("loss/")])
def test_a_built_in_losss_formula_is_held_against_its_code(component: str) -> None:
    statuses = {outcome.check: outcome.status for outcome in check(component)}
    assert statuses["formula"] == "ok"


@pytest.mark.parametrize("condition", ["projection", "classifier"])
@pytest.mark.parametrize("name", ["mlp", "sagan"])
def test_a_conditional_built_in_conforms(name: str, condition: str) -> None:
    outcomes = check(
        f"architecture/{name}",
        parameters=SMALL[name] | {"condition": condition},
        skip={"export": "said of the unconditional networks above", "shapes": "likewise, at every size"},
    )
    assert {outcome.check: outcome.message for outcome in outcomes if outcome.status == "failed"} == {}

from pathlib import Path
from typing import Any

import pytest

from ganbench import components, plugins
from ganbench.parts import Parts
from ganbench.registry import Registry
from ganbench.resolve import answer
from ganbench.spec import Component, Execution, TrialSpec
from ganbench.suite import Suite, to_request

LOADED = plugins.load()


@pytest.fixture(scope="module")
def spec() -> TrialSpec:
    given = Suite(
        losses=("vanilla",), architectures=("dcgan[width=4]",), datasets=("digits",), steps=1, num_samples=200,
        metrics=("fid",),
    )  # fmt: skip
    plan = answer(to_request(Suite(), given, LOADED.registry)[0])
    assert plan.error == ""
    return plan.planned[0].spec


@pytest.mark.parametrize(
    "change", [{"source": "0" * 12}, {"plugin": "another"}, {"version": "9"}, {"parameters": {"crop": 1}}]
)
def test_cached_features_are_those_of_this_extractors_code(
    spec: TrialSpec, change: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extractor = spec.evaluation.extractor
    assert extractor is not None
    original = components.rebuild

    def rebuild(kind: str, component: Component, registry: Registry) -> Any:
        # What a changed package would build is beside the point: where it looks for features is what is tested.
        return original(kind, extractor if kind == "extractor" else component, registry)

    monkeypatch.setattr(components, "rebuild", rebuild)
    others = spec.evaluation.model_copy(update={"extractor": extractor.model_copy(update=change)})
    for one in (spec, spec, spec.model_copy(update={"evaluation": others})):
        parts = Parts(one, Execution(cache_dir=str(tmp_path)), LOADED.registry)
        assert parts.evaluator.reference_evidence.features is not None
    assert len(list((tmp_path / "references").glob("*.safetensors"))) == 2

"""Stored versions: older ones are brought up, later ones refused, added fields do not change a name."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import StoreError
from ganbench.records.folder import TrialFolder
from ganbench.records.schema import upgrade
from ganbench.spec import Execution, TrialFile, TrialSpec


def test_each_step_is_taken_in_order() -> None:
    steps = {
        1: lambda what, content: {"what": what, "b": content["a"]},
        2: lambda what, content: {**content, "c": content["b"] + 1},
    }
    content = upgrade("spec", {"schema_version": 1, "a": 5}, Path("x"), schema=3, migrations=steps)
    assert content == {"schema_version": 3, "what": "spec", "b": 5, "c": 6}
    with pytest.raises(StoreError, match="no longer reads"):
        upgrade("spec", {"schema_version": 1}, Path("x"), schema=3, migrations={2: steps[2]})


@pytest.mark.parametrize("version", [99, "1", None, True, 1.5])
def test_what_is_later_or_none_is_refused(version: Any) -> None:
    with pytest.raises(StoreError) as caught:
        upgrade("result", {"schema_version": version}, Path("x"), schema=1, migrations={})
    later = "; a later version wrote it: upgrade ganbench" if version == 99 else ""
    assert str(caught.value) == f"x has schema {version!r}, but this version of ganbench reads 1{later}"
    with pytest.raises(StoreError, match="ganbench reads 2 and older"):
        upgrade("result", {"schema_version": version}, Path("x"), schema=2, migrations={})


def test_a_specification_without_a_field_that_came_later_is_read(
    tmp_path: Path, trial_spec: Callable[..., TrialSpec]
) -> None:
    spec = trial_spec()
    content = TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()).model_dump(mode="json")
    del content["spec"]["recipe"]["divergence_limit"]  # as if it had been added after this was written
    older = spec.name_of(content["spec"])
    content["trial_id"] = older
    folder = TrialFolder(tmp_path / older)
    folder.path.mkdir()
    folder.spec.write_text(json.dumps(content))
    assert folder.read_spec().trial_id == older != spec.trial_id
    content["spec"]["seed"] = 5
    folder.spec.write_text(json.dumps(content))
    with pytest.raises(StoreError, match="was changed"):
        folder.read_spec()

"""Archives of ``torch.export`` with something in them that would run when it is loaded."""

import contextlib
import json
import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.errors import DataError
from ganbench.evaluation.saved import load_saved
from ganbench.evaluation.without_pickles import TENSORS_ONLY, only_tensors

CPU = torch.device("cpu")
Change = Callable[[dict[str, bytes]], None]
WHOLE = {
    "weights": "serialized_state_dict.pt",
    "inputs": "serialized_example_inputs.pt",
    "constants": "serialized_constants.pt",
}
"""The files of an archive of torch 2.6, each of which is one pickle; later ones have a file for each tensor."""


class Ran:
    """Makes a folder when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = str(place)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.place,)


class Linear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 4)

    def forward(self, z: Tensor) -> Tensor:
        return self.linear(z)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "g.pt2"
    batch = torch.export.Dim("batch")
    program = torch.export.export(Linear().eval(), (torch.zeros(2, 6),), dynamic_shapes=({0: batch},))
    torch.export.save(program, path)
    return path


def changed(source: Path, target: Path, change: Change) -> Path:
    """A copy of an archive, of whose content something is changed."""
    with zipfile.ZipFile(source) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    change(content)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return target


def pickled_weight(place: Path) -> Change:
    def change(content: dict[str, bytes]) -> None:
        torch.save(Ran(place), str(place) + ".pt")
        weights = WHOLE["weights"]
        if weights not in content:
            (config,) = (name for name in content if name.endswith("weights_config.json"))
            listed = json.loads(content[config])
            listed["config"]["linear.bias"]["use_pickle"] = True
            content[config] = json.dumps(listed).encode()
            (weights,) = (name for name in content if name.endswith("weights/weight_1"))
        content[weights] = Path(f"{place}.pt").read_bytes()

    return change


def pickled_inputs(place: Path) -> Change:
    def change(content: dict[str, bytes]) -> None:
        torch.save(((Ran(place),), {}), str(place) + ".pt")
        (inputs,) = (name for name in content if "sample_inputs/" in name or name == WHOLE["inputs"])
        content[inputs] = Path(f"{place}.pt").read_bytes()

    return change


def pickled_constant(place: Path) -> Change:
    def change(content: dict[str, bytes]) -> None:
        torch.save({"x": Ran(place)}, str(place) + ".pt")
        pickled = Path(f"{place}.pt").read_bytes()
        if WHOLE["constants"] in content:
            content[WHOLE["constants"]] = pickled
        else:
            content[_constants(content, "tensor_0") + "tensor_0"] = pickled

    return change


def pickled_object(place: Path) -> Change:
    def change(content: dict[str, bytes]) -> None:
        names = getattr(getattr(torch._C, "_export", None), "pt2_archive_constants", None)
        if not hasattr(names, "OPAQUE_OBJ_FILENAME_PREFIX"):
            pytest.skip("this torch keeps no opaque objects in an archive")
        # The names of an archive's files are found in capital letters, too.
        content[_constants(content, "opaque_obj_0") + "OPAQUE_obj_0"] = pickle.dumps(Ran(place))

    return change


def _constants(content: dict[str, bytes], name: str) -> str:
    """Name a pickled constant in an archive; return the folder for it."""
    (config,) = (file for file in content if file.endswith("constants_config.json"))
    meta = {"path_name": name, "is_param": False, "use_pickle": True, "tensor_meta": None}
    content[config] = json.dumps({"config": {"x": meta}}).encode()
    return config.rpartition("/")[0] + "/"


MAKERS = [pickled_weight, pickled_inputs, pickled_constant, pickled_object]


@pytest.mark.parametrize("make", MAKERS)
def test_a_pickle_in_an_exported_program_is_not_loaded(
    tmp_path: Path, exported: Path, make: Callable[[Path], Change]
) -> None:
    ran = tmp_path / "ran"
    path = changed(exported, tmp_path / "g.pt2", make(ran))
    with pytest.raises(DataError, match=r"g\.pt2 contains .* not loaded; export a program of tensors alone"):
        load_saved(path, "exported", 0, CPU)
    assert not ran.exists()


@pytest.mark.parametrize("make", MAKERS)
def test_those_pickles_do_run_where_nobody_refuses_them(
    tmp_path: Path, exported: Path, make: Callable[[Path], Change]
) -> None:
    ran = tmp_path / "ran"
    path = changed(exported, tmp_path / "g.pt2", make(ran))
    with contextlib.suppress(Exception):  # what they return is no tensor
        torch.export.load(path)
    assert ran.exists()


@pytest.mark.parametrize(
    "part",
    [
        "data/aotinductor/model/x.so", "data/mtia/model/x.bin", "data/executorch/model.pte",
        "data/constants/custom_obj_0", "data/constants/OPAQUE_obj_1",
    ],
)  # fmt: skip
def test_an_exported_program_with_objects_or_compiled_code_is_not_loaded(
    tmp_path: Path, exported: Path, part: str
) -> None:
    def change(content: dict[str, bytes]) -> None:
        if WHOLE["weights"] in content:
            pytest.skip("an archive of this torch has no place for compiled code")
        folder = next(iter(content)).partition("/")[0]
        content[f"{folder}/{part}"] = b"\x7fELF"

    path = changed(exported, tmp_path / "g.pt2", change)
    with pytest.raises(DataError, match=f"contains '{re.escape(part)}', an object or compiled code"):
        load_saved(path, "exported", 0, CPU)


def test_an_unchanged_program_loads_whatever_the_environment_says(
    tmp_path: Path, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    path = changed(exported, tmp_path / "g.pt2", lambda content: None)
    assert load_saved(path, "exported", 0, CPU).latent_dim == 6
    assert os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] == "1"
    assert TENSORS_ONLY not in os.environ
    with only_tensors(path, "g.pt2"):
        assert os.environ[TENSORS_ONLY] == "1"

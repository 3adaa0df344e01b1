"""Fingerprints: the same code gives the same, and a difference is named with both versions."""

import sys
from pathlib import Path

import pytest

from ganbench.executors.node import Node, Task
from ganbench.provenance.fingerprint import Fingerprint, Package, fingerprint
from ganbench.records.folder import TrialFolder
from tests.distribution import write_distribution


def test_a_machine_is_equal_to_itself_and_names_ganbench_and_torch() -> None:
    mine = fingerprint()
    assert mine.differences(fingerprint()) == []
    assert {"ganbench", "torch", "torch-fidelity"} <= set(mine.packages)
    assert len(mine.packages["ganbench"].code) == 12
    assert mine.python == f"{sys.version_info.major}.{sys.version_info.minor}"  # another patch computes the same
    assert Fingerprint.model_validate(mine.model_dump(mode="json")) == mine


def test_differences_name_the_package_and_both_sides() -> None:
    def machine(host: str, python: str = "3.11", **packages: Package) -> Fingerprint:
        return Fingerprint(host=host, python=python, packages=packages)

    here = machine("login", mine=Package(version="1.0", code="aa"), same=Package(version="3"))
    assert here.differences(machine("node7", mine=Package(version="2.0", code="aa"), same=Package(version="3"))) == [
        "mine is 1.0 on login and 2.0 on node7"
    ]
    assert here.differences(machine("node7", same=Package(version="3"))) == [
        "mine is 1.0 on login and missing on node7"
    ]
    more = here.model_copy(update={"host": "node7", "packages": here.packages | {"more": Package(version="5")}})
    assert here.differences(more) == ["more is missing on login and 5 on node7"]
    (edited,) = here.differences(machine("node7", mine=Package(version="1.0", code="bb"), same=Package(version="3")))
    assert edited == "mine is 1.0 on both login and node7, but its code differs (aa and bb)"
    assert here.differences(here.model_copy(update={"python": "3.12", "host": "node7"})) == [
        "Python is 3.11 on login and 3.12 on node7"
    ]


def test_an_edited_plugin_of_the_same_version_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "from ganbench import hookimpl\n\n@hookimpl\ndef register_losses(register):\n    register('mine', 'a:B')\n"
    write_distribution(tmp_path, "ganbench-mine", {"ganbench_edited_mine": source})
    deep = tmp_path / "ganbench_edited_mine" / "deep" / "core.py"
    deep.parent.mkdir(parents=True)
    deep.write_text("")
    (tmp_path / "ganbench_edited_mine.py").rename(tmp_path / "ganbench_edited_mine" / "__init__.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = fingerprint()
    assert before.packages["ganbench-mine"].version == "1.0"
    deep.write_text("# edited\n")
    (line,) = before.differences(fingerprint())
    assert line.startswith("ganbench-mine is 1.0 on both")
    monkeypatch.setenv("GANBENCH_DISABLE_PLUGINS", "ganbench-mine")
    assert "ganbench-mine" not in fingerprint().packages


def test_a_node_with_other_code_trains_nothing_and_says_why(tmp_path: Path) -> None:
    mine = fingerprint()
    other = mine.model_copy(update={"packages": mine.packages | {"ganbench-mine": Package(version="1.0")}})
    folder = TrialFolder(tmp_path / "trial")
    folder.write_status("pending")
    task = Task(
        executor="slurm", submission="x", packs=((str(folder.path),),), folder=str(tmp_path), device="cpu", threads=1,
        expected=other,
    )  # fmt: skip
    Node(task, 0, "slurm 1_0").run()
    status = folder.read_status()
    assert status["status"] == "failed"
    assert "ganbench-mine is 1.0 on" in str(status["reason"])
    assert not folder.starts.exists()


def test_a_node_leaves_alone_what_has_ended_or_is_to_stop_or_was_lost_too_often(tmp_path: Path) -> None:
    from ganbench.store.handed import ask_to_stop

    folders = {name: TrialFolder(tmp_path / name) for name in ("done", "stopped", "lost")}
    folders["done"].write_status("done")
    folders["stopped"].write_status("pending")
    ask_to_stop(folders["stopped"].path)
    folders["lost"].write_status("running")
    for _ in range(2):
        folders["lost"].append_start({"submission": "x"})
    task = Task(
        executor="slurm", submission="x", packs=(tuple(str(folder.path) for folder in folders.values()),),
        folder=str(tmp_path), device="cpu", threads=1, attempts=2, expected=fingerprint(),
    )  # fmt: skip
    Node(task, 0, "slurm 1_0").run()
    found = {name: folder.read_status() for name, folder in folders.items()}
    assert {name: status["status"] for name, status in found.items()} == {
        "done": "done", "stopped": "interrupted", "lost": "failed",
    }  # fmt: skip
    assert "lost 2 times" in str(found["lost"]["reason"])

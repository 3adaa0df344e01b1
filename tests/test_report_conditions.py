"""Under which conditions rows stand: what differs in their recipes, what their protocol says, where they ran."""

from pathlib import Path
from typing import Any

from ganbench.report.conditions import Surroundings, protocol_facts, recipes, settings_of, surroundings
from ganbench.spec import TrialSpec
from ganbench.store.results import read_rows
from ganbench.tables.grouping import build
from tests.rows import make_row
from tests.trials import LAPTOP, change_result, component, make_protocol, make_spec, trial


def found_in(*specs: TrialSpec) -> Any:
    (table,) = build([make_row(spec) for spec in specs])
    return recipes({f"r{place}": group for place, group in enumerate(table.groups)})


def test_settings_are_parted_into_those_that_differ_and_those_that_all_share() -> None:
    """A setting that one row does not have at all differs too."""
    penalised = component("wgan-gp", parameters={"lambda_gp": 10.0})
    found = found_in(make_spec("vanilla", n_critic=1), make_spec(penalised, n_critic=5))
    assert found.differing == ("n_critic", "loss.lambda_gp")
    assert found.values == {"r0": ("1", "–"), "r1": ("5", "10")}
    common = dict(found.common)
    assert common["steps"] == settings_of(make_spec())["steps"]
    assert not set(common) & set(found.differing)
    assert next(iter(found.common))[0] == next(iter(settings_of(make_spec())))


def test_of_one_row_nothing_differs() -> None:
    found = found_in(make_spec("vanilla"))
    assert (found.differing, found.values) == ((), {"r0": ()})
    assert dict(found.common) == settings_of(make_spec("vanilla"))


def test_parameters_are_named_after_whose_they_are_and_packages_come_last() -> None:
    spec = make_spec(component("hinge", parameters={"margin": 1.0}, plugin="ganbench-\x1b[1mx", version="2\n"))
    spec = spec.model_copy(
        update={
            "penalties": (component("r1", parameters={"gamma": 0.1}, plugin="b-plugin", version="0.3"),),
            "augmentations": (component("translation", parameters={"share": 0.5, "fill": "\x1b[1mgrey"}),),
            "architecture": component("dcgan", parameters={"width": 64, "residual": True}),
        }
    )
    found = settings_of(spec)
    assert list(found.items())[-9:] == [
        ("loss.margin", "1"), ("architecture.width", "64"), ("architecture.residual", "true"), ("r1.gamma", "0.1"),
        ("translation.share", "0.5"), ("translation.fill", "grey"), ("package b-plugin", "0.3"),
        ("package ganbench", "0.1"), ("package ganbench-x", "2"),
    ]  # fmt: skip


def test_a_protocol_says_what_it_has_and_its_key_last() -> None:
    protocol = make_protocol(make_spec(), located=True)
    facts = list(protocol_facts(protocol))
    assert facts == [
        ("dataset", "digits"),
        ("metrics", "fid, is"),
        ("samples", "1000 generated against 1437 of “train”"),
        ("reference", protocol.reference_fingerprint),
        ("training samples", protocol.training),
        ("extractor", "digits"),
        ("extractor’s weights", "cd" * 32),
        ("torch-fidelity", "0.4.0"),
        ("scored weights", protocol.weights),
        ("budget", protocol.budget),
        ("protocol", protocol.key),
    ]
    for labels, shares, told in (("balanced", "", "balanced"), ("own", "in shares\x1b[1m of 1 %", "in shares of 1 %")):
        conditional = protocol.model_copy(update={"labels": labels, "shares": shares})
        assert list(protocol_facts(conditional))[8] == ("labels", told)
    bare = protocol.model_copy(update={"extractor": "", "extractor_sha256": "", "training": ""})
    names = [name for name, _ in protocol_facts(bare)]
    assert names == [name for name, _ in facts if name not in ("training samples", "extractor’s weights")]
    assert dict(protocol_facts(bare))["extractor"] == "none"


def test_environments_are_counted_the_commonest_first(tmp_path: Path) -> None:
    """What is nested is told flat, what is not known is left out, and so is a trial that says nothing."""
    for seed in range(2):
        trial(tmp_path, "vanilla", seed, 1.0)
    elsewhere: dict[str, Any] = {
        "device_name": "A\x1b[1m100",
        "versions": {"torch": "2.9"},
        "gpus": None,
        "fast": False,
    }
    for seed in range(4):
        folder = trial(tmp_path, "hinge", seed, 1.0, elsewhere)
        change_result(folder, determinism={"statement": "on this device"})
    trial(tmp_path, "lsgan", 0, 1.0, {"device_name": "B"})
    change_result(trial(tmp_path, "wgan", 0, 1.0, {}), determinism=None)
    change_result(trial(tmp_path, "real", 0, 0.1, LAPTOP, baseline="real"), determinism={"statement": None})
    (table,) = build(read_rows(tmp_path)[0])
    others = (("device name", "A100"), ("fast", "false"), ("torch", "2.9"), ("repeatable", "on this device"))
    laptop = (("device", "cpu"), ("device name", "Laptop"), ("threads", "1"), ("torch", "2.9"))
    assert list(surroundings(table)) == [
        Surroundings(4, others),
        Surroundings(3, laptop),
        Surroundings(1, (("device name", "B"),)),
    ]

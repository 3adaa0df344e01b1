"""A protocol: one key exactly where all is equal, one sentence that says all."""

from typing import Any

import pytest

from ganbench.protocol import Protocol, protocol_of
from tests.trials import component, make_protocol, make_spec


def protocol(**changes: Any) -> Protocol:
    fields: dict[str, Any] = {
        "dataset": "digits",
        "metrics": ("fid", "is"),
        "fidelity": "0.4.0",
        "extractor": "digits",
        "extractor_sha256": "abcdef0123",
        "reference": "test",
        "reference_fingerprint": "0123456789",
        "reference_size": 297,
        "num_samples": 297,
        "weights": "last",
        "budget": "2000 generator updates of 64",
    }
    return Protocol(**(fields | changes))


OTHER_PROTOCOL: dict[str, Any] = {
    "dataset": "mnist",
    "metrics": ("fid",),
    "fidelity": "0.5.0",
    "extractor": "inception",
    "extractor_sha256": "x",
    "reference": "train",
    "reference_fingerprint": "y",
    "reference_size": 298,
    "num_samples": 298,
    "weights": "last-ema",
    "budget": "1 generator update of 64",
    "labels": "balanced",
    "training": "z",
    "shares": "in some shares",
}


def test_whatever_changes_a_protocol_changes_its_key() -> None:
    assert set(OTHER_PROTOCOL) == set(Protocol.model_fields)
    keys = {protocol(**{field: value}).key for field, value in OTHER_PROTOCOL.items()}
    assert len(keys | {protocol().key}) == len(OTHER_PROTOCOL) + 1
    assert protocol().key == protocol().key


def test_a_baseline_shares_the_measure_but_not_the_key() -> None:
    baseline = protocol(weights="none", budget="untrained")
    assert baseline.key != protocol().key
    assert baseline.measure == protocol().measure
    for field in set(OTHER_PROTOCOL) - {"weights", "budget", "labels", "shares"}:
        assert protocol(**{field: OTHER_PROTOCOL[field]}).measure != protocol().measure


def test_the_sentence_names_everything_a_reader_needs() -> None:
    text = protocol().sentence()
    for part in ("digits", "297 fakes", "297 test", "01234567", "abcdef01", "torch-fidelity 0.4.0", "last weights",
                 "2000 generator updates", protocol().key):  # fmt: skip
        assert part in text
    assert "folder:photos" not in protocol().sentence("folder:photos")  # its own name says what it is
    assert protocol(training="z").sentence("folder:photos").startswith("folder:photos: 297 fakes")
    assert "no extractor" in protocol(extractor="", extractor_sha256="").sentence()
    assert "297 fakes with balanced labels against" in protocol(labels="balanced").sentence()
    assert "297 fakes with labels of their own against" in protocol(labels="own").sentence()
    assert (
        "with labels of their own (in some shares) against"
        in protocol(labels="own", shares="in some shares").sentence()
    )


@pytest.mark.parametrize("field", ["training", "shares"])
def test_what_later_versions_added_changes_no_key_where_it_says_nothing(field: str) -> None:
    assert field not in protocol().model_dump()
    said = protocol(**{field: "z"})
    assert said.model_dump()[field] == "z"
    assert Protocol(**said.model_dump()) == said


def test_samples_from_elsewhere_stand_beside_fakes_with_their_labels_whatever_the_budget() -> None:
    others: list[dict[str, Any]] = [
        {"labels": "own"},
        {"labels": "own", "shares": "in some shares"},
        {"num_samples": 298},
    ]
    assert len({protocol(**changes).fakes for changes in ({}, *others)}) == len(others) + 1
    assert protocol(weights="none", budget="not known").fakes == protocol().fakes


def test_metrics_and_extractors_of_other_packages_are_named_with_their_package() -> None:
    """Of two packages, two metrics of one name do not rank together; what is built in is named as ever."""
    spec = make_spec()
    evaluation = spec.evaluation
    ours = protocol_of(spec, "0.4.0")
    assert ours == make_protocol(spec)
    assert protocol_of(spec, "0.4.0", located=True) == make_protocol(spec, located=True)
    other = component("fid", label="fid[groups=0]", plugin="ganbench-dup")
    network = component("digits", plugin="ganbench-dup")
    for changes, field, named in (
        ({"metrics": (other, *evaluation.metrics[1:])}, "metrics", ("ganbench-dup:fid[groups=0]", "is")),
        ({"extractor": network}, "extractor", "ganbench-dup:digits"),
    ):
        changed = spec.model_copy(update={"evaluation": evaluation.model_copy(update=changes)})
        theirs = protocol_of(changed, "0.4.0")
        assert getattr(theirs, field) == named
        assert theirs.key != ours.key
        assert theirs.measure != ours.measure


def test_the_budget_is_the_updates_of_the_generator() -> None:
    assert protocol_of(make_spec(steps=100, batch_size=8), "0.4.0").budget == "100 generator updates of 8"
    several = make_spec(steps=50, batch_size=8, n_generator=2)
    assert protocol_of(several, "0.4.0").budget == "100 generator updates of 8"

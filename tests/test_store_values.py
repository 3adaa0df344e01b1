"""How values are read, and what of that is written down."""

from ganbench.store.values import ValueInfo, values_in_order
from tests.rows import FID
from tests.trials import make_spec


def test_what_is_not_known_is_left_out_and_all_else_is_written() -> None:
    """Boards from before a field was there keep their hashes."""
    older = {"label": "FID", "direction": None, "decimals": 2, "percent": False}
    assert ValueInfo(label="FID").model_dump() == older
    known = ValueInfo(label="FID", place=0, metric="fid").model_dump()
    assert known == {**older, "place": 0, "metric": "fid"}
    assert ValueInfo.model_validate(known).model_dump() == known


def test_a_value_belongs_to_the_metric_whose_name_is_the_longest_that_fits() -> None:
    spec, ordered = make_spec(metrics=("precision-recall", "precision")), ["precision_recall_z", "precision_a"]
    assert list(values_in_order(dict.fromkeys(reversed(ordered), FID), spec)) == ordered


def test_places_of_which_some_are_missing_are_no_order() -> None:
    values = {"is": FID.model_copy(update={"place": 0}), "fid": FID}
    assert list(values_in_order(values, make_spec(metrics=("fid", "is")))) == ["fid", "is"]

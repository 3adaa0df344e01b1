"""How values are read, and what of that is written down."""

from ganbench.store.values import ValueInfo


def test_what_is_not_known_is_left_out_and_all_else_is_written() -> None:
    """Boards from before a field was there keep their hashes."""
    older = {"label": "FID", "direction": None, "decimals": 2, "percent": False}
    assert ValueInfo(label="FID").model_dump() == older
    known = ValueInfo(label="FID", place=0, metric="fid").model_dump()
    assert known == {**older, "place": 0, "metric": "fid"}
    assert ValueInfo.model_validate(known).model_dump() == known

"""Changes that a gate would notice, or not, but that no result can have."""

import pytest

from ganbench.errors import UsageError
from ganbench.leaderboard.margin import Margin
from ganbench.leaderboard.power import power
from ganbench.store.values import ValueInfo
from tests.rows import FID, IS, make_row
from tests.trials import make_spec

PERCENT = ValueInfo(label="share", direction="higher", decimals=1, percent=True)
SHARE = ValueInfo(label="copied", direction="lower", decimals=1, percent=True)


@pytest.mark.parametrize("score", [0.0, 8.0])
def test_a_margin_that_the_gate_refuses_is_refused_of_scores_without_spread_too(score: float) -> None:
    rows = [make_row(make_spec(seed=i), values={"x": IS}, metrics={"x": score}) for i in range(3)]
    with pytest.raises(UsageError, match=r"--margin 100 % of IS, of which more is better, would accept any score"):
        power(rows, margin=Margin(1.0, True), draws=2)


@pytest.mark.parametrize(
    ("info", "scores", "margin", "shown", "left_out"),
    [
        (IS, (8.0, 8.02), Margin(3.0, False), ["5.01", "2.01"], "3 margins worse, IS would be below 0, where none"),
        (IS, (8.0, 8.02), Margin(0.4, True), ["4.81", "1.60"], "3 margins worse, IS would be below 0, where none"),
        (IS, (8.0, -0.1), Margin(3.0, False), ["0.95", "-2.05", "-5.05"], ""),  # it can be negative: one is
        (PERCENT, (0.3, 0.3), Margin(10.0, False), ["20.0", "10.0", "0.0"], ""),  # but for rounding
        (PERCENT, (0.1, 0.1), Margin(6.0, False), ["4.0"], "2 and 3 margins worse, share would be below 0"),
        (PERCENT, (0.02, 0.0), Margin(0.0, False), [], "1, 2 and 3 σ worse, share would be below 0"),
        (SHARE, (0.9, 0.9), Margin(6.0, False), ["96.0"], "2 and 3 margins worse, copied would be above 100 %; left"),
        (SHARE, (1.0, 1.0), Margin(6.0, False), [], "1, 2 and 3 margins worse, copied would be above 100 %; left"),
        (SHARE, (0.9, 1.1), Margin(6.0, False), ["106.0", "112.0", "118.0"], ""),  # no share after all
        (FID, (0.9, 1.1), Margin(6.0, False), ["7.00", "13.00", "19.00"], ""),
        (FID, (-1.0, 1.0), Margin(0.0, True), ["1.41", "2.83", "4.24"], ""),  # by σ, whatever the mean is
    ],
)
def test_no_change_is_to_a_score_that_cannot_be(
    info: ValueInfo, scores: tuple[float, ...], margin: Margin, shown: list[str], left_out: str
) -> None:
    rows = [make_row(make_spec(seed=i), values={"x": info}, metrics={"x": score}) for i, score in enumerate(scores)]
    found, caveats = power(rows, margin=margin, draws=2)
    assert [chance.change.partition(" to ")[2].split()[0] for chance in found[1:]] == shown
    told = [caveat for caveat in caveats if "left out" in caveat]
    assert [left_out in caveat for caveat in told] == ([True] if left_out else [])

"""Scores that the tests of statistics draw, and the one of a seed that diverged."""

import math

from hypothesis import strategies as st

INF = math.inf
scores = st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 2)), min_size=1, max_size=6)

"""Tests, one file per module; `tests.faults` and `tests.fuzz` also run by themselves."""

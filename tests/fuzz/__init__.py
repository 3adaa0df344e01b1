"""Generated inputs: ``python -m tests.fuzz --inputs 20000``. The short form is in ``tests/test_fuzz.py``."""

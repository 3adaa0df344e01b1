"""What a run survives: ``python -m tests.faults --kills 200 --grid``. The short form is in ``tests/test_faults.py``."""

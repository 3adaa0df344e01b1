"""Training: the loop and what changes while it runs."""

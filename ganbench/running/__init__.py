"""A grid of trials run to its end, on the host."""

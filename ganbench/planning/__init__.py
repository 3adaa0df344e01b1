"""From what was asked for to its trials, on the host."""

"""A folder of trials on the host: looked up, leased, read as rows, pruned, verified."""

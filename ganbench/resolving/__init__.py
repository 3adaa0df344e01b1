"""The worker's answer to a plan: data read, pairs checked, recipes resolved."""

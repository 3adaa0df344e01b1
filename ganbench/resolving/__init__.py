"""The worker's answer to a plan: components built, data read, pairs checked, recipes resolved."""

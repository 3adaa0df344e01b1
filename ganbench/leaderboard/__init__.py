"""Leaderboards: results of one or many contributors in one file, pages made from it, and a gate for CI."""

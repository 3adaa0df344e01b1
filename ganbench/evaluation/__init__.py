"""Scoring generated samples: sampling, features extracted once, references cached, metrics."""

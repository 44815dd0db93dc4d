"""Judging and learning series of metrics."""

"""Findings held against labels: what was found, how soon, and what was cried over nothing."""

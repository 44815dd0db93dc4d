"""Anomalies with one cause: grouping, severity, lifecycle, words."""

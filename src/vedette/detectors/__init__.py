"""Detectors look at requests, flows or windows and state anomalies."""

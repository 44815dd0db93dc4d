"""Detectors that judge a closed window: by its baselines, or by what single clients did in it."""

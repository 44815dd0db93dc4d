"""Detectors that learn what a site's own traffic looks like: models, fitted, checked, then put to work."""

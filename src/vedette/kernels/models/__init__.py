"""Learned models: fitted and scored."""

"""Compiled loops over bytes and columns, and nothing else."""

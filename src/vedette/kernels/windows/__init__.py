"""Rows of batches into windows, and what several windows say together."""

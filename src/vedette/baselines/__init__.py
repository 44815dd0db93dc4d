"""What is normal for each metric of each entity, and how rare a window is under it.

NumPy only: no I/O, no clock, no randomness.
"""

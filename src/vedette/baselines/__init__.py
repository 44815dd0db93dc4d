"""What is normal for each metric of each entity, and how rare a window is under it.

No I/O, no clock, no randomness. The arithmetic of judging and learning is in `vedette.kernels.baselines.baseline`.
"""

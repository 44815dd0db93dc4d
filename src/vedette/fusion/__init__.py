"""Several opinions on one thing made one: each calibrated to evidence, the evidence added up in log-odds."""

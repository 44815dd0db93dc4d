"""An anomaly's arithmetic, and its words."""

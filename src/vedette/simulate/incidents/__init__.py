"""What can go wrong on the simulated site, one class per incident, by name in `catalogue`."""

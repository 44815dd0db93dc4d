"""Records of flows, and who did what by them."""

"""What looks at windows of flows: scans, floods, loss, tunnels, and volumes against their baselines."""

"""From the bytes of one log format to columns of requests."""

"""Lines of logs: unwrapped, split into fields, and what fields of requests are worth."""

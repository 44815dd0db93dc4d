"""The HTTP service: what the running engine and the store say, over HTTP."""

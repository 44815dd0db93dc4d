"""The HTTP service: what is found, over an API, as pages and as metrics."""

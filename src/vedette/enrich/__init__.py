"""From what a log records to what detectors reason about: client, route, user agent, service."""

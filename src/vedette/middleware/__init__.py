"""Middleware that records an application's requests: three lines in a FastAPI, Django or Flask application.

It imports the standard library alone, and is invisible when it fails.
"""

from vedette.middleware.asgi import VedetteASGI
from vedette.middleware.django import vedette_route
from vedette.middleware.embedded import Embedded
from vedette.middleware.ship import Ship
from vedette.middleware.sink import Counts, Sink
from vedette.middleware.wsgi import VedetteWSGI

__all__ = ["Counts", "Embedded", "Ship", "Sink", "VedetteASGI", "VedetteWSGI", "vedette_route"]

"""The HTTP service as one ASGI application."""

import inspect

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from vedette import __version__
from vedette.config.server import Server
from vedette.live.view import LiveView
from vedette.server.answer import Answer
from vedette.server.direct import Direct
from vedette.server.gate import Gate, check_keys
from vedette.server.keyring import Keyring
from vedette.server.metrics import Exposition, ServiceCollector, Traffic
from vedette.server.parameters import refuse_unknown
from vedette.server.problem import handle
from vedette.server.rooms import Clock, Rooms
from vedette.server.routes import (
    anomalies,
    baselines,
    configuration,
    detecting,
    events,
    everyday,
    forecasts,
    health,
    incidents,
    metrics,
    pages,
    pushing,
    silences,
)
from vedette.storage.live import LiveStore

ROUTES = (
    health.banner,
    health.health,
    health.status,
    detecting.detect,
    detecting.detect_batch,
    anomalies.anomalies,
    anomalies.anomaly,
    anomalies.resolve,
    anomalies.false_positive,
    anomalies.stats,
    anomalies.weights,
    everyday.everyday,
    incidents.incidents,
    incidents.incident,
    incidents.windows,
    pages.report,
    pages.incident_report,
    baselines.baselines,
    baselines.baselines_of_service,
    forecasts.forecast,
    configuration.configuration,
    configuration.configure,
    silences.silences,
    silences.silence,
    silences.unsilence,
    silences.notifications,
    events.events,
    pushing.ingest,
    pushing.loki_push,
    pushing.otlp_logs,
    metrics.metrics,
)
"""Everything that can be asked."""


def create_app(
    view: LiveView,
    store: LiveStore,
    settings: Server,
    clock: Clock,
) -> Gate:
    """The application.

    Args:
        view: The running service. store: Where findings and keys are kept.
        settings: Section `server` of the configuration.
        clock: Now, microseconds since the epoch, UTC.

    Raises:
        NoKeysError: Callers would need a key, and there is none.
    """
    rooms = Rooms(view, store, settings, clock)
    check_keys(rooms)
    traffic = Traffic()
    return Gate(Direct(rooms, routed(rooms, traffic)), rooms, Keyring(store, clock), traffic)


def routed(rooms: Rooms, traffic: Traffic) -> Litestar:
    """The routes, without the gate before them."""
    watchers = events.Watchers(rooms.settings.limits.event_clients)
    collector = ServiceCollector(rooms, traffic, lambda: watchers.count)
    return Litestar(
        [_described(route) for route in ROUTES],
        dependencies={"rooms": Provide(lambda: rooms, sync_to_thread=False, use_cache=True)},
        guards=[refuse_unknown],
        exception_handlers={Exception: handle},
        response_class=Answer,
        openapi_config=_openapi(),
        # The gate limits bodies, by what they are.
        request_max_body_size=None,
        logging_config=None,
        debug=False,
        state=State({"rooms": rooms, "watchers": watchers, "exposition": Exposition(collector)}),
    )


def _described(route: HTTPRouteHandler) -> HTTPRouteHandler:
    """A route with its docstring for description: the framework loses those of functions that it runs in threads."""
    function = getattr(route.fn, "func", route.fn)
    route.description = inspect.getdoc(function)
    return route


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Vedette",
        version=__version__,
        description=(
            "What a running `vedette serve` says, and takes in. Errors are `application/problem+json` (RFC 9457). "
            "Times are ISO 8601, UTC. Paths of the admin API answer without their prefix too: `/anomalies`."
        ),
        path="/schema",
        render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],
        components=Components(
            security_schemes={
                "key": SecurityScheme(type="http", scheme="bearer"),
                "header": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
                "password": SecurityScheme(type="http", scheme="basic"),
            }
        ),
        security=[{}, {"key": []}, {"header": []}, {"password": []}],
    )

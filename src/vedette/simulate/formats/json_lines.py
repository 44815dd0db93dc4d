"""Formats with one JSON object per line."""

from abc import ABC, abstractmethod
from datetime import datetime

import numpy as np

from vedette.simulate.draws import Ints
from vedette.simulate.formats import escapes
from vedette.simulate.rows import SECOND
from vedette.simulate.view import Column, View, iso_second

_REASONS = {
    404: b"via_upstream",
    503: b"upstream_reset_before_response_started{connection_failure}",
    504: b"upstream_response_timeout",
}


class _JsonLines(ABC):
    timestamp = "start"
    names_service = True
    template = b""

    def header(self, start: datetime) -> list[bytes]:  # noqa: ARG002 - no header
        """None."""
        return []

    def escape(self, text: bytes) -> bytes:
        """As JSON wants it."""
        return escapes.json_string(text)

    @abstractmethod
    def columns(self, view: View) -> tuple[Column | list[int] | list[float], ...]:
        """What the template takes, in its order: one list per `%`, one element per row."""

    def lines(self, view: View) -> list[bytes]:
        """One line per row."""
        return list(map(self.template.__mod__, zip(*self.columns(view), strict=True)))


def milliseconds_of(times: Ints) -> list[int]:
    """The milliseconds within each time's second."""
    values: list[int] = (times // 1000 % 1000).tolist()
    return values


def duration_ms(view: View) -> list[int]:
    """Durations in whole milliseconds."""
    values: list[int] = (view.rows["duration"] // 1000).tolist()
    return values


def response_flags(view: View) -> Column:
    """What Envoy says of a failed response."""
    flags = {502: b"UPE", 503: b"UF", 504: b"UT", 429: b"RL"}
    return [flags.get(status, b"-") for status in view.numbers("status")]


def response_details(view: View) -> Column:
    """Where Envoy's response came from."""
    return [_REASONS.get(status, b"via_upstream") for status in view.numbers("status")]


class EnvoyJson(_JsonLines):
    """The key set of many Envoy gateways: times in ISO 8601, duration in milliseconds."""

    name = "envoy-json"
    template = (
        b'{"start_time":"%b.%03dZ","method":"%b","path":"%b","protocol":"%b","response_code":%d,'
        b'"response_code_details":"%b","bytes_received":%d,"bytes_sent":%d,"duration":%d,"client_ip":"%b",'
        b'"user_agent":"%b","service_name":"%b"}'
    )

    def columns(self, view: View) -> tuple[Column | list[int] | list[float], ...]:
        """In the template's order."""
        start = view.rows["start"]
        return (
            view.per_second(start, iso_second),
            milliseconds_of(start),
            view.methods,
            view.targets,
            view.protocols,
            view.numbers("status"),
            response_details(view),
            view.numbers("bytes_in"),
            view.numbers("size"),
            duration_ms(view),
            view.clients,
            view.agents,
            view.services,
        )


class IstioJson(_JsonLines):
    """Istio's default access log with `accessLogEncoding: JSON`."""

    name = "istio-json"
    template = (
        b'{"authority":"%b","bytes_received":%d,"bytes_sent":%d,"connection_termination_details":null,'
        b'"downstream_local_address":"10.42.0.17:8443","downstream_remote_address":"%b:%d","duration":%d,'
        b'"method":"%b","path":"%b","protocol":"%b","request_id":"%b","requested_server_name":null,'
        b'"response_code":%d,"response_code_details":"%b","response_flags":"%b","route_name":"default",'
        b'"start_time":"%b.%03dZ","upstream_cluster":"%b","upstream_host":"10.42.1.%d:8080",'
        b'"upstream_local_address":"10.42.0.17:41822","upstream_service_time":"%d",'
        b'"upstream_transport_failure_reason":null,"user_agent":"%b","x_forwarded_for":"%b"}'
    )

    def columns(self, view: View) -> tuple[Column | list[int] | list[float], ...]:
        """In the template's order."""
        start = view.rows["start"]
        gateway = [b"10.42.0.1"] * len(view)
        return (
            view.services,
            view.numbers("bytes_in"),
            view.numbers("size"),
            gateway,
            view.ports,
            duration_ms(view),
            view.methods,
            view.targets,
            view.protocols,
            view.request_ids,
            view.numbers("status"),
            response_details(view),
            response_flags(view),
            view.per_second(start, iso_second),
            milliseconds_of(start),
            view.per_service(b"outbound|8080||%b.default.svc.cluster.local"),
            [20 + p % 3 for p in view.ports],
            [max(0, ms - 1) for ms in duration_ms(view)],
            view.agents,
            view.clients,
        )


class TraefikJson(_JsonLines):
    """Traefik's JSON access log, with the User-Agent and Referer headers kept; durations in nanoseconds."""

    name = "traefik-json"
    template = (
        b'{"ClientAddr":"%b","ClientHost":"%b","ClientPort":"%d","ClientUsername":"-","DownstreamContentSize":%d,'
        b'"DownstreamStatus":%d,"Duration":%d,"OriginContentSize":%d,"OriginDuration":%d,"OriginStatus":%d,'
        b'"Overhead":%d,"RequestAddr":"%b","RequestContentSize":%d,"RequestCount":%d,"RequestHost":"%b",'
        b'"RequestMethod":"%b","RequestPath":"%b","RequestPort":"-","RequestProtocol":"%b","RequestScheme":"https",'
        b'"RetryAttempts":0,"RouterName":"%b","ServiceAddr":"10.42.1.21:8080","ServiceName":"%b",'
        b'"StartUTC":"%b.%06d000Z","entryPointName":"websecure","level":"info","msg":"","request_Referer":"%b",'
        b'"request_User-Agent":"%b","time":"%bZ"}'
    )

    def columns(self, view: View) -> tuple[Column | list[int] | list[float], ...]:
        """In the template's order."""
        start, size, status = view.rows["start"], view.numbers("size"), view.numbers("status")
        nanoseconds = view.rows["duration"] * 1000
        overhead = 40_000 + nanoseconds % 30_000
        addresses = [
            b"[%b]:%d" % (c, p) if b":" in c else b"%b:%d" % (c, p)
            for c, p in zip(view.clients, view.ports, strict=True)
        ]
        return (
            addresses,
            view.clients,
            view.ports,
            size,
            status,
            nanoseconds.tolist(),
            size,
            (nanoseconds - overhead).clip(0).tolist(),
            status,
            overhead.tolist(),
            view.services,
            view.numbers("bytes_in"),
            list(range(view.first_line, view.first_line + len(view))),
            view.services,
            view.methods,
            view.targets,
            view.protocols,
            view.per_service(b"%b@docker"),
            view.services,
            view.per_second(start, iso_second),
            (start % SECOND).tolist(),
            view.referers,
            view.agents,
            view.per_second(view.ends, iso_second),
        )


class Caddy(_JsonLines):
    """Caddy's JSON access log: `ts` in seconds when the request ended, duration in seconds."""

    name = "caddy-json"
    timestamp = "end"
    template = (
        b'{"level":"info","ts":%d.%06d,"logger":"http.log.access.log0","msg":"handled request","request":'
        b'{"remote_ip":"%b","remote_port":"%d","client_ip":"%b","proto":"%b","method":"%b","host":"%b","uri":"%b",'
        b'"headers":{"User-Agent":["%b"],"Referer":["%b"],"Accept":["*/*"]},"tls":{"resumed":false,"version":772,'
        b'"cipher_suite":4865,"proto":"h2","server_name":"%b"}},"bytes_read":%d,"user_id":"","duration":%d.%06d,'
        b'"size":%d,"status":%d,"resp_headers":{"Server":["Caddy"]}}'
    )

    def columns(self, view: View) -> tuple[Column | list[int] | list[float], ...]:
        """In the template's order."""
        end, duration = view.ends, view.rows["duration"]
        return (
            (end // SECOND).tolist(),
            (end % SECOND).tolist(),
            view.clients,
            view.ports,
            view.clients,
            view.protocols,
            view.methods,
            view.services,
            view.targets,
            view.agents,
            view.referers,
            view.services,
            view.numbers("bytes_in"),
            (duration // SECOND).tolist(),
            (duration % SECOND).tolist(),
            view.numbers("size"),
            view.numbers("status"),
        )


class PlainJson(_JsonLines):
    """JSON lines with keys named after nginx's variables; duration in seconds."""

    name = "nginx-json"
    timestamp = "end"
    template = (
        b'{"timestamp":"%b.%03dZ","remote_addr":"%b","request_method":"%b","request_uri":"%b",'
        b'"server_protocol":"%b","status":%d,"body_bytes_sent":%d,"request_time":%b,"http_referer":"%b",'
        b'"http_user_agent":"%b","host":"%b"}'
    )

    def columns(self, view: View) -> tuple[Column | list[int] | list[float], ...]:
        """In the template's order."""
        duration = np.asarray(view.rows["duration"])
        seconds = [b"%d.%06d" % divmod(d, SECOND) for d in duration.tolist()]
        return (
            view.per_second(view.ends, iso_second),
            milliseconds_of(view.ends),
            view.clients,
            view.methods,
            view.targets,
            view.protocols,
            view.numbers("status"),
            view.numbers("size"),
            seconds,
            view.referers,
            view.agents,
            view.services,
        )

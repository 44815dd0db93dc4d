"""Text formats of proxies and load balancers."""

from datetime import datetime

from vedette.simulate.formats import escapes
from vedette.simulate.formats.clf import Common, clf_sizes
from vedette.simulate.formats.json_lines import duration_ms, milliseconds_of, response_flags
from vedette.simulate.rows import SECOND
from vedette.simulate.view import Column, View, clf_local_time, clf_time, iso_second, syslog_time


class Envoy:
    """Envoy's default format string; times are those at which requests began."""

    name = "envoy"
    names_service = True
    timestamp = "start"

    def header(self, start: datetime) -> list[bytes]:  # noqa: ARG002 - no header
        """None."""
        return []

    def escape(self, text: bytes) -> bytes:
        """Quotes and what does not print come percent-encoded from the client, or not at all."""
        return escapes.percent(text, keep=" ")

    def lines(self, view: View) -> list[bytes]:
        """One line per row."""
        template = b'[%b.%03dZ] "%b %b %b" %d %b %d %d %d %d "%b" "%b" "%b" "%b" "10.42.1.21:8080"'
        start, milliseconds = view.rows["start"], duration_ms(view)
        columns = (
            view.per_second(start, iso_second),
            milliseconds_of(start),
            view.methods,
            view.targets,
            view.protocols,
            view.numbers("status"),
            response_flags(view),
            view.numbers("bytes_in"),
            view.numbers("size"),
            milliseconds,
            [max(0, ms - 1) for ms in milliseconds],
            view.clients,
            view.agents,
            view.request_ids,
            view.services,
        )
        return list(map(template.__mod__, zip(*columns, strict=True)))


class HAProxy:
    """HAProxy's HTTP log behind a syslog header, as a file written by rsyslog has it; no captured headers."""

    name = "haproxy"
    names_service = True
    timestamp = "start"

    def header(self, start: datetime) -> list[bytes]:  # noqa: ARG002 - no header
        """None."""
        return []

    def escape(self, text: bytes) -> bytes:
        """`#` and two hexadecimal digits for quotes, `#`-signs and what does not print."""
        return b"".join(b"#%02X" % c if c < 33 or c > 126 or c in b'"#{|}' else bytes((c,)) for c in text)

    def lines(self, view: View) -> list[bytes]:
        """One line per row."""
        template = (
            b"%b lb1 haproxy[1842]: %b:%d [%b.%03d] https~ %b/app%d 0/0/1/%d/%d %d %d - - ---- "
            b'%d/%d/%d/%d/0 0/0 "%b %b %b"'
        )
        start, milliseconds, ports = view.rows["start"], duration_ms(view), view.ports
        connections = [4 + p % 40 for p in ports]
        columns = (
            view.per_second(view.ends, syslog_time),
            view.clients,
            ports,
            view.per_second(start, clf_local_time),
            milliseconds_of(start),
            view.services,
            [1 + p % 3 for p in ports],
            [max(0, ms - 1) for ms in milliseconds],
            milliseconds,
            view.numbers("status"),
            view.numbers("size"),
            connections,
            connections,
            [c // 2 for c in connections],
            [c // 4 for c in connections],
            view.methods,
            view.targets,
            view.protocols,
        )
        return list(map(template.__mod__, zip(*columns, strict=True)))


class TraefikClf(Common):
    """Traefik's own extension of the Common Log Format; duration in milliseconds."""

    name = "traefik-clf"

    def lines(self, view: View) -> list[bytes]:
        """One line per row."""
        template = b'%b - - [%b] "%b %b %b" %d %b "%b" "%b" %d "%b" "http://10.42.1.21:8080" %dms'
        columns = (
            view.clients,
            view.per_second(view.ends, clf_time),
            view.methods,
            view.targets,
            view.protocols,
            view.numbers("status"),
            clf_sizes(view),
            view.referers,
            view.agents,
            list(range(view.first_line, view.first_line + len(view))),
            view.per_service(b"%b@docker"),
            duration_ms(view),
        )
        return list(map(template.__mod__, zip(*columns, strict=True)))


class Alb:
    """AWS Application Load Balancer: times are those at which responses were sent."""

    name = "aws-alb"
    names_service = True
    timestamp = "end"

    def header(self, start: datetime) -> list[bytes]:  # noqa: ARG002 - no header
        """None."""
        return []

    def escape(self, text: bytes) -> bytes:
        """Percent-encoded where it does not print."""
        return escapes.percent(text, keep=" ")

    def lines(self, view: View) -> list[bytes]:
        """One line per row."""
        template = (
            b"h2 %b.%06dZ app/shop-lb/50dc6c495c0c9188 %b 10.0.1.12:8080 0.000 %d.%03d 0.000 %d %d %d %d "
            b'"%b https://%b:443%b %b" "%b" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 '
            b"arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop/73e2d6bc24d8a067 "
            b'"Root=1-%b" "%b" "arn:aws:acm:eu-central-1:123456789012:certificate/1234-12-12-12-1234" '
            b'0 %b.%06dZ "forward" "-" "-" "10.0.1.12:8080" "%d" "-" "-" TID_%b'
        )
        start, end, status = view.rows["start"], view.ends, view.numbers("status")
        milliseconds = view.rows["duration"] // 1000
        ids = view.request_ids
        columns = (
            view.per_second(end, iso_second),
            (end % SECOND).tolist(),
            _endpoints(view),
            (milliseconds // 1000).tolist(),
            (milliseconds % 1000).tolist(),
            status,
            status,
            view.numbers("bytes_in"),
            view.numbers("size"),
            view.methods,
            view.services,
            view.targets,
            view.protocols,
            view.agents,
            [i[:8] + b"-" + i[9:13] + i[14:18] + i[24:] for i in ids],
            view.services,
            view.per_second(start, iso_second),
            (start % SECOND).tolist(),
            status,
            [i.replace(b"-", b"") for i in ids],
        )
        return list(map(template.__mod__, zip(*columns, strict=True)))


def _endpoints(view: View) -> Column:
    return [
        b"[%b]:%d" % (client, port) if b":" in client else b"%b:%d" % (client, port)
        for client, port in zip(view.clients, view.ports, strict=True)
    ]

"""Apache's and nginx's formats."""

from datetime import datetime

from vedette.simulate.formats import escapes
from vedette.simulate.view import Column, View, clf_time


class Common:
    """`%h %l %u %t "%r" %>s %b`."""

    name = "common"
    names_service = False
    timestamp = "end"

    def header(self, start: datetime) -> list[bytes]:  # noqa: ARG002 - no header
        """None."""
        return []

    def escape(self, text: bytes) -> bytes:
        """As Apache does."""
        return escapes.apache(text)

    def lines(self, view: View) -> list[bytes]:
        """One line per row."""
        template = b'%b - - [%b] "%b %b %b" %d %b'
        return list(map(template.__mod__, zip(*_request_columns(view), clf_sizes(view), strict=True)))


class Combined(Common):
    """Common with `"%{Referer}i" "%{User-Agent}i"`."""

    name = "combined"

    def lines(self, view: View) -> list[bytes]:
        """One line per row."""
        template = b'%b - - [%b] "%b %b %b" %d %b "%b" "%b"'
        columns = (*_request_columns(view), clf_sizes(view), view.referers, view.agents)
        return list(map(template.__mod__, zip(*columns, strict=True)))


class VhostCombined(Common):
    """Combined behind `%v:%p`."""

    name = "vhost_combined"
    names_service = True

    def lines(self, view: View) -> list[bytes]:
        """One line per row."""
        template = b'%b %b - - [%b] "%b %b %b" %d %b "%b" "%b"'
        columns = (
            view.per_service(b"%b:443"),
            *_request_columns(view),
            clf_sizes(view),
            view.referers,
            view.agents,
        )
        return list(map(template.__mod__, zip(*columns, strict=True)))


class Nginx(Common):
    """nginx's `combined` with `$request_time` (seconds, milliseconds resolution) at the end."""

    name = "nginx-timed"

    def escape(self, text: bytes) -> bytes:
        """As nginx does."""
        return escapes.nginx(text)

    def lines(self, view: View) -> list[bytes]:
        """One line per row."""
        template = b'%b - - [%b] "%b %b %b" %d %d "%b" "%b" %d.%03d'
        milliseconds = view.rows["duration"] // 1000
        columns = (
            *_request_columns(view),
            view.numbers("size"),
            view.referers,
            view.agents,
            (milliseconds // 1000).tolist(),
            (milliseconds % 1000).tolist(),
        )
        return list(map(template.__mod__, zip(*columns, strict=True)))


def clf_sizes(view: View) -> Column:
    """Sizes with `-` for nothing, as Apache's `%b` writes them."""
    return [b"%d" % size if size else b"-" for size in view.numbers("size")]


def _request_columns(view: View) -> tuple[Column, Column, Column, Column, Column, list[int]]:
    times = view.per_second(view.ends, clf_time)
    return view.clients, times, view.methods, view.targets, view.protocols, view.numbers("status")

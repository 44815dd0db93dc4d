"""Formats of `key=value` pairs."""

from datetime import datetime

from vedette.simulate.formats import escapes
from vedette.simulate.formats.json_lines import duration_ms, milliseconds_of
from vedette.simulate.rows import SECOND
from vedette.simulate.view import View, iso_second


class Heroku:
    """Heroku's router: the time when it has answered stands before the pairs, `service` is whole milliseconds."""

    name = "heroku"
    names_service = True
    timestamp = "end"

    def header(self, start: datetime) -> list[bytes]:  # noqa: ARG002 - no header
        """None."""
        return []

    def escape(self, text: bytes) -> bytes:
        """Percent-encoded, as the router passes on what clients ask for."""
        return escapes.percent(text).replace(b'"', b"%22").replace(b"\\", b"%5C")

    def lines(self, view: View) -> list[bytes]:
        """One line per row."""
        template = (
            b'%b.%06d+00:00 heroku[router]: at=%b method=%b path="%b" host=%b request_id=%b fwd="%b" dyno=web.%d '
            b"connect=0ms service=%dms status=%d bytes=%d protocol=https"
        )
        statuses = view.numbers("status")
        columns = (
            view.per_second(view.ends, iso_second),
            (view.ends % SECOND).tolist(),
            [b"error" if status == 503 else b"info" for status in statuses],
            view.methods,
            view.targets,
            view.services,
            view.request_ids,
            view.clients,
            [1 + port % 3 for port in view.ports],
            duration_ms(view),
            statuses,
            view.numbers("size"),
        )
        return list(map(template.__mod__, zip(*columns, strict=True)))


class Logfmt:
    """What a Go service with a logger of pairs writes once it has answered; durations as Go prints them."""

    name = "logfmt"
    names_service = True
    timestamp = "end"

    def header(self, start: datetime) -> list[bytes]:  # noqa: ARG002 - no header
        """None."""
        return []

    def escape(self, text: bytes) -> bytes:
        r"""As Go quotes a text; bytes that do not print as `\xhh`."""
        return escapes.apache(text)

    def lines(self, view: View) -> list[bytes]:
        """One line per row."""
        template = (
            b'time=%b.%03dZ level=info msg="request completed" service=%b method=%b path="%b" status=%d '
            b'remote_addr=%b bytes=%d duration=%d.%03dms referer="%b" user_agent="%b"'
        )
        duration = view.rows["duration"]
        columns = (
            view.per_second(view.ends, iso_second),
            milliseconds_of(view.ends),
            view.services,
            view.methods,
            view.targets,
            view.numbers("status"),
            view.clients,
            view.numbers("size"),
            (duration // 1000).tolist(),
            (duration % 1000).tolist(),
            view.referers,
            view.agents,
        )
        return list(map(template.__mod__, zip(*columns, strict=True)))

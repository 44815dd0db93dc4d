"""Zeek's `http.log` as JSON lines."""

from vedette.parsers.fields import Conventions, Field, TimeFormat
from vedette.parsers.json_lines import JsonFormat


def zeek_http() -> JsonFormat:
    """Its times are seconds, or RFC 3339 where Zeek is told so; `version` is not read: it lacks its `HTTP/`.

    https://docs.zeek.org/en/master/logs/http.html
    """
    return JsonFormat(
        "zeek-http-json",
        "Zeek's http.log as JSON (ts, id.orig_h, method, host, uri, status_code, ...)",
        {
            Field.TIME: ("ts",),
            Field.PEER: (r"id\.orig_h",),
            Field.METHOD: ("method",),
            Field.TARGET: ("uri",),
            Field.STATUS: ("status_code",),
            Field.BYTES_IN: ("request_body_len",),
            Field.BYTES_OUT: ("response_body_len",),
            Field.REFERER: ("referrer",),
            Field.USER_AGENT: ("user_agent",),
            Field.SERVICE: ("host",),
        },
        Conventions(TimeFormat.ANY),
        needs=(Field.PEER,),
    )

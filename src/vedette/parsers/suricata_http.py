"""The events `http` of Suricata's EVE, among its others.

An alert, a file and an anomaly tell again of the request that they belong to: only the event `http` is one.

https://docs.suricata.io/en/latest/output/eve/eve-json-format.html#event-type-http
"""

import re
from typing import Final

from vedette.parsers.fields import Conventions, Field, TimeFormat
from vedette.parsers.json_events import EventFormat

FORMAT: Final = "suricata-http-json"
_HTTP_EVENT: Final = re.compile(rb'"event_type": ?"http"')
_FLOW_EVENT: Final = re.compile(rb'"event_type": ?"flow"')


def suricata() -> EventFormat:
    """EVE logs that hold requests. What Suricata tells of flows is read as flows, from the same file."""
    return EventFormat(
        FORMAT,
        "Suricata's EVE, its events http (timestamp, event_type, src_ip, http.url, ...)",
        {
            Field.TIME: ("timestamp",),
            Field.PEER: ("src_ip",),
            Field.FORWARDED: ("http.xff",),
            Field.METHOD: ("http.http_method",),
            Field.TARGET: ("http.url",),
            Field.PROTOCOL: ("http.protocol",),
            Field.STATUS: ("http.status",),
            Field.BYTES_OUT: ("http.length",),
            Field.REFERER: ("http.http_refer",),
            Field.USER_AGENT: ("http.http_user_agent",),
            Field.SERVICE: ("http.hostname",),
        },
        Conventions(TimeFormat.ANY),
        key="event_type",
        wanted=b"http",
    )


def tells_requests(head: bytes) -> bool:
    """Whether an EVE log that begins like this holds requests."""
    return _HTTP_EVENT.search(head) is not None


def tells_flows(head: bytes) -> bool:
    """Whether an EVE log that begins like this holds flows already, which Suricata writes when they end."""
    return _FLOW_EVENT.search(head) is not None
